"""What every step's process has: its device, its assets, a way to tell results, and clocks that wait.

A step is a function of a :class:`Child`. It takes the standard output for its messages; what libraries print
goes to standard error. A part that fails is told and the next part goes on, unless the driver failed: after
that no call to CUDA works in this process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import torch

from benchmarks.gpu.assets import Assets, find_assets
from userip_lightning.errors import InputError

_GB = 1e9
_LONG = 300  # characters of a reason


class DriverFailed(Exception):
    """CUDA cannot be used any longer in this process."""


class Child:
    """One step's process.

    Args:
        device: where it measures.
        dry: whether sizes are toys.
        seconds: its limit.
        folder: for its files.
        assets: what was carried.
        out: gets its messages.
    """

    def __init__(
        self, device: str, dry: bool, seconds: float, folder: Path, assets: Assets, out: TextIO
    ) -> None:
        self.device, self.dry, self.folder, self.assets = torch.device(device), dry, folder, assets
        self._out, self._ends = out, time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until its limit."""
        return self._ends - time.monotonic()

    @property
    def accelerator(self) -> str:
        """As Lightning's Trainer names the device."""
        return "gpu" if self.device.type == "cuda" else "cpu"

    def tell(self, row: str, **figures: Any) -> None:
        """Send a result."""
        self._send({"row": row, "figures": figures})

    def refuse(self, row: str, reason: str) -> None:
        """Send why there is none."""
        self._send({"row": row, "reason": reason[:_LONG]})

    def stop(self, reason: str) -> None:
        """Send that all rows that are left have none, for this reason."""
        self._send({"stop": reason[:_LONG]})

    @contextmanager
    def part(self, row: str) -> Iterator[None]:
        """Whatever goes wrong in the block is the reason why ``row`` has no result; the step goes on.

        Raises:
            DriverFailed: a further call to CUDA would fail too.
        """
        try:
            yield
            self.synchronise()
        except Exception as error:
            traceback.print_exc()
            reason = told(error)
            if driver_failed(error):
                raise DriverFailed(reason) from error
            self.refuse(row, reason)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def synchronise(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds_of(self, work: Callable[[], object], rounds: int, warm: int = 2) -> float:
        """Median seconds of a call over ``rounds``, from an idle device to an idle device."""
        for _ in range(warm):
            work()
        found = []
        for _ in range(rounds):
            self.synchronise()
            begun = time.perf_counter()
            work()
            self.synchronise()
            found.append(time.perf_counter() - begun)
        return statistics.median(found)

    def reset_peak(self) -> None:
        """Let the peak begin at what is allocated now."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> dict[str, float]:
        """The most that tensors had allocated since, in GB; nothing on a CPU, where no allocator counts."""
        if self.device.type != "cuda":
            return {}
        return {"peak GB": torch.cuda.max_memory_allocated(self.device) / _GB}

    def _send(self, message: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def start(step: Callable[[Child], None]) -> None:
    """Run a step in this process, as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--assets", type=Path)
    parser.add_argument("--dry", action="store_true")
    given = parser.parse_args()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    given.folder.mkdir(parents=True, exist_ok=True)
    assets = find_assets(given.assets)
    child = Child(given.device, given.dry, given.seconds, given.folder, assets, out)
    try:
        step(child)
    except DriverFailed as error:
        child.stop(f"the driver failed: {error}")
    except Exception as error:
        traceback.print_exc()
        child.stop(told(error))
    out.flush()
    if child.device.type == "cuda":
        os._exit(0)  # a driver that failed may hang or abort while Python takes its modules down


def told(error: BaseException) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines()
    first = lines[0] if lines else ""
    if isinstance(error, InputError):
        return first
    if isinstance(error, torch.OutOfMemoryError):
        return f"out of memory: {first}"
    return f"{type(error).__name__}: {first}"


def driver_failed(error: BaseException) -> bool:
    """Whether CUDA itself failed, other than by lack of memory."""
    if isinstance(error, torch.OutOfMemoryError):
        return False
    signs = ("CUDA error", "CUDA driver", "cudaError", "CUBLAS_STATUS", "CUDNN_STATUS", "device-side assert")
    return any(sign in str(error) for sign in signs)
