"""Real Feast beside the tests: it wants pandas 2 and the package is tested with pandas 3, hence a process."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Python of an environment with feast[redis]; the one that runs the tests where it has Feast.
PYTHON = os.environ.get("USERIP_FEAST_PYTHON") or (
    sys.executable if importlib.util.find_spec("feast") else None
)
WHY_NOT = (
    "needs Feast in an environment of its own: pip install -r tests/serving/feast_requirements.txt, and "
    "name its Python in USERIP_FEAST_PYTHON"
)


class Feast:
    """A process that runs Feast's commands; close it with :meth:`close`."""

    def __init__(self) -> None:
        assert PYTHON is not None
        driver = Path(__file__).with_name("feast_driver.py")
        environment = {**os.environ, "PYTHONPATH": "", "FEAST_USAGE": "False"}
        self._process = subprocess.Popen(
            [PYTHON, str(driver)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def run(self, folder: Path, *words: str) -> str:
        """`feast WORDS` in a repository; what it printed."""
        done = self._ask(folder=str(folder), words=words)
        assert done["exit_code"] == 0, done["output"]
        return str(done["output"])

    def codes(self, folder: Path, users: list[str], names: tuple[str, ...]) -> list[tuple[int | None, ...]]:
        """What `get_online_features` has for users, one code per profile."""
        found = self._ask(folder=str(folder), users=users, features=[f"user_codes:{name}" for name in names])
        assert found["user_id"] == users, found
        return list(zip(*(found[name] for name in names), strict=True))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _ask(self, **question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())
