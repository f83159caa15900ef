"""Runs Feast's own commands; started with the Python that has Feast (tests/serving/feast_process.py).

A line of JSON in, a line of JSON out. Feast takes seconds to import, so one process serves many commands;
each runs in a fork, so that nothing, such as definitions read from a repository, is left of the one before.
"""

import json
import os
import sys
from typing import Any

from click.testing import CliRunner
from feast import FeatureStore
from feast.cli.cli import cli
from feast.infra import passthrough_provider  # noqa: F401  # Feast imports it late
from feast.infra.compute_engines.local import compute  # noqa: F401  # Feast imports it late
from feast.infra.offline_stores import dask  # noqa: F401  # Feast imports it late
from feast.infra.online_stores import redis, sqlite  # noqa: F401  # Feast imports it late
from feast.infra.registry import file  # noqa: F401  # Feast imports it late


def answer(asked: dict[str, Any]) -> Any:
    if "words" in asked:
        done = CliRunner().invoke(cli, ["-c", asked["folder"], *asked["words"]])
        return {"exit_code": done.exit_code, "output": f"{done.output}{done.exception or ''}"}
    rows = [{"user_id": user} for user in asked["users"]]
    return (
        FeatureStore(asked["folder"])
        .get_online_features(features=asked["features"], entity_rows=rows)
        .to_dict()
    )


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Feast prints is no answer
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                found = answer(json.loads(line))
            except Exception as error:
                found = {"error": repr(error)}
            print(json.dumps(found), file=out, flush=True)
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    main()
