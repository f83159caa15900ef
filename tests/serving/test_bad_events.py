"""What a log may look like, and what is refused in a sentence."""

import json
import re

import numpy as np
import polars as pl
import pytest

from tests.serving.small_bank import ITEMS, SIZES, bank, log
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.serving import Profiler


@pytest.fixture(scope="module")
def explicit(tmp_path_factory) -> Profiler:
    folder = tmp_path_factory.mktemp("explicit")
    bank(folder, "joint", True)
    return Profiler.load(folder)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> Profiler:
    """Its items are called 0 to 6."""
    folder = tmp_path_factory.mktemp("numbered")
    table = bank(folder / "named", "joint", False)
    named = Profiler.load(folder / "named").bank
    FeatureBank.write(
        folder / "bank",
        ["7"],
        np.zeros((1, 2), dtype=np.int64),
        named.names,
        SIZES,
        named.manifest,
        np.empty(0, dtype=np.int64),
        {name: part.astype(np.float32) for name, part in table._asdict().items()}
        | {"item_ids": np.array([item.removeprefix("i") for item in ITEMS])},
    )
    return Profiler.load(folder / "bank")


def test_ids_come_as_strings_integers_or_whole_floats(numbered):
    users, items = [7, 7, 9], [1, 2, 6]
    expected = numbered.codes(pl.DataFrame({"user_id": ["7", "7", "9"], "item_id": ["1", "2", "6"]}))
    assert expected["known_behaviours"].to_list() == [2, 1]
    for dtype in (pl.Int64, pl.UInt16, pl.Float64, pl.Float32):
        events = pl.DataFrame({"user_id": users, "item_id": items}).cast(dtype)
        assert numbered.codes(events).equals(expected)
    named = pl.DataFrame({"user_id": ["7", "7", "9"], "item_id": ["1", "2", "6"]})
    assert numbered.codes(named.cast(pl.Categorical)).equals(expected)
    wanted = numbered.states(pl.DataFrame({"user_id": ["7"], "item_id": ["1"]})).states[0]
    for item in ("1", 1, 1.0, np.int64(1), np.float32(1)):
        state = numbered.start()
        assert numbered.update(state, item)
        assert np.array_equal(state, wanted)


