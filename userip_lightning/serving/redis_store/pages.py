"""Codes of some users as a page of text: a JSON object with a line per user.

Hash fields take less memory in many small hashes than keys of their own do, and cost a command per user to
read; a page costs a key per 16 users, and one MGET reads them all. A line break cannot stand inside a JSON
string, so a user's codes are found without parsing the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: Users per page, on average: more take less memory and cost more to read.
PER_PAGE = 16
_quoted = json.JSONEncoder(ensure_ascii=False).encode
_ESCAPED = {char: json.dumps(char)[1:-1] for char in (*map(chr, range(32)), '"', "\\")}


def page_of(user: str, pages: int) -> int:
    """Number of a user's page."""
    return crc32(_bytes(user)) % pages


def page_count(users: int) -> int:
    """How many pages that many users take."""
    return max(1, users // PER_PAGE)


def write_pages(users: pl.DataFrame) -> list[str]:
    """``user_id`` and a column per profile → the pages, by number; one without users is an empty object."""
    pages = page_count(len(users))
    numbers = [page_of(user, pages) for user in users["user_id"]]
    codes = [pl.col(name).cast(pl.String) for name in users.columns if name != "user_id"]
    listed = pl.concat_str(codes, separator=",") if codes else pl.lit("")
    ids = pl.col("user_id").str.replace_many(_ESCAPED)
    lines = users.select(line=pl.concat_str(pl.lit('"'), ids, pl.lit('":['), listed, pl.lit("]")))
    written = (
        lines.with_columns(page=pl.Series(numbers, dtype=pl.Int64))
        .group_by("page", maintain_order=True)
        .agg(pl.col("line").str.join(",\n"))
    )
    texts = ["{\n}"] * pages
    for page, text in written.iter_rows():
        texts[page] = f"{{\n{text}\n}}"
    return texts


def find(page: bytes, user: str) -> bytes | None:
    """A user's codes, as ``b"3,1"``; None where the page does not have them."""
    key = b"\n" + _bytes(_quoted(user)) + b":["
    at = page.find(key)
    if at < 0:
        return None
    return page[at + len(key) : page.index(b"]", at + len(key))]


def read_page(page: bytes, profiles: int) -> dict[str, list[int]]:
    """User → P codes.

    Raises:
        ValueError: it is no page.
    """
    found = json.loads(page)
    if not isinstance(found, dict) or any(not _is_row(codes, profiles) for codes in found.values()):
        raise ValueError
    return found


def _is_row(codes: object, profiles: int) -> bool:
    return isinstance(codes, list) and len(codes) == profiles and all(type(code) is int for code in codes)


def numbers(codes: Sequence[bytes], profiles: int) -> NDArray[np.int64]:
    """[N] of what :func:`find` finds → [N, P]."""
    if not codes or not profiles:
        return np.empty((len(codes), profiles), dtype=np.int64)
    return np.fromstring(b",".join(codes), dtype=np.int64, sep=",").reshape(len(codes), profiles)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a byte of the command line that is no UTF-8 is nobody's id
