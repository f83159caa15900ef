"""A bank's folder out of a store."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import array_of
from userip_lightning.bank.version_folder import Content
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import ROWS_SEEN
from userip_lightning.serving.copying import Progress, manifest_of, write_pulled
from userip_lightning.serving.redis_store import pushing
from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.errors import told
from userip_lightning.serving.redis_store.layout import Layout, Meta
from userip_lightning.serving.redis_store.pages import read_page

_ROWS = ROWS_SEEN.removesuffix(".npy")


class _Superseded(Exception):
    """The version that was read is no longer current, and keys of it are gone."""


def pull(address: Address, root: str | Path, progress: Progress = lambda done, total: None) -> Path:
    """Write the current version of a store into a bank's folder, and make it the current one there.

    Args:
        address: of the store.
        root: folder of all versions; is made where it is missing.
        progress: is called with the number of keys that are read, and that there are.

    Returns:
        The folder of the version; all of its files are what they were when it was pushed.

    Raises:
        InputError: no bank there or its codes alone, the server is gone or lost keys, or the folder cannot be
            written.
    """
    layout = Layout(address)
    with told(address):
        while True:
            try:
                meta = layout.read_meta()
                content = _content(layout, meta, progress)
                break
            except _Superseded:
                continue
    return write_pulled(content, meta.version, root, address)


def _content(layout: Layout, meta: Meta, progress: Progress) -> Content:
    if meta.files is None:
        raise InputError(
            f"{layout.address}: codes alone were pushed there (--codes_only), which make no whole bank; push "
            "without it, or copy the bank's folder."
        )
    pages = [layout.page(meta.version, number) for number in range(meta.pages)]
    parts = {
        name: [layout.part(meta.version, name, number) for number in range(count)]
        for name, count in meta.files.items()
    }
    total = len(pages) + sum(map(len, parts.values()))
    found: dict[str, list[int]] = {}
    texts = _values(layout, meta, pages, pushing.BATCH, lambda done: progress(done, total))
    for key, page in zip(pages, texts, strict=True):
        with layout.expected(key):
            found.update(read_page(page, len(meta.names)))
    arrays, at_once = {}, max(1, pushing.BATCH_BYTES // pushing.PART)
    for name, keys in parts.items():
        values = _values(layout, meta, keys, at_once, lambda done: None)
        with layout.expected(layout.part(meta.version, name, "*")):
            arrays[name.removesuffix(".npy")] = _array(values)
    progress(total, total)
    return Content.of(
        list(found),
        np.array(list(found.values()), dtype=np.int64).reshape(len(found), len(meta.names)),
        meta.names,
        meta.sizes,
        manifest_of(meta.manifest, layout.address),
        arrays.pop(_ROWS),
        arrays,
    )


def _values(
    layout: Layout, meta: Meta, keys: Sequence[str], at_once: int, progress: Callable[[int], object]
) -> list[bytes]:
    """Values of keys of the current version."""
    found: list[bytes] = []
    for batch in pushing.batches(keys, at_once):
        current, *values = layout.client.mget(layout.current, *batch)
        if None in values:
            if current != meta.version.encode():
                raise _Superseded
            raise layout.damaged(batch[values.index(None)])
        found.extend(values)
        progress(len(found))
    return found


def _array(parts: Sequence[bytes]) -> NDArray[Any]:
    return array_of(b"".join(map(zlib.decompress, parts)), "the array")
