"""Artifacts that somebody changed and whose manifest agrees: nothing tells them from written ones."""

import json
from pathlib import Path
from typing import Any

from userip_lightning import integrity
from userip_lightning.artifact import MANIFEST


def forge(folder: Path, **changes: Any) -> Path:
    """Change entries of a manifest, and have it agree with its files as they are now; returns ``folder``."""
    file = folder / MANIFEST
    record = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    sizes = {name: (folder / name).stat().st_size for name in record["files"]}
    whole, samples = integrity.hashes(folder, sizes)
    record |= {"files": sizes, "hashes": whole, "samples": samples}
    file.write_text(json.dumps(integrity.sealed(record)), encoding="utf-8")
    return folder


def aged(folder: Path, **changes: Any) -> Path:
    """As a version wrote it that kept sizes alone; returns ``folder``."""
    file = folder / MANIFEST
    record = json.loads(file.read_text(encoding="utf-8"))
    for name in ("hashes", "samples", integrity.SEAL):
        del record[name]
    file.write_text(json.dumps({**record, **changes}), encoding="utf-8")
    return folder
