"""Anything at all as user ids: right codes by the rule for ids, or one sentence."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.case import Kind, Outcome, judge
from benchmarks.fuzz.id_rule import BAD, MISSING, meanings
from benchmarks.fuzz.odd_ids import KNOWN, Ids, several
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.serving.store import Store

SIZES = {"hobby": 4, "background": 3}


def _codes(users: int) -> np.ndarray:
    """[U, 2]; neighbours have other codes."""
    place = np.arange(users)
    return np.stack([place % SIZES["hobby"], place // 4 % SIZES["background"]], axis=1)


class Lookups(Kind):
    """Python, NumPy and polars objects at a bank's lookup and ``write``, and at an SQLite store."""

    name = "lookups"

    def build(self, folder: Path) -> None:
        codes = _codes(len(KNOWN))
        _write(folder / "bank", KNOWN, codes)
        Store(f"sqlite:///{folder / 'bank.db'}").push(
            FeatureBank.open(folder / "bank"), 1, True, lambda done, total: None
        )

    def open(self, folder: Path) -> None:
        self.bank = FeatureBank.open(folder / "bank")
        self.store = Store(f"sqlite:///{folder / 'bank.db'}").reader()
        self.truth = dict(zip(KNOWN, _codes(len(KNOWN)).tolist(), strict=True))

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        ids = several(rng)
        if rng.random() < 0.15:
            return _written(ids, rng, scratch / "bank")
        way, reader = ("store", self.store) if rng.random() < 0.2 else ("lookup", self.bank)
        may_refuse = ids.may_refuse or any({BAD, MISSING} & meanings(value) for value in ids.values or ())
        return judge(
            f"{way}: {ids.words}",
            lambda: np.asarray(reader.lookup(ids.given)).tolist(),
            lambda found: self._differs(ids, found),
            may_refuse,
        )

    def _differs(self, ids: Ids, found: list[Any]) -> str | None:
        if ids.values is None:
            return f"{found} for what has no order"
        if len(found) != len(ids.values):
            return f"{len(found)} rows for {len(ids.values)} ids"
        for place, (value, codes) in enumerate(zip(ids.values, found, strict=True)):
            right = [self._right(meaning) for meaning in meanings(value) if meaning is not BAD]
            if codes not in right:
                return f"id {place} has {codes}, right: {right or 'a refusal'}"
        return None

    def _right(self, meaning: Any) -> list[int]:
        return self.truth.get(meaning, list(SIZES.values()))


def _written(ids: Ids, rng: random.Random, root: Path) -> Outcome:
    """A bank of these users, opened again."""
    good = _codes(len(ids.values or ()))
    codes, odd = _odd_codes(good, rng)
    texts = [meanings(value) for value in ids.values or ()]
    sure = [next(iter(meaning)) for meaning in texts if len(meaning) == 1]
    clear = (
        len(sure) == len(texts) and BAD not in sure and MISSING not in sure and len(set(sure)) == len(sure)
    )

    def differs(bank: FeatureBank) -> str | None:
        if ids.values is None or not all(meaning - {BAD, MISSING} for meaning in texts):
            return "written, though an id is none"
        rows = {user: list(row) for user, *row in bank.users.rows()}
        if len(rows) != len(texts):
            return f"{len(rows)} users of {len(texts)}"
        for meaning, row in zip(texts, good.tolist(), strict=True):
            if row not in [rows.get(text) for text in meaning]:
                return f"{meaning} has {[rows.get(text) for text in meaning]} instead of {row}"
        return odd

    return judge(
        f"write: {ids.words}; codes {odd or codes.dtype}",
        lambda: FeatureBank.open(_write(root, ids.given, codes)),
        differs,
        may_refuse=ids.may_refuse or not clear or odd is not None or codes.dtype.kind not in "iu",
    )


def _odd_codes(codes: np.ndarray, rng: random.Random) -> tuple[np.ndarray, str | None]:
    """The codes in another type; what keeps them from being codes, None if nothing does."""
    what = rng.choice(
        ["same", "same", "int8", "uint64", "whole", "fraction", "nan", "negative", "large", "bool", "text"]
    )
    if what in ("int8", "uint64"):
        return codes.astype(what), None
    if what == "whole":
        return codes.astype(np.float64), None
    if not codes.size or what == "same":
        return codes, None
    if what in ("fraction", "nan"):
        changed = codes.astype(np.float64)
        changed[0, 0] = 0.5 if what == "fraction" else np.nan
        return changed, f"written, though a code is {changed[0, 0]}"
    if what == "bool":
        return codes.astype(bool), "written, though codes are booleans"
    if what == "text":
        return codes.astype(str), "written, though codes are texts"
    changed = codes.copy()
    changed[0, 0] = -1 if what == "negative" else 4
    return changed, f"written, though a code is {changed[0, 0]}"


def _write(root: Path, ids: Any, codes: np.ndarray) -> Path:
    manifest = Manifest("bank", "config", "data", len(codes))
    return FeatureBank.write(root, ids, codes, list(SIZES), list(SIZES.values()), manifest, np.arange(3))
