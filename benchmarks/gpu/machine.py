"""What is on this machine: packages with versions, the CUDA device, its driver and memory.

Run as a process of its own, which sends one message (``children.py``): a driver that hangs when it is first
asked takes nobody with it.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.gpu.assets import SAID, Assets
from benchmarks.gpu.children import Message, run_child
from benchmarks.gpu.steps import Step

_SECONDS = 90
_GIB = 2**30
#: Distributions that are not called as they are imported.
_SOLD_AS = {"sklearn": "scikit-learn", "yaml": "PyYAML"}


def look(steps: tuple[Step, ...], log: Path) -> Message:
    """What the machine has, as :func:`main` tells it; ``{"reason": why}`` where it does not answer."""
    found: list[Message] = []
    names = sorted({name for step in steps for name in step.packages})
    command = [sys.executable, "-m", "benchmarks.gpu.machine", *names]
    failed = run_child(command, _SECONDS, log, found.append)
    return found[0] if found else {"packages": {}, "device": None, "reason": failed or "it said nothing"}


def described(machine: Message) -> str:
    """The machine in one line."""
    packages = ", ".join(f"{name} {told}" for name, told in machine["packages"].items() if told)
    if machine["device"] is None:
        return f"No CUDA device ({machine['reason']}); {packages}."
    memory = f"{machine['gib']:.0f} GiB, driver {machine['driver']}, CUDA {machine['cuda']}"
    return f"{machine['device']}, {memory}, Python {platform.python_version()}, {packages}."


def missing(step: Step, machine: Message, assets: Assets, cut: str | None) -> str | None:
    """Why a step cannot run here, in one sentence; None where it can.

    Args:
        step: to be run.
        machine: from :func:`look`.
        assets: that are at hand.
        cut: what is wrong with the archive that was given.
    """
    absent = [name for name in step.packages if not machine["packages"].get(name)]
    if absent:
        return f"packages are missing: {', '.join(_SOLD_AS.get(name, name) for name in absent)}"
    lacking = [name for name in step.assets if getattr(assets, name) is None]
    if lacking:
        said = " and ".join(SAID[name] for name in lacking)
        return (
            cut or f"{said} not at hand; carry an archive (python -m benchmarks.gpu pack) and give --assets"
        )
    return None


def main() -> None:
    """Send what is here."""
    packages = {name: _version(name) for name in sys.argv[1:]}
    print(json.dumps({"packages": packages, **_device()}), flush=True)


def _version(name: str) -> str | None:
    """None where it cannot be imported."""
    if find_spec(name) is None:
        return None
    try:
        return version(_SOLD_AS.get(name, name))
    except PackageNotFoundError:
        return "of unknown version"


def _device() -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        return {"device": None, "reason": f"torch cannot be imported: {error}"}
    if not torch.cuda.is_available():
        built = "torch sees none" if torch.version.cuda else "this torch was built without CUDA"
        return {"device": None, "reason": built}
    try:
        torch.zeros(1, device="cuda").item()
    except RuntimeError as error:
        return {"device": None, "reason": str(error).splitlines()[0]}
    return {
        "device": torch.cuda.get_device_name(),
        "gib": torch.cuda.get_device_properties(0).total_memory / _GIB,
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "reason": None,
    }


def _driver() -> str:
    """Its version, which torch does not tell."""
    file = Path("/sys/module/nvidia/version")
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    try:
        import pynvml

        pynvml.nvmlInit()
        told = pynvml.nvmlSystemGetDriverVersion()
        return told if isinstance(told, str) else told.decode()
    except Exception:  # the package is missing or of another driver: the version is a remark, not a need
        return "unknown"


if __name__ == "__main__":
    main()
