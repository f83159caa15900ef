"""Arrays of NumPy and tables of Parquet that can be read and are not what they were."""

from __future__ import annotations

import io
import random
import re

import numpy as np
import polars as pl

_TYPES = ("<i4", "<i8", "<u8", "<f4", "<f8", ">i8", "|O", "<U8", "|b1", "|S1", "<M8[s]")


def damage_array(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A ``.npy`` file with another header, other values or another order."""
    if rng.random() < 0.4:
        return _other_header(raw, rng)
    try:
        array = np.load(io.BytesIO(raw))
    except Exception:  # damaged before; whatever that raises
        return raw[:-1], "cut by a byte"
    return _saved(*_other_values(array, rng))


def _other_values(array: np.ndarray, rng: random.Random) -> tuple[np.ndarray, str]:
    what = rng.choice(["one", "order", "fewer", "more", "type", "shape", "same"])
    if array.size and what == "one":
        place, other = rng.randrange(array.size), rng.randrange(array.size)
        changed = array.copy()
        changed.flat[place] = array.flat[other] if array.dtype.kind in "US" else array.flat[place] * 0 + 1
        return changed, f"value {place} changed"
    if array.ndim and what == "order":
        order = list(range(len(array)))
        rng.shuffle(order)
        return array[order], "rows in another order"
    if array.ndim and what == "fewer":
        return array[: len(array) // 2], "half of the rows"
    if array.ndim and what == "more":
        return np.concatenate([array, array]), "all rows twice"
    if what == "type" and array.dtype.kind in "iuf":
        new = np.dtype(rng.choice(["float64", "int8", "uint64", "float16", "complex64", ">i8"]))
        with np.errstate(all="ignore"):
            return array.astype(new), f"type {new}"
    if what == "shape":
        return array.reshape(rng.choice([(-1,), (1, *array.shape), (*array.shape, 1)])), "another shape"
    return array, "written again"


def _other_header(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    """The header's text with one entry changed, padded to its old length where that is enough."""
    if len(raw) < 10 or raw[:6] != b"\x93NUMPY":
        return raw[::-1], "backwards"
    size = int.from_bytes(raw[8:10], "little")
    text = raw[10 : 10 + size].decode("latin-1")
    old, new = rng.choice(
        [
            (r"'descr': '[^']*'", f"'descr': '{rng.choice(_TYPES)}'"),
            (
                r"'shape': \([^)]*\)",
                f"'shape': {rng.choice(['(0,)', '()', '(1, 1)', '(99999999999, 9)', '(-1, 2)'])}",
            ),
            (r"'fortran_order': False", "'fortran_order': True"),
            (r"'shape'", rng.choice(["'shope'", "shape", "'shape"])),
            (r"\}", rng.choice(["", ")", "}}", "\x00"])),
        ]
    )
    changed = re.sub(old, lambda _: new, text, count=1).rstrip()
    padded = changed.ljust(size - 1)[: size - 1] + "\n"
    return raw[:10] + padded.encode("latin-1") + raw[10 + size :], f"header {old} is {new!r}"


def damage_table(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A Parquet file with other rows, columns, types or values."""
    try:
        frame = pl.read_parquet(io.BytesIO(raw))
    except Exception:
        return raw[:-1], "cut by a byte"
    changed, words = _other_table(frame, rng)
    handle = io.BytesIO()
    changed.write_parquet(handle)
    return handle.getvalue(), words


def _other_table(frame: pl.DataFrame, rng: random.Random) -> tuple[pl.DataFrame, str]:
    if not frame.width:
        return frame, "written again"
    name = rng.choice(frame.columns)
    what = rng.choice(["order", "fewer", "twice", "rename", "drop", "null", "type", "one", "none", "same"])
    if what == "order":
        return frame.sample(fraction=1.0, shuffle=True, seed=rng.randrange(2**31)), "rows in another order"
    if what == "fewer":
        return frame.head(frame.height // 2), "half of the rows"
    if what == "twice":
        return pl.concat([frame, frame]), "all rows twice"
    if what == "rename":
        return frame.rename({name: f"{name}x"}), f"column {name} renamed"
    if what == "drop":
        return frame.drop(name), f"column {name} dropped"
    if what == "null":
        return frame.with_columns(pl.lit(None, frame.schema[name]).alias(name)), f"column {name} is null"
    if what == "type":
        new = rng.choice([pl.String, pl.Float32, pl.Int8, pl.Int64, pl.Binary])
        return frame.with_columns(
            pl.col(name).cast(pl.String).cast(new, strict=False)
        ), f"column {name} is {new}"
    if what == "one" and frame.height > 1:
        place, other = rng.sample(range(frame.height), 2)
        at = pl.int_range(pl.len()) == place
        return frame.with_columns(pl.when(at).then(pl.col(name).get(other)).otherwise(name).alias(name)), (
            f"row {place} has the {name} of row {other}"
        )
    if what == "none":
        return frame.clear(), "no rows"
    return frame, "written again"


def _saved(array: np.ndarray, words: str) -> tuple[bytes, str]:
    handle = io.BytesIO()
    np.save(handle, array, allow_pickle=False)
    return handle.getvalue(), words
