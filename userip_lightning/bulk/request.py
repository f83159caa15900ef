"""What is asked of a bulk inference."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Request(NamedTuple):
    """What is asked for.

    Args:
        events: Parquet file or folder.
        items: Parquet file of items beside the experiment's own, or None.
        output: folder.
        workers: processes; 1 is this one.
        part_users: users of a part, about; what a killed worker loses at most.
    """

    events: Path
    items: Path | None
    output: Path
    workers: int
    part_users: int
