"""`userip refresh` from end to end."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.refresh import run
from userip_lightning.serving import Profiler


@pytest.fixture
def refresh(world, tmp_path, capsys):
    """Calls the command on some events, into a bank of the test's own; returns exit code, JSON and stderr."""

    def call(events, *words, bank="bank"):
        file = tmp_path / "later.parquet"
        events.write_parquet(file)
        capsys.readouterr()  # what other commands said
        code = main(
            [
                *("refresh", str(world.root), "--events", str(file), "--json"),
                *("--bank", str(tmp_path / bank), *words),
            ]
        )
        said = capsys.readouterr()
        return code, json.loads(said.out) if code == 0 else None, said.err

    return call


@pytest.fixture
def own(world):
    """The experiment's bank."""
    (folder,) = (world.root / "catalogue").iterdir()
    return FeatureBank.open(folder)


def _later(profiler, world):
    return profiler.states(world.later, allow_foreign=True)


def test_kept_codebooks_add_events_to_states(refresh, world, own, tmp_path):
    code, told, _ = refresh(world.later)
    assert code == 0
    served, profiler = FeatureBank.open(tmp_path / "bank"), Profiler.load(own.path)
    later = _later(profiler, world)
    np.testing.assert_array_equal(
        Profiler.load(served.path).stored(later.user_ids),
        profiler.stored(later.user_ids) + later.states - profiler.start(),
    )
    assert set(served.users["user_id"]) == set(own.users["user_id"]) | set(later.user_ids)
    np.testing.assert_array_equal(
        served.lookup(later.user_ids), profiler.decode(Profiler.load(served.path).stored(later.user_ids))
    )
    quiet = sorted(set(own.users["user_id"]) - set(later.user_ids))
    np.testing.assert_array_equal(served.lookup(quiet), own.lookup(quiet))
    assert told["new_users"] == 11
    assert told["unknown_events"] == 2
    assert told["active"] == 30


def test_the_log_of_the_fit_is_no_later_log(refresh, world, tmp_path):
    own = pl.read_parquet(world.root.parent / "log.parquet").select("user_id", "item_id")
    for codebooks in ("keep", "rematch"):
        code, _, said = refresh(pl.concat([own, world.later]), "--codebooks", codebooks)
        assert code == 2
        assert "pairs of user and item that the experiment was fitted on, and its events would count" in said
    assert not (tmp_path / "bank").exists()
    code, _, said = refresh(own.head(20))
    assert code == 0
    assert "where these are the same events, they count twice" in said


def test_users_whose_taste_changed_are_those_who_move(refresh, world, own, tmp_path):
    _, told, _ = refresh(world.later)
    served = FeatureBank.open(tmp_path / "bank")
    both = own.users.join(served.users, on="user_id", suffix="_now")
    changed = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_now") for name in own.names)
    moved = set(both.filter(changed)["user_id"])
    assert told["moved"] == len(moved)
    assert len(moved & world.moved) >= 18  # of 20
    assert len(moved - world.moved) <= 2
    for name, counts in told["transitions"].items():
        assert np.sum(counts) == own.users.height
        kept = both.filter(pl.col(name) == pl.col(f"{name}_now")).height
        assert np.trace(counts) == kept


def test_the_experiments_own_bank_stays(refresh, world, own):
    before = own.info()
    refresh(world.later)
    assert FeatureBank.open(own.path.parent).info() == before


def test_in_two_steps_as_in_one(refresh, world, tmp_path):
    first, second = world.later[:500], world.later[500:]
    assert refresh(first, bank="steps")[0] == 0
    assert refresh(second, bank="steps")[0] == 0
    assert refresh(world.later, bank="once")[0] == 0
    steps, once = (FeatureBank.open(tmp_path / name) for name in ("steps", "once"))
    assert steps.users.equals(once.users)
    assert len(steps.info().versions) == 2
    assert len(steps.manifest.extra["refreshed_with"]) == 2


def test_a_log_that_is_in_already_is_refused(refresh, world, tmp_path):
    assert refresh(world.later)[0] == 0
    before = FeatureBank.open(tmp_path / "bank").path
    code, _, said = refresh(world.later)
    assert code == 2
    assert "would count twice" in said
    assert FeatureBank.open(tmp_path / "bank").path == before