@pytest.mark.parametrize("name", ["user_id", "item_id"])
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_an_id_with_a_nul_character_is_refused(numbered, name, dtype):
    ids = {"user_id": ["7", "7", "7"], "item_id": ["1", "1", "1"]}
    events = pl.DataFrame(ids | {name: ["1", None, "1\0"]}).cast({name: dtype})
    sentence = (
        f"events: row 3 has {name} '1\\x00', expected a string or a whole number below 2^53, without NUL"
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        numbered.codes(events)


def test_ids_that_are_missing_are_nobody_and_no_item(numbered):
    events = pl.DataFrame(
        {"user_id": [7.0, None, float("nan"), 7.0, 7.0], "item_id": [1.0, 1.0, 1.0, None, float("nan")]}
    )
    found = numbered.codes(events)
    assert found["user_id"].to_list() == ["7"]
    assert found["known_behaviours"].to_list() == [1]
    blank = pl.DataFrame({"user_id": ["7", "", "  ", None], "item_id": ["1", "1", "1", "1"]})
    assert numbered.codes(blank).equals(found)
    users = [str(user) for user in range(20)]  # whatever their hashes are, nobody's lie among them
    somebodies = pl.DataFrame({"user_id": users, "item_id": ["1", "5"] * 10})
    nobodies = pl.DataFrame({"user_id": ["", "  ", None] * 3, "item_id": ["2", "3", "4"] * 3})
    both = pl.concat([nobodies, somebodies])
    assert np.array_equal(numbered.states(both).states, numbered.states(somebodies).states)
    state = numbered.start()
    for item in (None, float("nan"), "", "  ", "nine"):
        assert not numbered.update(state, item)
    for item in (1.5, float("inf"), b"1", True, "1\0"):
        with pytest.raises(InputError, match=r"item: .* \(number 1\) .*an id is a string or a whole number"):
            numbered.update(state, item)
    assert np.array_equal(state, numbered.start())
    assert not numbered.explain(events).is_empty()


def test_a_log_of_missing_rows_alone_or_without_rows_has_no_users(numbered):
    for empty in ({"user_id": [], "item_id": []}, {"user_id": [None, ""], "item_id": ["1", None]}):
        found = numbered.codes(pl.DataFrame(empty))
        assert found.is_empty()
        assert found.columns == ["user_id", "hobby", "background", "known_behaviours"]
        assert numbered.states(pl.DataFrame(empty)).states.shape == (0, 12)


def test_a_log_of_another_catalogue_is_refused_with_ids_of_both_sides(explicit):
    foreign = log().with_columns(item_id="B00" + pl.col("item_id"))
    with pytest.raises(InputError) as refusal:
        explicit.codes(foreign)
    said = str(refusal.value)
    assert said.count("'B00") == 3
    assert "the table has 'i0', 'i1', 'i2'" in said
    assert said.endswith(".")
    assert explicit.codes(foreign, allow_foreign=True)["known_behaviours"].sum() == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda e: e.drop("item_id"), "column 'item_id' is missing, there are user_id, label"),
        (lambda e: e.drop("label"), "column 'label' is missing"),
        (lambda e: e.with_columns(label=pl.lit(2)), "row 1 has label 2, expected 1 for liked or 0 for not"),
        (lambda e: e.with_columns(label=pl.lit(None)), "row 1 has label None"),
        (lambda e: e.with_columns(label=pl.lit("yes")), "row 1 has label 'yes'"),
        (
            lambda e: e.with_columns(user_id=pl.lit(1.5)),
            "row 1 has user_id 1.5, expected a string or a whole",
        ),
        (lambda e: e.with_columns(item_id=pl.lit(2.0**53)), "row 1 has item_id 9007199254740992.0"),
        (lambda e: e.with_columns(user_id=pl.lit(float("inf"))), "row 1 has user_id inf"),
        (
            lambda e: e.with_columns(user_id=pl.concat_list("label")),
            r"column 'user_id' has type List\(Int64\)",
        ),
    ],
)
def test_events_that_cannot_be_used_are_refused(explicit, spoil, sentence):
    with pytest.raises(InputError, match=sentence):
        explicit.codes(spoil(log()))


def test_single_events_with_another_label_are_refused(explicit):
    for label in (2, None, "1", float("nan")):
        with pytest.raises(InputError, match="expected 1 for liked or 0 for not"):
            explicit.update(explicit.start(), "i1", label)


def test_an_explanation_of_two_users_is_refused(explicit):
    with pytest.raises(InputError, match="events of 40 users; give those of one"):
        explicit.explain(log(40, 30))


def test_a_bank_without_a_table_is_refused(tmp_path):
    manifest = Manifest("bank", "config", "data", 1)
    FeatureBank.write(
        tmp_path,
        ["u"],
        np.zeros((1, 1), dtype=np.int64),
        ["hobby"],
        [2],
        manifest,
        np.empty(0, dtype=np.int64),
    )
    with pytest.raises(
        InputError, match="codes of its own users and no table that codes others; name a bank"
    ):
        Profiler.load(tmp_path)
    with pytest.raises(InputError, match="no bank here"):
        Profiler.load(tmp_path / "nowhere")


def test_a_bank_that_keeps_no_states_says_so(numbered):
    with pytest.raises(InputError, match=re.escape("states.npy: missing, this bank was written before")):
        numbered.stored(np.array(["7"]))


def test_a_table_that_is_damaged_is_refused(tmp_path):
    bank(tmp_path, "joint", False)
    folder = Profiler.load(tmp_path).bank.path
    file = folder / "log_share.npy"
    manifest = json.loads((folder / "manifest.json").read_text())
    np.save(file, np.zeros(5, dtype=np.float32))
    manifest["files"]["log_share.npy"] = file.stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="the bank's table is corrupt"):
        Profiler.load(tmp_path)


def test_a_user_with_100_000_events_and_the_same_event_twice(explicit):
    many = pl.DataFrame({"user_id": ["a"] * 100_000, "item_id": ["i1"] * 100_000, "label": [1] * 100_000})
    _, (state,), (known,) = explicit.states(many)
    assert known == 100_000
    one = explicit.start()
    explicit.update(one, "i1")
    assert np.array_equal(state, explicit.start() + 100_000 * (one - explicit.start()))
