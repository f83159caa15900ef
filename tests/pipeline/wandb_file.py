"""Reads the file that an offline W&B run leaves behind, which is what `wandb sync` uploads.

W&B offers no reader that all its versions share, but the format is theirs: seven bytes of header, then
records in the layout of LevelDB's log (blocks of 32 KiB; every piece has a checksum, a length and a kind),
each record a protocol buffer that the installed library decodes.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wandb.proto import wandb_internal_pb2

FILE_HEADER, PIECE_HEADER, BLOCK = 7, struct.Struct("<IHB"), 32768
WHOLE, LAST = 1, 4


class OfflineRun(NamedTuple):
    """What W&B would show of a run."""

    project: str
    group: str
    job_type: str
    name: str
    tags: list[str]
    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    axes: dict[str, str]
    exit_code: int


def read_run(file: Path) -> OfflineRun:
    """One run; keys that W&B adds itself, all of them with an underscore in front, are left out."""
    records = list(_records(file))
    (run,) = (record.run for record in records if record.HasField("run"))
    (end,) = (record.exit for record in records if record.HasField("exit"))
    summary: dict[str, Any] = {}
    for record in records:
        for item in record.summary.update:
            _put(summary, item)
    history = []
    for record in records:
        if record.HasField("history"):
            history.append(line := {})
            for item in record.history.item:
                _put(line, item)
    return OfflineRun(
        run.project,
        run.run_group,
        run.job_type,
        run.display_name,
        list(run.tags),
        _public({item.key: json.loads(item.value_json) for item in run.config.update}),
        [_public(line) for line in history],
        _public(summary),
        {record.metric.name or record.metric.glob_name: record.metric.step_metric for record in records},
        end.exit_code,
    )


def _put(values: dict[str, Any], item: Any) -> None:
    *path, key = item.nested_key or [item.key]
    for name in path:
        values = values.setdefault(name, {})
    values[key] = json.loads(item.value_json)


def _public(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not key.startswith("_")}


def _records(file: Path) -> Iterator[Any]:
    data, place, parts = file.read_bytes(), FILE_HEADER, b""
    while place < len(data):
        left = BLOCK - place % BLOCK
        if left < PIECE_HEADER.size:
            place += left
            continue
        _, size, kind = PIECE_HEADER.unpack_from(data, place)
        place += PIECE_HEADER.size
        parts += data[place : place + size]
        place += size
        if kind in (WHOLE, LAST):
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""
