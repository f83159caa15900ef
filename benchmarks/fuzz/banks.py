"""Damaged banks: every user's codes are right, or the bank is refused."""

from __future__ import annotations

import random
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.fuzz.case import Kind, Outcome, difference, judge
from benchmarks.fuzz.damage import damage, damaged_bytes
from userip_lightning import leak_audit
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.version_folder import Content

SIZES = {"hobby": 4, "background": 3}
#: Nobody in a bank of :func:`users`.
STRANGERS = ["", "nobody", "user_1 ", "USER_1", "é", "x" * 257, "x" * 300, "0", "-1", "７", "user_1\n"]
#: Ways to ask a bank beside lookups, and in which share of the cases: its table, a file for others, and what
#: the next version is made from.
WAYS = {"table": 0.5, "export": 0.1, "content": 0.3}
Answer = dict[str, Any]


def users(count: int = 300) -> list[str]:
    """Ids of several alphabets: integers, words, long ones, with quotes and separators."""
    plain = [f"user_{number}" for number in range(count)] + [
        str(number * 7919) for number in range(1, count // 4)
    ]
    letters = ("абв", "αβγ", "用户", "ユーザ", "أب", "🙂🙃", "e\u0301a\u0300", "ẞß", "ÀÉ")
    foreign = [f"{letter}{number}" for number, letter in enumerate(letters * 4)]
    return [
        *plain,
        *foreign,
        "x" * 256,
        "ü" * 255,
        "a b",
        'a"b',
        "a,b",
        "a\tb",
        "-5",
        "007",
        "1e5",
        "=1+1",
        "NaN",
        "None",
    ]


def write_versions(root: Path) -> list[str]:
    """Two versions of one bank, the second with fewer users and other codes; returns their names."""
    names = []
    for seed in (1, 0):
        draw = np.random.default_rng(seed)
        ids = users(300 - 20 * seed)
        codes = draw.integers(0, list(SIZES.values()), (len(ids), len(SIZES)))
        arrays = {"states": draw.normal(size=(len(ids), 12)), "codebook_hobby": draw.normal(size=(4, 8))}
        manifest = Manifest(
            "bank", f"config{seed}", "data", len(ids), extra={"codebooks": "joint", "events": "items"}
        )
        written = FeatureBank.write(
            root, ids, codes, list(SIZES), list(SIZES.values()), manifest, np.arange(50), arrays
        )
        names.append(written.name)
    return names


def answer(root: Path, asked: list[str], ways: Collection[str]) -> Answer:
    """What a bank says of itself and of these ids; ``ways`` are further ones to ask, of ``WAYS``."""
    bank = FeatureBank.open(root)
    info = bank.info()
    found: Answer = {
        "names": list(bank.names),
        "sizes": list(bank.sizes),
        "codes": bank.lookup(asked).tolist(),
        "users": info.users,
        "counts": info.counts,
        "origin": [info.data_hash, info.config_hash, info.lm],
        "rows_seen": leak_audit.rows_seen(bank.path).tolist(),
        "version": bank.path.name,
    }
    if "table" in ways:
        found["table"] = bank.users.rows()
    if "export" in ways:
        found["table"] = pl.read_parquet(bank.export(root.parent / "export.parquet")).rows()
    if "content" in ways:
        content = Content.read(bank.path)
        found["arrays"] = {name: array.tolist() for name, array in content.arrays.items()}
        found["table"] = list(zip(content.users.tolist(), *content.codes.T.tolist(), strict=True))
    return found


class Banks(Kind):
    """Bytes, files, headers and JSON of a bank with two versions."""

    name = "banks"

    def build(self, folder: Path) -> None:
        write_versions(folder / "bank")

    def open(self, folder: Path) -> None:
        self.root = folder / "bank"
        self.asked = users() + STRANGERS
        versions = sorted(file.parent.name for file in self.root.glob("*/manifest.json"))
        self.truth = {name: self._truth(name) for name in versions}
        self.current = (self.root / "CURRENT").read_text().strip()

    def _truth(self, name: str) -> Answer:
        return answer(self.root / name, self.asked, ("table", "content"))

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        copy = Path(shutil.copytree(self.root, scratch / "bank"))
        other = next(name for name in self.truth if name != self.current)
        if rng.random() < 0.1:
            words = _pointed(copy / "CURRENT", other, rng)
        else:
            words = damage(copy / self.current, rng, copy / other)
        ways = [way for way, share in WAYS.items() if rng.random() < share]
        return judge(words, lambda: answer(copy, self.asked, ways), lambda found: self._differs(copy, found))

    def _differs(self, copy: Path, found: Answer) -> str | None:
        """Right is what CURRENT names; a hand may have written the other version's name there."""
        named = (copy / "CURRENT").read_text(errors="replace").strip()
        return difference(self.truth.get(named, {}) or dict.fromkeys(found, "refusal"), found)


def _pointed(file: Path, other: str, rng: random.Random) -> str:
    """CURRENT says something else."""
    if rng.random() < 0.5:
        changed, words = damaged_bytes(file.read_bytes(), rng)
        file.write_bytes(changed)
        return f"CURRENT: {words}"
    name = file.read_text().strip()
    text = rng.choice(
        [other, name, "", ".", "..", "../bank", "/", f"{name}/", f"./{name}", f"{name}\n{other}", "*", "\0"]
    )
    file.write_text(text)
    return f"CURRENT: {text!r}"