def test_a_log_is_known_by_its_events_in_whatever_file_they_are(refresh, world, tmp_path):
    week = tmp_path / "weeks"
    week.mkdir()
    world.later.write_parquet(week / "1.parquet", compression="gzip")
    assert refresh(world.later.sample(fraction=1.0, shuffle=True, seed=1))[0] == 0
    pl.DataFrame({"user_id": ["u000"], "item_id": ["i0_0"]}).write_parquet(week / "2.parquet")
    words = ["refresh", str(world.root), "--events", str(week), "--bank", str(tmp_path / "bank")]
    assert main(words) == 2
    (week / "1.parquet").unlink()
    assert main(words) == 0


def test_two_files_with_the_same_events_are_refused(world, tmp_path, capsys):
    weeks = tmp_path / "weeks"
    weeks.mkdir()
    for name in ("1", "2"):
        world.later.write_parquet(weeks / f"{name}.parquet")
    words = ["refresh", str(world.root), "--events", str(weeks), "--bank", str(tmp_path / "bank")]
    assert main(words) == 2
    assert "2.parquet: has the same events as" in capsys.readouterr().err
    assert not (tmp_path / "bank").exists()


def test_rematching_takes_every_log_that_the_bank_has(refresh, world):
    assert refresh(world.later)[0] == 0
    code, _, said = refresh(world.later[:100], "--codebooks", "rematch")
    assert code == 2
    assert "has 1 logs that are not among these files" in said
    assert refresh(world.later, "--codebooks", "rematch")[0] == 0
    code, _, said = refresh(world.later)
    assert code == 2  # they are in it
    assert "would count twice" in said


FORGOTTEN = ["new3", "u001", "u100"]  # later events alone, events of the fit alone, both
THEIRS = pl.col("user_id").is_in(FORGOTTEN)


@pytest.fixture
def forgetful(refresh, world, tmp_path):
    """A bank with later events that has forgotten some users."""
    assert refresh(world.later)[0] == 0
    assert main(["bank", "forget", str(tmp_path / "bank"), *FORGOTTEN]) == 0
    return tmp_path / "bank"


@pytest.fixture
def rematch(world, forgetful, tmp_path, capsys):
    """Moves the table of this bank by files that have these events; returns exit code and stderr."""

    def call(**files):
        folder = tmp_path / "weeks"
        folder.mkdir()
        for name, events in files.items():
            events.write_parquet(folder / f"{name}.parquet")
        capsys.readouterr()
        words = ["refresh", str(world.root), "--events", str(folder), "--bank", str(forgetful)]
        return main([*words, "--codebooks", "rematch"]), capsys.readouterr().err

    return call


def test_whoever_was_forgotten_does_not_come_back_with_a_log_of_before(world, forgetful, rematch):
    before = set(FeatureBank.open(forgetful).users["user_id"])
    assert rematch(a=world.later)[0] == 0
    assert set(FeatureBank.open(forgetful).users["user_id"]) == before
    assert before.isdisjoint(FORGOTTEN)


def test_rows_of_the_forgotten_may_be_deleted_from_the_log(world, forgetful, rematch, refresh, tmp_path):
    shutil.copytree(forgetful, tmp_path / "other")
    left = world.later.filter(~THEIRS)
    assert rematch(a=left)[0] == 0
    assert refresh(world.later, "--codebooks", "rematch", bank="other")[0] == 0
    served, other = FeatureBank.open(forgetful), FeatureBank.open(tmp_path / "other")
    assert served.users.equals(other.users)
    for name in ("states", "evidence"):
        one, two = (np.load(bank.path / f"{name}.npy") for bank in (served, other))
        np.testing.assert_array_equal(one, two)
    code, _, said = refresh(left)
    assert code == 2  # from now on the file is known as it is
    assert "would count twice" in said


def test_a_file_with_nobody_else_may_be_deleted(refresh, world, tmp_path):
    rest, theirs = world.later.filter(~THEIRS), world.later.filter(THEIRS)
    assert refresh(rest)[0] == 0
    assert refresh(theirs)[0] == 0
    assert main(["bank", "forget", str(tmp_path / "bank"), *FORGOTTEN]) == 0
    assert refresh(rest, "--codebooks", "rematch")[0] == 0
    assert len(FeatureBank.open(tmp_path / "bank").manifest.extra["refreshed_with"]) == 1


@pytest.mark.parametrize("deleted", [True, False])
def test_a_new_log_brings_new_users_and_of_the_forgotten_what_it_has(world, forgetful, rematch, deleted):
    new = pl.DataFrame({"user_id": ["u100", "u100", "newest"], "item_id": ["i0_0", "i0_1", "i2_3"]})
    assert rematch(a=world.later.filter(~THEIRS) if deleted else world.later, b=new)[0] == 0
    profiler = Profiler.load(forgetful)
    users = set(profiler.bank.users["user_id"])
    assert {"u100", "newest"} <= users
    assert users.isdisjoint({"u001", "new3"})
    states = profiler.states(new)
    np.testing.assert_array_equal(profiler.stored(states.user_ids), states.states)


