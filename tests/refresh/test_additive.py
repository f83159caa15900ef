"""`userip refresh` of additive codebooks: places among the classes stay, and the classes move."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.refresh.conftest import World
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.serving import Profiler

THEIRS = pl.col("user_id").is_in(["new3", "u001", "u100"])


@pytest.fixture
def own(additive_world: World) -> FeatureBank:
    (folder,) = (additive_world.root / "catalogue").iterdir()
    return FeatureBank.open(folder)


@pytest.fixture
def refreshed(additive_world: World, tmp_path: Path):
    """Refreshes a bank of the test's own with some events; returns the version that is served then."""

    def call(events: pl.DataFrame, *words: str) -> FeatureBank:
        file = tmp_path / "later.parquet"
        events.write_parquet(file)
        bank = ["--bank", str(tmp_path / "bank")]
        assert main(["refresh", str(additive_world.root), "--events", str(file), *bank, *words]) == 0
        return FeatureBank.open(tmp_path / "bank")

    return call


def array(bank: FeatureBank, name: str) -> np.ndarray:
    return np.load(bank.path / f"{name}.npy")


def everybody(bank: FeatureBank) -> list[str]:
    return bank.users["user_id"].to_list()


def test_kept_codebooks_add_events_to_states(additive_world, own, refreshed):
    served, profiler = refreshed(additive_world.later), Profiler.load(own.path)
    later = profiler.states(additive_world.later, allow_foreign=True)
    states = profiler.stored(later.user_ids) + later.states - profiler.start()
    np.testing.assert_array_equal(Profiler.load(served.path).stored(later.user_ids), states)
    np.testing.assert_array_equal(served.lookup(later.user_ids), profiler.decode(states))
    for name in ("evidence", "log_share", "directions"):
        assert (served.path / f"{name}.npy").read_bytes() == (own.path / f"{name}.npy").read_bytes()


def test_rematching_keeps_the_directions_and_codes_follow_from_the_new_table(additive_world, own, refreshed):
    served = refreshed(additive_world.later, "--codebooks", "rematch")
    assert served.manifest.extra["codebooks"] == "additive"
    assert (served.path / "directions.npy").read_bytes() == (own.path / "directions.npy").read_bytes()
    assert not np.array_equal(array(served, "evidence"), array(own, "evidence"))
    users = everybody(served)
    states = Profiler.load(served.path).stored(users)
    best = (states @ array(served, "directions").astype(float).T).argmax(axis=1)
    codes = np.stack(np.unravel_index(best, served.sizes), axis=1)
    np.testing.assert_array_equal(served.lookup(users), codes)
    assert len(np.unique(best)) > 4
    later = Profiler.load(served.path).states(additive_world.later, allow_foreign=True)
    new = np.char.startswith(later.user_ids, "new")
    np.testing.assert_array_equal(Profiler.load(served.path).stored(later.user_ids[new]), later.states[new])


def test_rematched_codes_keep_their_names(additive_world, own, refreshed):
    served = refreshed(additive_world.later, "--codebooks", "rematch")
    settled = [user for user in everybody(own) if user not in additive_world.moved]
    same = (served.lookup(settled) == own.lookup(settled)).all(axis=1)
    assert same.mean() > 0.8


def test_rematching_goes_by_what_the_bank_was_made_from(additive_world, refreshed, tmp_path, capsys):
    """States tell whether a log whose rows of forgotten users were deleted is otherwise as it was."""
    refreshed(additive_world.later)
    assert main(["bank", "forget", str(tmp_path / "bank"), "new3", "u001", "u100"]) == 0
    left = additive_world.later.filter(~THEIRS)
    shutil.copytree(tmp_path / "bank", tmp_path / "before")
    served = refreshed(left, "--codebooks", "rematch")
    assert set(everybody(served)).isdisjoint({"new3", "u001", "u100"})
    left[1:].write_parquet(tmp_path / "later.parquet")
    words = ["refresh", str(additive_world.root), "--events", str(tmp_path / "later.parquet")]
    assert main([*words, "--bank", str(tmp_path / "before"), "--codebooks", "rematch"]) == 2
    assert "1 of its users have other events in them" in capsys.readouterr().err


@pytest.mark.parametrize("codebooks", ["keep", "rematch"])
def test_a_bank_with_codebooks_of_an_earlier_version_says_so(
    additive_world, refreshed, tmp_path, capsys, codebooks
):
    served, root = refreshed(additive_world.later), tmp_path / "earlier"
    extra = {**served.manifest.extra, "codebooks": "factorised"}
    FeatureBank.write(
        root,
        everybody(served),
        served.lookup(everybody(served)),
        served.names,
        served.sizes,
        replace(served.manifest, extra=extra),
        np.arange(1),
        {name: array(served, name) for name in ("item_ids", "states")},
    )
    file = tmp_path / "more.parquet"
    additive_world.later[:5].with_columns(item_id=pl.lit("i0_0")).write_parquet(file)
    words = ["refresh", str(additive_world.root), "--events", str(file), "--bank", str(root)]
    capsys.readouterr()
    assert main([*words, "--codebooks", codebooks]) == 2
    assert "an earlier version made this bank" in capsys.readouterr().err
