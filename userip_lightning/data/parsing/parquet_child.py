"""The program that decodes Parquet files of others, so that a crash over a damaged one is its own.

A length in a damaged file can ask for more memory than there is, and then polars does not raise: it ends the
process. :mod:`userip_lightning.data.parsing.foreign_parquet` runs this file as a process, writes requests as
lines of JSON to its standard input and reads messages from its standard output: a letter, a length of 8
bytes, so many bytes. ``F`` is a frame as an Arrow stream, ``D`` an answer as JSON and the end, ``E`` why it
cannot be read, and the end.

It imports nothing of this package, for it is run by its path, and ends when nobody asks for a while.
"""

from __future__ import annotations

import io
import json
import os
import select
import sys
from typing import Any

import polars as pl

_DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, MemoryError)
_IDLE_SECONDS = 10.0


def main() -> None:
    """Answer requests, one after another."""
    while select.select([sys.stdin.buffer], [], [], _IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        try:
            _answer(json.loads(line))
        except BrokenPipeError:
            os._exit(0)  # nobody reads on
        except _DAMAGE as error:
            _send(b"E", str(error).encode("utf-8", "replace"))
            if isinstance(error, pl.exceptions.PanicException):
                return


def _answer(request: dict[str, Any]) -> None:
    if request["folder"]:
        os.chdir(request["folder"])
    scan = _scan(request)
    if request["task"] == "describe":
        _send(b"D", json.dumps(_description(scan, request)).encode())
        return
    schema = scan.collect_schema()
    names = [name for name in request["columns"] or schema if name in schema]
    _send_frame(pl.DataFrame(schema={name: schema[name] for name in names}))
    for frame in (
        scan.select(names).collect_batches(chunk_size=request["rows"], maintain_order=True) if names else ()
    ):
        if request["task"] == "read" and frame.height:
            _send_frame(frame)
    _send(b"D", b"{}")


def _scan(request: dict[str, Any]) -> pl.LazyFrame:
    """An address as it is; files by paths below their folder, which is the working directory.

    So folders above it are no partitions, whatever their names. Partitions stay text: guessed as numbers, the
    ids 007 and 7 would be one.
    """
    where = request["address"] or request["files"]
    glob = request["address"] is not None
    if not request["partitions"]:
        return pl.scan_parquet(where, glob=glob, hive_partitioning=False)
    stored = pl.scan_parquet(where, glob=glob, hive_partitioning=False).collect_schema()
    every = pl.scan_parquet(where, glob=glob, hive_partitioning=True).collect_schema()
    partitions = {name: pl.String() for name in every if name not in stored}
    return pl.scan_parquet(where, glob=glob, hive_partitioning=True, hive_schema=partitions)


def _description(scan: pl.LazyFrame, request: dict[str, Any]) -> dict[str, object]:
    metadata = {} if request["address"] else pl.read_parquet_metadata(request["files"][0])
    return {
        "rows": scan.select(pl.len()).collect().item(),
        "columns": {name: str(dtype) for name, dtype in scan.collect_schema().items()},
        "metadata": {key: value for key, value in metadata.items() if key != "ARROW:schema"},
    }


def _send_frame(frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compression="uncompressed")
    _send(b"F", buffer.getbuffer())


def _send(letter: bytes, payload: bytes | memoryview) -> None:
    out = sys.stdout.buffer
    out.write(letter + len(payload).to_bytes(8, "big"))
    out.write(payload)
    out.flush()


if __name__ == "__main__":
    main()
