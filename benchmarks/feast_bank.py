"""Seconds until codes are in a store, milliseconds to read those of 1,000 users: Feast, and our SQLite file.

    USERIP_FEAST_PYTHON=feast-venv/bin/python python benchmarks/feast_bank.py [--users N] [--reads N]

Feast (`pip install 'feast[redis]'` in an environment of its own) materializes the repository that
`userip bank feast` writes into SQLite and into a redis-server that is started here, and reads with
get_online_features; our own store is written with `userip bank push --to sqlite:///FILE` and read with
SqliteBank. Wall-clock time, one process that reads; every read asks for other users, all of whom are there.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ASKED = 1_000
#: What runs under Feast's Python: a repository's folder and users, a line of JSON back.
INSIDE = """
import json, os, sys, time
from datetime import datetime, timedelta, timezone
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from feast import FeatureStore
from feast.cli.cli import cli
from click.testing import CliRunner
folder, users, reads, asked = sys.argv[1], *map(int, sys.argv[2:])
assert CliRunner().invoke(cli, ["-c", folder, "apply"]).exit_code == 0
store, now = FeatureStore(folder), datetime.now(timezone.utc)
start = time.perf_counter()
store.materialize(now - timedelta(days=1), now)
written, times = time.perf_counter() - start, []
for read in range(reads + 5):
    ids = [f"user_{(read * asked + 7919 * i) % users}" for i in range(asked)]
    start = time.perf_counter()
    found = store.get_online_features(
        features=["user_codes:hobby", "user_codes:background"], entity_rows=[{"user_id": id} for id in ids]
    ).to_dict()
    times.append(time.perf_counter() - start)
    assert None not in found["hobby"]
print(json.dumps([written, times[5:]]), file=out, flush=True)
"""


def main() -> None:
    """Print a row per store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=200, help="of 1,000 users each")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_bank(root / "bank", chosen.users)
        _show("our SQLite file", *_ours(root, chosen.users, chosen.reads))
        python = os.environ.get("USERIP_FEAST_PYTHON")
        if python is None:
            sys.exit("Feast is not measured: USERIP_FEAST_PYTHON names no Python that has it")
        _show("Feast, SQLite", *_feast(root, "sqlite", python, chosen))
        with _Redis() as port:
            _show("Feast, Redis", *_feast(root, f"redis://127.0.0.1:{port}", python, chosen))


def _write_bank(root: Path, users: int) -> None:
    import numpy as np

    from userip_lightning.artifact import Manifest
    from userip_lightning.bank import FeatureBank

    sizes = (4, 3)
    codes = np.random.default_rng(0).integers(0, sizes, (users, 2))
    ids = [f"user_{number}" for number in range(users)]
    manifest = Manifest("bank", "benchmark", "benchmark", users)
    FeatureBank.write(root, ids, codes, ("hobby", "background"), sizes, manifest, np.arange(1))


def _ours(root: Path, users: int, reads: int) -> tuple[float, list[float]]:
    from userip_lightning.bank import FeatureBank
    from userip_lightning.serving.sqlite_store import Address, SqliteBank, push

    bank, address = FeatureBank.open(root / "bank"), Address(root / "codes.db")
    written = _seconds(lambda: push(bank, address))
    with SqliteBank(address) as reader:
        times = []
        for read in range(reads + 5):
            ids = [f"user_{(read * ASKED + 7919 * i) % users}" for i in range(ASKED)]
            times.append(_seconds(lambda ids=ids: reader.lookup(ids)))  # type: ignore[misc]  # a default in a lambda
    return written, times[5:]


def _feast(root: Path, online: str, python: str, chosen: argparse.Namespace) -> tuple[float, list[float]]:
    from userip_lightning.bank import FeatureBank
    from userip_lightning.serving import feast_repository

    repository = root / online.partition(":")[0]
    feast_repository.write(FeatureBank.open(root / "bank"), repository, online)
    words = [python, "-c", INSIDE, str(repository), *map(str, (chosen.users, chosen.reads, ASKED))]
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    written, times = json.loads(done.stdout)
    return written, times


class _Redis:
    """Port of a redis-server that keeps nothing."""

    def __enter__(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        words = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        time.sleep(1)
        return port

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _show(name: str, written: float, times: list[float]) -> None:
    times = sorted(times)
    p50, p99 = (1_000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.99))
    print(f"| {name} | {written:.1f} | {p50:.1f} | {p99:.1f} |", flush=True)


if __name__ == "__main__":
    main()
