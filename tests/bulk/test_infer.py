"""`userip infer` from end to end, in this process."""

from pathlib import Path

import polars as pl
import pytest

from userip_lightning.bank import FeatureBank
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.cli import main


def infer(root: Path, events: Path, output: Path, *words: str) -> pl.DataFrame:
    assert main(["infer", str(root), "--events", str(events), "--codes", str(output), *words]) == 0
    return PartStore(output).codes().collect().sort("user_id")


def test_everybody_gets_codes_of_the_bank_and_most_seen_users_their_own(trained, population, tmp_path):
    codes = infer(trained, population, tmp_path / "codes")
    bank = FeatureBank.open(next((trained / "quantize").iterdir()))
    assert codes.columns == ["user_id", "hobby", "background", "known_behaviours"]
    assert codes["user_id"].to_list() == bank.users["user_id"].to_list()
    print({name: (codes[name] == bank.users[name]).mean() for name in bank.names})
    assert 0
