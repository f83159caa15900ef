"""A step as a child process: its messages as they come, its limit, and what became of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_LAST = 300  # characters of its last words
_ROOT = Path(__file__).parents[2]

Message = dict[str, Any]


def run_child(
    command: Sequence[str], seconds: float, log: Path, receive: Callable[[Message], None]
) -> str | None:
    """Run a command that writes one JSON object a line on its standard output.

    Args:
        command: program and arguments.
        seconds: after which it is killed, with every process that it started.
        log: gets its standard error.
        receive: is called with each message as soon as it is there.

    Returns:
        None where it ended well, else why it did not, in a few words.
    """
    with open(log, "wb") as errors:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, env=_environment()
        )
    late = threading.Event()

    def kill() -> None:
        late.set()
        _kill(child)

    timer = threading.Timer(max(0.0, seconds), kill)
    timer.start()
    stopped = None
    try:
        assert child.stdout is not None
        for line in child.stdout:
            message = _message(line)
            if "stop" in message:
                stopped = str(message["stop"])
            elif message:
                receive(message)
        code = child.wait()
    finally:
        timer.cancel()
        _kill(child)  # whatever it left behind
    if late.is_set():
        return f"its limit of {seconds:.0f} s was up"
    if stopped is not None or code == 0:
        return stopped
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process ended with code {code} ({_last_words(log)})"


def _environment() -> dict[str, str]:
    """No network, and what the other benchmarks import of each other can be found."""
    path = [str(_ROOT), str(_ROOT / "benchmarks"), *filter(None, [os.environ.get("PYTHONPATH")])]
    offline = {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **offline, "PYTHONPATH": os.pathsep.join(path)}


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _message(line: bytes) -> Message:
    """Nothing where a line is no message: it was cut off, or a library wrote it."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_LAST] if lines else "it said nothing"
