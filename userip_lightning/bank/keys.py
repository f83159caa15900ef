"""Exact lookup of many string keys at once, in memory-mapped arrays.

Keys are sorted by a 64-bit hash. The hash's leading bits name a bucket of at most half a key on average, so
a query costs one jump however many keys there are, where a binary search over 10 million strings costs 23
cache misses. The hash only finds candidates: a key matches when all its characters do.

    hash(key) = mix(Σ_i c_i · r_i  mod 2^64),   c_i the code points, r_i fixed odd numbers

A sum over positions does not see the padding of fixed-width strings, so a key hashes alike at every width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_LENGTH = 256
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class KeyIndex(NamedTuple):
    """U keys in hash order.

    Args:
        keys: [U, W] code points, zero-padded; uint8 where every one fits, else uint32.
        hashes: [U] uint64, ascending.
        starts: [2^b + 1] int64; keys whose leading b hash bits are h lie in ``starts[h]:starts[h + 1]``.
    """

    keys: NDArray[Any]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]

    @staticmethod
    def build(keys: NDArray[np.str_]) -> tuple[KeyIndex, NDArray[np.int64]]:
        """Index of distinct keys of at most ``MAX_LENGTH`` characters, and the order [U] it put them in."""
        points = _code_points(keys)
        hashes = _hash(points)
        order = np.argsort(hashes, kind="stable")
        bits = 1 + int(keys.size).bit_length()  # at most half a key per bucket
        buckets = (hashes[order] >> np.uint64(64 - bits)).astype(np.int64)
        starts = np.searchsorted(buckets, np.arange(2**bits + 1))
        narrow = points.astype(np.uint8) if points.max(initial=0) < 256 else points
        return KeyIndex(narrow[order], hashes[order], starts), order

    def save(self, folder: Path) -> None:
        """Write the three arrays into ``folder``."""
        for name, array in zip(self._fields, self, strict=True):
            np.save(folder / f"{name}.npy", array)

    @staticmethod
    def load(folder: Path) -> KeyIndex:
        """Memory-map what :meth:`save` wrote; raises OSError or ValueError where a file is damaged."""
        mapped = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in KeyIndex._fields)
        return KeyIndex(*map(np.asarray, mapped))  # indexing a memmap object costs half again as much

    def find(self, keys: NDArray[np.str_]) -> NDArray[np.int64]:
        """[N] strings → [N] positions in this index, -1 where a key is absent."""
        points = _code_points(keys)
        hashes = _hash(points)
        bits = (self.starts.size - 1).bit_length() - 1
        bucket = (hashes >> np.uint64(64 - bits)).astype(np.int64)
        position, end = self.starts.take(bucket), self.starts.take(bucket + 1)
        found = np.full(keys.size, -1, dtype=np.int64)
        rows = np.flatnonzero(position < end)  # queries that still have a candidate
        while rows.size:
            candidate = position[rows]
            same = self.hashes.take(candidate) == hashes[rows]
            same[same] = self._equal(candidate[same], points[rows[same]])
            found[rows[same]] = candidate[same]
            rows = rows[~same & (candidate + 1 < end[rows])]
            position[rows] += 1
        return found

    def _equal(self, positions: NDArray[np.int64], points: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether the stored keys [M] at ``positions`` have exactly the code points [M, W'] given."""
        stored = self.keys.take(positions, axis=0)
        width = min(stored.shape[1], points.shape[1])
        same: NDArray[np.bool_] = (stored[:, :width] == points[:, :width]).all(axis=1)
        # What the wider side has beyond the narrower one must be padding.
        return same & ~stored[:, width:].any(axis=1) & ~points[:, width:].any(axis=1)


def _code_points(keys: NDArray[np.str_]) -> NDArray[np.uint32]:
    """[N] strings → [N, W] code points, zero-padded."""
    width = max(1, keys.dtype.itemsize // 4)
    fixed = np.ascontiguousarray(keys, dtype=f"<U{width}")
    return fixed.view("<u4").reshape(keys.size, width)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalizer of SplitMix64: every input bit reaches every output bit."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _hash(points: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """[N, W] code points → [N] hashes, the same in every process and on every machine."""
    multipliers = _mix(np.arange(1, points.shape[1] + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)
    total = np.zeros(points.shape[0], dtype=np.uint64)
    for column, multiplier in enumerate(multipliers):
        total += points[:, column] * multiplier
    return _mix(total)
