"""A damaged SQLite store: every user's codes are right, or the store is refused."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.fuzz.banks import STRANGERS, Answer, users, write_versions
from benchmarks.fuzz.case import Kind, Outcome, difference, judge
from benchmarks.fuzz.damage import damaged_bytes
from userip_lightning.bank import FeatureBank
from userip_lightning.serving.store import Store

#: What a hand may do to a database that SQLite finds whole.
_STATEMENTS = (
    "UPDATE versions SET current = 0",
    "UPDATE versions SET names = '[]'",
    "UPDATE versions SET names = 'hobby'",
    "UPDATE versions SET sizes = '{}'",
    "UPDATE versions SET manifest = '{}'",
    "UPDATE versions SET manifest = '['",
    "UPDATE versions SET name = 'other' WHERE current",
    "UPDATE versions SET current = 1",
    "DELETE FROM versions",
    "DELETE FROM files",
    "UPDATE files SET part = part + 1",
    "UPDATE files SET bytes = x'00'",
    "PRAGMA user_version = 2",
    "PRAGMA application_id = 0",
    "DROP TABLE versions",
    "DROP VIEW codes",
)


class Stores(Kind):
    """Bytes and rows of a bank in an SQLite file."""

    name = "stores"

    def build(self, folder: Path) -> None:
        older, newer = write_versions(folder / "bank")
        for version in (older, newer):
            bank = FeatureBank.open(folder / "bank" / version)
            Store(f"sqlite:///{folder / 'bank.db'}").push(bank, 2, False, lambda done, total: None)

    def open(self, folder: Path) -> None:
        self.file = folder / "bank.db"
        self.asked = users() + STRANGERS
        self.truth = self._answer(self.file, folder / f"pulled{random.random()}", always=True)

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        copy = Path(shutil.copyfile(self.file, scratch / "bank.db"))
        words = self._damaged(copy, rng)
        pull = rng.random() < 0.2
        return judge(
            words,
            lambda: self._answer(copy, scratch / "pulled", pull),
            lambda found: difference(self.truth, found),
        )

    def _damaged(self, file: Path, rng: random.Random) -> str:
        if rng.random() < 0.2:
            statement = rng.choice(_STATEMENTS)
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute(statement)
            return statement
        changed, words = damaged_bytes(file.read_bytes(), rng)
        file.write_bytes(changed)
        return words

    def _answer(self, file: Path, target: Path, always: bool) -> Answer:
        store = Store(f"sqlite:///{file}")
        reader = store.reader()
        try:
            codes = reader.lookup(self.asked).tolist()
            found: Answer = {"names": reader.names, "sizes": reader.sizes, "codes": codes}
        finally:
            reader.close()  # type: ignore[attr-defined]  # of SQLite's alone
        told = store.info()
        found |= {"version": told["version"], "users": told["users"]}
        if always:
            store.pull(target, lambda done, total: None)
            found["pulled"] = FeatureBank.open(target).lookup(self.asked).tolist()
            shutil.rmtree(target)
        return found
