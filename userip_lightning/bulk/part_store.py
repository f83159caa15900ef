"""The folder of a bulk inference: codes in parts that are whole or absent, and what they depend on.

In the output folder:

identity.json         what the codes depend on
codes/NNNNN.parquet   codes of the users of a part
work                  a folder with catalogue and dealt events, deleted at the end
summary.json          written last
"""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import TypedDict

import polars as pl

from userip_lightning import parquet
from userip_lightning.atomic import new_file, write_errors, write_text
from userip_lightning.errors import InputError
from userip_lightning.identity import refuse_changed

_IDENTITY, _SUMMARY, _CODES, _ATTEMPTS = "identity.json", "summary.json", "codes", "attempts"


class Summary(TypedDict):
    """Of a finished inference: what was read, and how many users have each code of a profile."""

    users: int
    users_without_known_behaviour: int
    events: int
    events_shown: int
    counts: dict[str, list[int]]
    bank: str


class PartStore:
    """Codes of a population.

    Args:
        folder: of the whole inference.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"

    def claim(self, identity: dict[str, str]) -> None:
        """Make the folder, or go on with it.

        Raises:
            InputError: it holds codes that depend on something else, or cannot be written.
        """
        note = self.folder / _IDENTITY
        with write_errors(self.folder):
            (self.folder / _CODES).mkdir(parents=True, exist_ok=True)
            if not note.exists():
                write_text(note, json.dumps(identity, indent=2))
        found = json.loads(note.read_text(encoding="utf-8"))
        advice = "give the same input as before, delete the folder or name another one"
        refuse_changed(f"{self.folder}: its codes were inferred", found, identity, advice)

    def begin(self, part: int, attempts: int) -> None:
        """Note that a part is begun; a worker that is killed leaves the note behind.

        Raises:
            InputError: it was begun ``attempts`` times since :meth:`forget_attempts`, and never ended.
        """
        begun = self._attempts(part)
        if len(begun) >= attempts:
            raise InputError(
                f"{self.folder}: {attempts} workers died over part {part}, perhaps for want of memory; what "
                "was finished is kept, run the same command with fewer --workers."
            )
        (self.work / _ATTEMPTS).mkdir(exist_ok=True)
        (self.work / _ATTEMPTS / f"{part:05d}-{uuid.uuid4().hex}").touch()

    def end(self, part: int) -> None:
        """Take back what :meth:`begin` noted."""
        for note in self._attempts(part):
            note.unlink(missing_ok=True)

    def forget_attempts(self) -> None:
        """Give every part all of its attempts again."""
        shutil.rmtree(self.work / _ATTEMPTS, ignore_errors=True)

    def _attempts(self, part: int) -> list[Path]:
        return list((self.work / _ATTEMPTS).glob(f"{part:05d}-*"))

    def write(self, part: int, codes: pl.DataFrame) -> None:
        """Add the codes of a part in one step.

        Raises:
            InputError: the disk is full.
        """
        with new_file(self.folder / _CODES / f"{part:05d}.parquet") as draft:
            codes.write_parquet(draft)

    def done(self) -> frozenset[int]:
        """Parts that have their codes."""
        return frozenset(int(file.stem) for file in (self.folder / _CODES).glob("[!.]*.parquet"))

    def codes(self) -> pl.LazyFrame:
        """What :meth:`write` has written so far."""
        return parquet.scan(sorted((self.folder / _CODES).glob("[!.]*.parquet")))

    def summary(self) -> Summary | None:
        """Of a finished inference; None while parts are missing."""
        file = self.folder / _SUMMARY
        if not file.is_file():
            return None
        found: Summary = json.loads(file.read_text(encoding="utf-8"))
        return found

    def finish(self, summary: Summary) -> None:
        """Write the summary; delete what only the work needed, and drafts of processes that were killed."""
        with write_errors(self.folder):
            write_text(self.folder / _SUMMARY, json.dumps(summary, indent=2))
        for draft in (self.folder / _CODES).glob(".*.part"):
            draft.unlink()
        shutil.rmtree(self.work)
