"""New items in a Profiler: rows of the table from texts alone."""

import json
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from tests.catalogue.seen_and_unseen import UNSEEN, fitted, unseen_log
from tests.serving.small_bank import bank
from userip_lightning.catalogue.recommendation import Recommendation
from userip_lightning.catalogue.steering import Steering
from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource
from userip_lightning.serving import Profiler
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.source import BagOfWords, Joined, NoText

STEP = 2.0**-16
#: Items with the texts of those that the log has in its catalogue and nobody had.
NEW = pl.DataFrame({"item_id": [f"new {item}" for item in UNSEEN], "title": list(UNSEEN.values())})


@pytest.fixture(scope="module", params=["joint", "joint, labels", "additive", "additive, labels"])
def made(request, tmp_path_factory):
    """A fitted module, and its bank."""
    folder = tmp_path_factory.mktemp("new items")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USERIP_CACHE", str(folder / "cache"))
        codebooks, *explicit = request.param.split(", ")
        module = fitted(unseen_log(folder, bool(explicit)), folder, codebooks=codebooks)
        return module, module.export(folder / "bank")


def evidence(profiler: Profiler) -> np.ndarray:
    """Rows of all events, [E, W]."""
    return np.asarray(profiler.sums.evidence)


def rows_of(profiler: Profiler, items: list[str]) -> np.ndarray:
    """[L N, W], by label."""
    at = np.array([profiler.items.row(item) for item in items])
    labels = [0, len(profiler.items)] if profiler.explicit else [0]
    return evidence(profiler)[np.concatenate([at + label for label in labels])]


def test_a_new_item_has_the_row_of_one_with_its_text_that_nobody_had(made):
    profiler = Profiler.load(made[1])
    before = evidence(profiler)
    profiler.add_items(NEW)
    new = rows_of(profiler, NEW["item_id"].to_list())
    np.testing.assert_allclose(new, rows_of(profiler, list(UNSEEN)), atol=STEP, rtol=0)
    assert np.ptp(new[:3], axis=0).max() > 0.1  # texts differ
    old = rows_of(profiler, made[0].data.item_ids.tolist())
    assert np.array_equal(old, before)  # what was there stays, in its place
    whole = evidence(profiler)
    assert whole.dtype == np.float32
    assert np.array_equal(whole / STEP, np.round(whole / STEP))  # sums stay exact


def test_new_items_count_as_others_do_in_any_way_of_counting(made):
    profiler = Profiler.load(made[1])
    profiler.add_items(NEW)
    rng = np.random.default_rng(3)
    drawn = rng.choice([*NEW["item_id"], *profiler.items.ids.head(9), "nobody knows"], 200)
    log = pl.DataFrame(
        {"user_id": rng.integers(30, size=200), "item_id": drawn, "label": rng.integers(2, size=200)}
    )
    ids, states, _ = profiler.states(log)
    own = {user: profiler.start() for user in ids.tolist()}
    for user, item, label in log.sample(fraction=1.0, shuffle=True, seed=1).iter_rows():
        assert profiler.update(own[str(user)], item, label) is (
            item != "nobody knows" and (profiler.explicit or label == 1)
        )
    assert np.array_equal(np.stack(list(own.values())), states)
    codes = profiler.codes(log).select(profiler.names).rows()
    assert codes == [profiler.code(state) for state in own.values()]
    known = log.filter((pl.col("item_id") != "nobody knows") & ((pl.col("label") == 1) | profiler.explicit))
    assert profiler.codes(log)["known_behaviours"].sum() == known.height


def test_items_in_two_calls_are_those_of_one_call(made):
    one, two = Profiler.load(made[1]), Profiler.load(made[1])
    one.add_items(NEW)
    two.add_items(NEW.tail(3))
    two.add_items(NEW.clear())
    two.add_items(NEW.head(2))
    names = [*one.items.ids]
    np.testing.assert_array_equal(rows_of(one, names), rows_of(two, names))


