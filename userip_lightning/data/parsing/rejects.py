"""Rows that cannot be used: counted, written down, and no more of them than the user allows."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TextIO

from userip_lightning.data.parsing.reject_kinds import RejectKinds
from userip_lightning.errors import InputError

#: The side file beside the prepared data; absent where every row could be used.
REJECTED = "rejected.jsonl"
#: So many rows are listed, and about so many bytes; those beyond are counted.
MOST_LISTED = 10_000
MOST_BYTES = 8 << 20
_RAW_CHARACTERS = 200
_REASON_CHARACTERS = 500


class Rejects:
    """The one way out for a row that a reader cannot use.

    Rows come block by block, and within a block first those that cannot be parsed, then those with unusable
    values, so neither the list nor what is refused first is strictly in order of the file. Use it as a
    context manager: the side file is written line by line while the log is read, and goes no further than
    :data:`MOST_LISTED` rows or :data:`MOST_BYTES`; the last line of its copy says how many more there are.

    Args:
        limit: how many rows may be rejected; the next one ends the run.
        file: where to list them as JSON lines ``{"file", "row", "reason", "raw"}``; None lists them nowhere.
    """

    def __init__(self, limit: int = 0, file: Path | None = None) -> None:
        if limit < 0:
            raise InputError(f"max_bad_rows is {limit}, expected 0 or more.")
        self.limit, self.file = limit, file
        #: Rows that cannot be used.
        self.count = 0
        #: Those of them that hold nothing of the log, as repeated headers; the limit does not mean them.
        self.passed_over = 0
        #: What was wrong with the first of them.
        self.first = ""
        #: File name to the number of rows that were rejected in it.
        self.by_file: Counter[str] = Counter()
        #: What was left out without being wrong, in words, to how often.
        self.skipped: Counter[str] = Counter()
        #: The rejected rows by what is wrong with them.
        self.kinds = RejectKinds()
        self._by_path: dict[str, tuple[int, str]] = {}
        self._handle: TextIO | None = None
        self._listed = self._bytes = 0

    @property
    def unlisted(self) -> int:
        """Rows that the side file has no room for."""
        return self.count - self._listed if self.file else 0

    def __enter__(self) -> Rejects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle:
            self._handle.close()

    def copy_to(self, folder: Path) -> None:
        """Put the list so far into ``folder``, if any row was rejected."""
        if self._handle and self.file:
            self._handle.flush()
            shutil.copyfile(self.file, folder / REJECTED)
            if self.unlisted:
                with (folder / REJECTED).open("a", encoding="utf-8") as listed:
                    listed.write(_line("", None, f"{self.unlisted:,} further rows are not listed", ""))

    def skip(self, what: str, count: int) -> None:
        """Count what is left out without being wrong, in words for the data card."""
        if count:
            self.skipped[what] += count

    def of_file(self, path: Path | str) -> tuple[int, str]:
        """How many rows of a file were rejected, and what was wrong with the first of them."""
        return self._by_path.get(str(path), (0, ""))

    def add(self, path: Path | str, row: int, reason: str, raw: str = "") -> None:
        """Reject one row.

        Args:
            path: its file.
            row: its place in the file, from 0 and without the header; messages count from 1.
            reason: what is wrong, as a verb phrase after "row 3": ``has an empty user_id``.
            raw: the row as it stands in the file; its beginning is kept.

        Raises:
            InputError: more rows than allowed.
        """
        self._count(path, row, reason)
        if self.count - self.passed_over > self.limit:
            allowed = f", one more than the {self.limit} that data.max_bad_rows allows" if self.limit else ""
            raise InputError(
                f"{path}: row {row + 1} {reason}; mend or delete it{allowed}, or raise data.max_bad_rows to "
                "leave such rows out and list them (`userip data validate` lists all that is wrong)."
            )
        before, first = self._by_path.get(str(path), (0, f"row {row + 1} {reason}"))
        self._by_path[str(path)] = (before + 1, first)
        self._list(path, row, reason, raw)

    def pass_over(self, path: Path | str, row: int, reason: str, raw: str = "") -> None:
        """Reject a row that holds nothing of the log: it is counted and listed, and never ends the run.

        Args:
            path: these are as in :meth:`add`.
        """
        self.passed_over += 1
        self._count(path, row, reason)
        self._list(path, row, reason, raw)

    def _count(self, path: Path | str, row: int, reason: str) -> None:
        self.count += 1
        self.first = self.first or f"{path}: row {row + 1} {reason}"
        self.by_file[Path(path).name] += 1
        self.kinds.add(Path(path).name, row, reason)

    def _list(self, path: Path | str, row: int, reason: str, raw: str) -> None:
        if not self.file or self._listed >= MOST_LISTED or self._bytes >= MOST_BYTES:
            return
        self._handle = self._handle or self.file.open("w", encoding="utf-8")
        line = _line(str(path), row + 1, reason[:_REASON_CHARACTERS], raw[:_RAW_CHARACTERS])
        self._handle.write(line)
        self._listed += 1
        self._bytes += len(line)


def _line(file: str, row: int | None, reason: str, raw: str) -> str:
    # Bytes that are no text arrive as lone surrogates, which JSON parsers other than Python's refuse.
    text = raw.encode("utf-8", "backslashreplace").decode()
    return json.dumps({"file": file, "row": row, "reason": reason, "raw": text}, ensure_ascii=True) + "\n"
