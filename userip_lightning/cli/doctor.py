"""`userip doctor`: what this machine would run with, and what is missing for which command."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.table import Table
from rich.text import Text

from userip_lightning import __version__
from userip_lightning.assets import DEFAULT_ENCODER, DEFAULT_LM, ML_100K, cache_root
from userip_lightning.cli.paragraphs import command_parser

_PACKAGE = "userip-lightning"
_DESCRIPTION = """Show versions against the ranges that are needed, device and precision, the cache, and what
is missing for which command. The exit code is 0 where the default commands can run, else 1."""
#: Extra of the package to what needs it; those for development aside.
EXTRAS = {
    "dashboard": "userip dashboard",
    "quantized": "profile.model.lm.quantization: nf4",
    "ray": "userip infer --workers 2",
    "redis": "userip bank push redis://...",
}
_GIB = 1 << 30


class Finding(NamedTuple):
    """One line.

    Args:
        state: ``ok``, ``missing`` where only some commands need it, ``broken`` where the default ones do.
        name: of what was looked at.
        found: what is there.
        advice: what to do about it.
    """

    state: str
    name: str
    found: str
    advice: str = ""


def doctor(arguments: Sequence[str]) -> None:
    """Run `userip doctor`.

    Raises:
        SystemExit: with code 1, something is broken.
    """
    parser = command_parser("userip doctor", _DESCRIPTION)
    parser.parse_args(list(arguments))
    findings = [*versions(), *device(), *cache(cache_root())]
    _print(findings)
    if any(finding.state == "broken" for finding in findings):
        raise SystemExit(1)


def versions() -> Iterator[Finding]:
    """Python, this package, what it needs, and its extras."""
    try:
        about = metadata.metadata(_PACKAGE)
    except metadata.PackageNotFoundError:
        yield Finding(
            "missing", _PACKAGE, "not installed, run from its source", "pip install -e . checks what it needs"
        )
        return
    yield _ranged("Python", platform.python_version(), SpecifierSet(about["Requires-Python"] or ""), "")
    yield Finding("ok", _PACKAGE, __version__)
    requirements = [Requirement(text) for text in metadata.requires(_PACKAGE) or ()]
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _installed(requirement, "")
    for extra, command in EXTRAS.items():
        for requirement in requirements:
            if requirement.marker is not None and requirement.marker.evaluate({"extra": extra}):
                yield _installed(requirement, extra)._replace(name=f"{requirement.name} ({command})")


def device() -> Iterator[Finding]:
    """Where models run, and in which types of numbers."""
    try:
        import torch

        from userip_lightning.lm.source import resolve_dtype
    except (ImportError, OSError) as error:  # a library that torch was built against
        yield Finding(
            "broken", "device", f"torch or transformers cannot be imported ({error})", "install them again"
        )
        return
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / _GIB
        found = f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}, {memory:.0f} GiB"
    elif torch.backends.mps.is_available():
        found = "Apple GPU (mps)"
    else:
        found = f"CPU, {torch.get_num_threads()} threads"
    yield Finding("ok", "device", found)
    dtype = str(resolve_dtype("auto")).removeprefix("torch.")
    yield Finding("ok", "precision", f"language model in {dtype}, what is trained in float32")


def cache(folder: Path) -> Iterator[Finding]:
    """The cache, what is in it, and the space that is left."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    writable = os.access(there, os.W_OK)
    free = shutil.disk_usage(there).free / _GIB
    yield Finding(
        "ok" if writable else "broken",
        "cache",
        f"{folder}, {free:.1f} GiB free",
        "" if writable else "cannot be written; set USERIP_CACHE to another folder",
    )
    for name in (DEFAULT_LM, ML_100K, DEFAULT_ENCODER):
        if (folder / name).is_dir():
            yield Finding("ok", name, "in the cache")
        else:
            yield Finding(
                "missing", name, "fetched when it is needed", f"userip assets fetch --names [{name}]"
            )
    prepared = sum(1 for _ in folder.glob("prepared-*"))
    yield Finding("ok", "prepared data", f"{prepared} in the cache")


def _installed(requirement: Requirement, extra: str) -> Finding:
    target = f"'{_PACKAGE}[{extra}]'" if extra else f"'{requirement.name}{requirement.specifier}'"
    advice = f"pip install {target}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding("missing" if extra else "broken", requirement.name, "not installed", advice)
    found = _ranged(requirement.name, version, requirement.specifier, advice)
    return found._replace(state="missing") if extra and found.state == "broken" else found


def _ranged(name: str, version: str, wanted: SpecifierSet, advice: str) -> Finding:
    text = f"{version} (needs {wanted})" if str(wanted) else version
    if wanted.contains(version, prereleases=True):
        return Finding("ok", name, text)
    return Finding("broken", name, text, advice or f"use another {name}")


def _print(findings: Sequence[Finding]) -> None:
    console = Console()
    if not console.is_terminal:
        for state, name, found, advice in findings:
            print(f"{state:<8} {name}: {found}" + (f"; {advice}" if advice else ""))
        return
    table = Table("", "what", "found", "what to do")
    for finding in findings:
        table.add_row(*(Text(text) for text in finding))
    console.print(table)