def test_a_text_that_is_missing_or_blank_is_an_empty_one_and_numbers_are_ids(made):
    profiler = Profiler.load(made[1])
    profiler.add_items(pl.DataFrame({"item_id": [7.0, 8.0, 8.0], "title": [None, "  ", "  "]}))
    profiler.add_items(pl.DataFrame({"item_id": [9], "title": ["unheard of"], "further": [1]}))
    blank = rows_of(profiler, ["n5"])
    for item in ("7", "8", "9"):
        np.testing.assert_allclose(rows_of(profiler, [item]), blank, atol=STEP, rtol=0)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            {"item_id": ["x", "a3", "b1"], "title": [""] * 3},
            "2 of 3 are in the table already, .* is 'a3'",
        ),
        ({"item_id": ["x", " "], "title": ["", ""]}, "row 2 has item_id ' '"),
        ({"item_id": [1.0, None], "title": ["", ""]}, "row 2 has item_id None"),
        ({"item_id": [1.5], "title": [""]}, "row 1 has item_id 1.5"),
        ({"item_id": [[1]], "title": [""]}, "type List"),
        ({"item_id": ["x", "x"], "title": ["space", "war"]}, "'x' comes twice with different texts"),
        ({"title": ["space"]}, "'item_id' is missing, there are title; item_id, title are needed"),
        ({"item_id": ["x"], "name": ["space"]}, "no column 'title'; there are item_id, name"),
    ],
)
def test_items_that_cannot_be_added_are_refused_and_leave_the_table_as_it_was(made, items, message):
    profiler = Profiler.load(made[1])
    before, known = evidence(profiler), len(profiler.items)
    with pytest.raises(InputError, match=message):
        profiler.add_items(pl.DataFrame(items))
    assert len(profiler.items) == known
    assert np.array_equal(evidence(profiler), before)


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return unseen_log(tmp_path, explicit=False)


def test_texts_are_read_as_the_language_model_read_the_catalogue(log, tmp_path, tiny_llama):
    text = Joined([BagOfWords(3), HiddenStates(LMSource(str(tiny_llama), dtype="float32"), layer=1)])
    profiler = Profiler.load(fitted(log, tmp_path, text).export(tmp_path / "bank"))
    profiler.add_items(NEW)
    np.testing.assert_allclose(
        rows_of(profiler, NEW["item_id"].to_list()), rows_of(profiler, list(UNSEEN)), atol=2 * STEP, rtol=0
    )


def test_a_table_without_text_takes_items_without_one(log, tmp_path):
    profiler = Profiler.load(fitted(log, tmp_path, NoText()).export(tmp_path / "bank"))
    profiler.add_items(pl.DataFrame({"item_id": ["x"]}))
    np.testing.assert_allclose(rows_of(profiler, ["x"]), rows_of(profiler, ["n1"]), atol=STEP, rtol=0)


def test_banks_that_have_no_rows_for_new_items_say_why(log, tmp_path):
    moved = fitted(log, tmp_path, recommendation=Recommendation(epochs=2))
    permuted = fitted(log, tmp_path, permute_text=True)
    anchored = fitted(log, tmp_path, steering=Steering({"hobby": {0: "space hero"}}, steps=4))
    merged = fitted(log, tmp_path, steering=Steering(merge={"background": [[0, 1]]}))
    bank(tmp_path / "old", "joint", explicit=False)
    for folder, message in {
        moved.export(tmp_path / "moved"): "recommendation loss moved its table",
        permuted.export(tmp_path / "permuted"): "its texts were permuted",
        anchored.export(tmp_path / "anchored"): "its codes were anchored to words",
        merged.export(tmp_path / "merged"): "its codes were merged",
        tmp_path / "old": "before banks kept",
    }.items():
        with pytest.raises(InputError, match=f"{message}.*without permuted texts, .*steering"):
            Profiler.load(folder).add_items(NEW)


def test_a_bank_whose_reader_is_damaged_says_so(made, tmp_path):
    for name in ("reader_0_idf.npy", "prior_weight.npy"):
        profiler = Profiler.load(made[1])
        file, kept = made[1] / name, (made[1] / name).read_bytes()
        try:
            file.write_bytes(kept[:-9])
            with pytest.raises(InputError, match=rf"{re.escape(name)}: the file is damaged"):
                profiler.add_items(NEW)
        finally:
            file.write_bytes(kept)


def test_words_are_read_without_torch_scipy_or_scikit_learn(made):
    program = (
        "import sys, polars as pl\n"
        "from userip_lightning.serving import Profiler\n"
        f"profiler = Profiler.load({str(made[1])!r})\n"
        f"profiler.add_items(pl.DataFrame({json.dumps(NEW.to_dict(as_series=False))}))\n"
        "print(*sorted({'torch', 'scipy', 'sklearn', 'lightning', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