@pytest.mark.parametrize("deleted", [True, False])
@pytest.mark.parametrize("kept", [True, False])
def test_who_came_back_stays_without_what_they_did_before(
    world, forgetful, rematch, refresh, kept, deleted, tmp_path
):
    """Whether they came back by keep or by rematch, and whatever lies in the old file: u100 has one event."""
    old = world.later.filter(~THEIRS) if deleted else world.later
    new = pl.DataFrame({"user_id": ["u100", "u000"], "item_id": ["i0_0", "i0_1"]})
    if kept:
        assert refresh(new)[0] == 0
    else:
        assert rematch(a=old, b=new)[0] == 0
    for _ in range(2):
        shutil.rmtree(tmp_path / "weeks", ignore_errors=True)
        assert rematch(a=old, b=new)[0] == 0
        profiler = Profiler.load(forgetful)
        assert set(profiler.bank.users["user_id"]).isdisjoint({"u001", "new3"})
        one = profiler.states(new.filter(pl.col("user_id") == "u100")).states
        np.testing.assert_array_equal(profiler.stored(["u100"]), one)


def test_what_else_was_changed_in_a_log_is_refused(world, forgetful, rematch):
    before = FeatureBank.open(forgetful).path
    left = world.later.filter(~THEIRS)
    for files, wrong in [
        ({"a": left[1:]}, "1 of its users have other events in them"),
        ({"a": pl.concat([left, left[:1]])}, "1 of its users"),
        ({"a": left.filter(pl.col("user_id") != "nobody")}, "1 of its users"),
        ({"a": world.later.filter(pl.col("user_id") != "u100")}, "has 1 users whom the version lacks"),
        ({"a": left[:1].with_columns(user_id=pl.lit("newest")), "b": left}, "has 1 users whom the version"),
    ]:
        code, said = rematch(**files)
        assert code == 2
        assert "has 1 logs that are not among these files" in said
        assert wrong in said
        shutil.rmtree(forgetful.parent / "weeks")
    assert FeatureBank.open(forgetful).path == before


def test_a_version_that_was_written_meanwhile_is_not_lost(refresh, world, tmp_path, monkeypatch):
    assert refresh(world.later[:500])[0] == 0
    slow = run.add_events

    def overtaken(profiler, events):
        monkeypatch.setattr(run, "add_events", slow)
        assert refresh(world.later[500:])[0] == 0
        return slow(profiler, events)

    monkeypatch.setattr(run, "add_events", overtaken)
    code, _, said = refresh(pl.DataFrame({"user_id": ["u000"], "item_id": ["i0_0"]}))
    assert code == 2
    assert "another version became the current one meanwhile" in said
    assert len(FeatureBank.open(tmp_path / "bank").manifest.extra["refreshed_with"]) == 2


def test_the_experiments_own_bank_is_not_refreshed(world, own, tmp_path, capsys):
    file = tmp_path / "later.parquet"
    world.later.write_parquet(file)
    words = ["refresh", str(world.root), "--events", str(file), "--bank", str(own.path.parent)]
    assert main(words) == 2
    assert "is the experiment's own bank" in capsys.readouterr().err


def test_in_an_implicit_log_what_was_not_liked_is_no_event(refresh, world):
    disliked = world.later.with_columns(label=pl.lit(0))
    log = pl.concat([world.later.with_columns(label=pl.lit(1)), disliked])
    told = [refresh(events, "--dry_run")[1] for events in (world.later, log)]
    assert told[0] == told[1]
    assert told[0]["unknown_events"] == 2


def test_the_log_of_the_fit_is_not_needed_again(refresh, world):
    assert refresh(world.later[:500])[0] == 0
    log = world.root.parent / "log.parquet"
    away = log.rename(log.with_suffix(".away"))
    try:
        assert refresh(world.later[500:])[0] == 0
    finally:
        away.rename(log)


def test_settings_that_changed_since_are_noticed(refresh, world):
    assert refresh(world.later[:500])[0] == 0
    file = world.root / "config.yaml"
    before = file.read_text()
    try:
        file.write_text(before.replace("starts: 3", "starts: 4"))
        code, _, said = refresh(world.later[500:])
    finally:
        file.write_text(before)
    assert code == 2
    assert "before its settings or its log changed" in said


