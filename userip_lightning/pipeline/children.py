"""Further processes of a command on this machine: started, watched, and ended with it.

Lightning starts such processes too, but where one of them dies it kills the first without a word.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

#: Names the process that started this one, by its id.
PARENT = "USERIP_PARENT"
#: Seconds between two looks at the others.
PERIOD = 0.2
#: Seconds that a process has to notice by itself that another one died; that a failed one has to end; and
#: that all have where nothing failed.
NOTICE, FAIL, END = 5.0, 20.0, 60.0


class Failure(NamedTuple):
    """How a process failed.

    Args:
        rank: which one.
        code: its exit code, or minus the signal that killed it.
        words: the last line that it wrote to standard error.
    """

    rank: int
    code: int
    words: str

    @property
    def interrupted(self) -> bool:
        """Whether it was Ctrl+C."""
        return self.code in (-signal.SIGINT, 128 + signal.SIGINT)

    def __str__(self) -> str:
        if self.code < 0:
            return f"process {self.rank} was killed by {signal.Signals(-self.code).name}"
        told = f" ({self.words.rstrip('.')})" if self.words else ""
        return f"process {self.rank} ended with exit code {self.code}{told}"


class Children:
    """Processes that run the same command line.

    Args:
        words: the command line after `userip`.
        environments: what to set for each process, by its rank.
    """

    def __init__(self, words: Sequence[str], environments: Mapping[int, Mapping[str, str]]) -> None:
        self._errors: dict[int, IO[bytes]] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self.ended_by_us = False
        for rank, environment in environments.items():
            self._errors[rank] = tempfile.TemporaryFile()  # noqa: SIM115  closed in end()
            self._processes[rank] = subprocess.Popen(
                [sys.executable, "-m", __name__.partition(".")[0], *words],
                env={**os.environ, **environment, PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors[rank],
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def failure(self, patience_s: float = 0.0) -> Failure | None:
        """The failure of a process, if one fails within ``patience_s`` seconds."""
        end = time.monotonic() + patience_s
        while True:
            for rank, process in self._processes.items():
                if process.poll():
                    return Failure(rank, process.returncode, self._last_words(rank))
            if time.monotonic() >= end:
                return None
            time.sleep(PERIOD)

    def end(self, patience_s: float) -> None:
        """Wait for the processes; those that run after ``patience_s`` seconds are ended, then killed."""
        self._over.set()
        self._wait(patience_s)
        for process in self._running():
            process.terminate()
        self._wait(NOTICE)
        for process in self._running():
            process.kill()
            process.wait()
        for file in self._errors.values():
            file.close()

    def _running(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self._processes.values() if process.poll() is None]

    def _wait(self, patience_s: float) -> None:
        end = time.monotonic() + patience_s
        while self._running() and time.monotonic() < end:
            time.sleep(PERIOD / 4)

    def _last_words(self, rank: int) -> str:
        file = self._errors[rank]
        file.seek(0)
        lines = file.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _watch(self) -> None:
        """Interrupt this process where another one failed and it does not notice, being elsewhere."""
        while not self._over.wait(PERIOD):
            failure = self.failure()
            if failure is None:
                continue
            if self._over.wait(NOTICE):
                return
            self.ended_by_us = True
            os.kill(os.getpid(), signal.SIGINT)
            if self._over.wait(FAIL):
                return
            # A reduction on GPUs waits for the dead in C++, where no signal is heard.
            print(f"userip: {failure}; what was finished is kept.", file=sys.stderr, flush=True)
            for process in self._processes.values():
                process.kill()
            os._exit(1)


def end_with_parent() -> None:
    """End this process when the one that started it is no more."""
    parent = os.environ.get(PARENT)
    if parent is not None:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PERIOD)
    os._exit(1)