def test_more_movement_than_allowed_is_refused(refresh, world, tmp_path):
    code, _, said = refresh(world.later, "--limit", "0.05")
    assert code == 2
    assert "would move to another code, and --limit is 5.0%" in said
    assert not (tmp_path / "bank").exists()
    assert refresh(world.later, "--limit", "0.5")[0] == 0


def test_a_dry_run_writes_nothing(refresh, world, tmp_path):
    code, told, _ = refresh(world.later, "--dry_run")
    assert code == 0
    assert told["version"] is None
    assert told["moved"] > 0
    assert not (tmp_path / "bank").exists()


def test_rematched_codes_keep_their_names(refresh, world, own, tmp_path):
    code, _, _ = refresh(world.later, "--codebooks", "rematch")
    assert code == 0
    served, kept = FeatureBank.open(tmp_path / "bank"), world.moved
    settled = [user for user in own.users["user_id"] if user not in kept]
    same = (served.lookup(settled) == own.lookup(settled)).all(axis=1)
    assert same.mean() > 0.95
    table, before = (Profiler.load(bank.path).sums.evidence for bank in (served, own))
    assert not np.array_equal(table, before)
    np.testing.assert_array_equal(  # the rule is that of the new table
        served.lookup(served.users["user_id"].to_list()),
        Profiler.load(served.path).decode(
            Profiler.load(served.path).stored(served.users["user_id"].to_numpy().astype(str))
        ),
    )


def test_rematching_without_anything_new_moves_hardly_anybody(refresh, world):
    _, told, _ = refresh(world.later[:1], "--codebooks", "rematch")
    assert told["moved_share"] < 0.03


def test_events_of_another_catalogue_are_refused(refresh, tmp_path):
    foreign = pl.DataFrame({"user_id": ["u000"], "item_id": ["B0001"]})
    for codebooks in ("keep", "rematch"):
        code, _, said = refresh(foreign, "--codebooks", codebooks)
        assert code == 2
        assert "'B0001'" in said
        assert "'i0_0'" in said
    assert not (tmp_path / "bank").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--limit", "1.5"], "--limit: 1.5 given, a share from 0 to 1"),
        (["--seed", "7"], "has codes of the seeds [0]"),
    ],
)
def test_settings_that_cannot_be_used(refresh, world, words, expected):
    code, _, said = refresh(world.later, *words)
    assert code == 2
    assert expected in said


def test_a_bank_of_another_experiment_is_not_continued(refresh, world, own, tmp_path):
    other = Profiler.load(own.path)
    manifest = own.manifest.__class__(**{**vars(own.manifest), "config_hash": "other"})
    FeatureBank.write(
        tmp_path / "bank",
        ["u000"],
        np.zeros((1, 2), np.int64),
        other.names,
        other.sizes,
        manifest,
        np.arange(1),
    )
    code, _, said = refresh(world.later)
    assert code == 2
    assert "made from another experiment" in said


def test_without_events_the_bank_that_is_served_is_made(world, own, refresh, tmp_path, capsys):
    words = ["refresh", str(world.root), "--bank", str(tmp_path / "bank")]
    assert main(words) == 0
    served = FeatureBank.open(tmp_path / "bank")
    assert served.users.equals(own.users)
    assert f"bank: {served.path}" in capsys.readouterr().out
    assert refresh(world.later)[0] == 0
    later = FeatureBank.open(tmp_path / "bank").path
    assert main(words) == 0
    assert f"bank: {later}" in capsys.readouterr().out  # what is served is kept


def test_what_is_said_of_events_needs_events(world, tmp_path, capsys):
    words = ["refresh", str(world.root), "--bank", str(tmp_path / "bank"), "--dry_run"]
    assert main(words) == 2
    assert "say what to do with --events" in capsys.readouterr().err
    assert not (tmp_path / "bank").exists()


def test_no_experiment_there(tmp_path, capsys):
    assert main(["refresh", str(tmp_path), "--events", "x.parquet"]) == 2
    assert "no experiment here" in capsys.readouterr().err


def test_an_experiment_without_a_table(finished, tmp_path, capsys, world):
    file = tmp_path / "later.parquet"
    world.later.write_parquet(file)
    assert main(["refresh", str(finished), "--events", str(file)]) == 2
    assert "has no table to go on with" in capsys.readouterr().err


def test_for_people_it_prints_sentences(world, tmp_path, capsys):
    file = tmp_path / "later.parquet"
    world.later.write_parquet(file)
    assert main(["refresh", str(world.root), "--events", str(file), "--bank", str(tmp_path / "bank")]) == 0
    out = capsys.readouterr().out
    assert "users moved to another code" in out
    assert f"bank: {tmp_path / 'bank'}" in out
