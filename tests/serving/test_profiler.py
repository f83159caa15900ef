"""Codes of the Profiler are those of the table, however the events come in."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tests.serving.small_bank import FORMS, ITEMS, SIZES, bank, codes_of, counted, log, scores_of
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.serving import Profiler, profiler


@pytest.fixture(
    scope="module", params=FORMS, ids=lambda form: f"{form[0]}-{'explicit' if form[1] else 'implicit'}"
)
def made(request, tmp_path_factory):
    """A bank's table and its Profiler."""
    folder = tmp_path_factory.mktemp("bank")
    return bank(folder, *request.param), Profiler.load(folder)


def one_user(size: int, seed: int = 2) -> pl.DataFrame:
    return log(1, size, seed)


def one_by_one(profiler: Profiler, events: pl.DataFrame, order=None) -> tuple[np.ndarray, int]:
    state, known = profiler.start(), 0
    rows = events.select("item_id", "label").rows()
    for at in range(len(rows)) if order is None else order:
        known += profiler.update(state, *rows[at])
    return state, known


def test_codes_are_those_of_the_table(made):
    table, profiler = made
    events = log()
    users, counts = counted(events, profiler.explicit)
    found = profiler.codes(events)
    assert found.schema == {
        "user_id": pl.String,
        "hobby": pl.Int64,
        "background": pl.Int64,
        "known_behaviours": pl.Int64,
    }
    assert found["user_id"].to_list() == users
    assert np.array_equal(found.select("hobby", "background").to_numpy(), codes_of(table, counts))
    assert found["known_behaviours"].to_list() == np.asarray(counts.sum(axis=1)).ravel().tolist()
    assert found.n_unique(["hobby", "background"]) > 2


@pytest.mark.parametrize("figures", [1, 60, 2**23])
def test_states_are_those_of_the_table_bit_for_bit_in_chunks_of_any_size(made, figures, monkeypatch):
    table, made_profiler = made
    monkeypatch.setattr(profiler, "_FIGURES", figures)
    events = log()
    users, counts = counted(events, made_profiler.explicit)
    ids, states, known = made_profiler.states(events)
    assert ids.tolist() == users
    assert np.array_equal(states, table.states(counts))
    assert known.tolist() == np.asarray(counts.sum(axis=1)).ravel().tolist()
    assert np.array_equal(made_profiler.decode(states), codes_of(table, counts))
    whole = made_profiler.codes(events)
    assert np.array_equal(whole.select("hobby", "background").to_numpy(), codes_of(table, counts))


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(25)))
def test_events_one_by_one_in_any_order_end_in_the_same_bits(made, order):
    _, profiler = made
    events = one_user(25)
    _, (state,), (known,) = profiler.states(events)
    online, counted_online = one_by_one(profiler, events, order)
    assert online.tobytes() == state.tobytes()
    assert counted_online == known
    assert profiler.code(online) == profiler.codes(events).select("hobby", "background").row(0)


@settings(max_examples=30, deadline=None)
@given(before=st.integers(0, 25), back=st.permutations(range(25)))
def test_events_are_taken_back_bit_for_bit(made, before, back):
    _, profiler = made
    events = one_user(25)
    rows = events.select("item_id", "label").rows()
    state, _ = one_by_one(profiler, events)
    for at in back[before:]:
        profiler.take_back(state, *rows[at])
    left, _ = one_by_one(profiler, events, back[:before])
    assert state.tobytes() == left.tobytes()


def test_a_code_has_the_highest_score_and_a_posterior_is_bayes_rule_by_brute_force(made):
    table, profiler = made
    events = one_user(9)
    _, counts = counted(events, profiler.explicit)
    state, _ = one_by_one(profiler, events)
    score = scores_of(table, counts.toarray()[0]).reshape(SIZES)
    assert profiler.code(state) == np.unravel_index(score.argmax(), SIZES)
    if profiler.additive:
        with pytest.raises(
            InputError, match=r"additive codebooks .* have no probabilities; fit with .*joint"
        ):
            profiler.posterior(state)
    else:
        posterior = np.exp(score - score.max())
        np.testing.assert_allclose(profiler.posterior(state), posterior / posterior.sum(), rtol=1e-12)


def test_an_explanation_adds_up_to_the_odds_of_the_code(made):
    table, profiler = made
    events = one_user(12)
    _, known = one_by_one(profiler, events)
    told = profiler.explain(events)
    assert told.columns == ["item_id", *(["label"] if profiler.explicit else []), "nats"]
    assert told.height == known > 3
    assert told["nats"].is_sorted(descending=True)
    expected = [
        (item, *([label] if profiler.explicit else []))
        for item, label in events.select("item_id", "label").rows()
        if item in ITEMS and (label or profiler.explicit)
    ]
    assert sorted(told.drop("nats").rows()) == sorted(expected)
    counts = counted(events, profiler.explicit)[1].toarray()[0]
    now, first = scores_of(table, counts), scores_of(table, 0 * counts)
    best, second = np.argsort(-now)[:2]
    assert told["nats"].sum() == now[best] - now[second] - (first[best] - first[second])
    assert told.equals(profiler.explain(events.drop("user_id")))


def test_a_user_without_a_known_event_has_the_codes_that_most_users_have(made):
    table, profiler = made
    events = pl.DataFrame({"user_id": ["a", "b", "b"], "item_id": ["new", "i1", None], "label": [1, 1, 1]})
    found = profiler.codes(events)
    most = codes_of(table, csr_matrix((1, len(ITEMS) * (1 + profiler.explicit))))[0]
    assert found.row(0) == ("a", *most, 0)
    start = scores_of(table, np.zeros(len(table.evidence)))
    assert found.row(0)[1:3] == np.unravel_index(start.argmax(), SIZES)
    assert found["known_behaviours"].to_list() == [0, 1]
    assert profiler.code(profiler.start()) == tuple(most)


def test_a_bank_s_users_have_their_states_and_others_fresh_ones(made, tmp_path):
    table, profiler = made
    events = log()
    users, counts = counted(events, profiler.explicit)
    old = np.random.default_rng(0).permutation(len(users))
    arrays = {file.stem: np.load(file) for file in profiler.bank.path.glob("*.npy")}
    kept = {name: arrays[name] for name in (*table._fields, "item_ids")}
    FeatureBank.write(
        tmp_path,
        np.array(users)[old],
        codes_of(table, counts)[old],
        profiler.names,
        SIZES,
        profiler.bank.manifest,
        np.empty(0, dtype=np.int64),
        kept | {"states": table.states(counts)},
    )
    filled = Profiler.load(tmp_path)
    asked = np.array([users[5], "nobody", users[0], users[5]])
    expected = [table.states(counts)[5], filled.start(), table.states(counts)[0], table.states(counts)[5]]
    assert np.array_equal(filled.stored(asked), expected)
    ids, states, _ = filled.states(events)
    twice = filled.stored(ids) + states - filled.start()
    assert np.array_equal(twice, table.states(2 * counts))


def test_ids_of_the_bank_are_read_once_for_all_its_states(tmp_path, monkeypatch):
    bank(tmp_path, "additive", False, users=("held", "other"))
    profiler, reads = Profiler.load(tmp_path), []
    users = FeatureBank.users.fget
    monkeypatch.setattr(FeatureBank, "users", property(lambda own: reads.append(own) or users(own)))
    assert profiler.stored([]).shape == (0, profiler.sums.width)
    for asked in (["other"], ["held", "nobody"]):
        assert np.array_equal(profiler.stored(asked), np.tile(profiler.start(), (len(asked), 1)))
    assert len(reads) == 1


def test_a_bank_with_codebooks_of_an_earlier_version_says_so_and_is_looked_up(tmp_path):
    bank(tmp_path, "factorised", False)
    with pytest.raises(InputError, match=r"an earlier version made this bank.*run `userip fit` again"):
        Profiler.load(tmp_path)
    assert FeatureBank.open(tmp_path).lookup(["held"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (np.s_[:, 1:], r"directions\.npy: .*shape"),
        (np.s_[1:], r"corrupt \(7 events × 11 codes, expected 7 × 12\)"),
    ],
)
def test_directions_that_do_not_belong_to_the_table_are_refused(tmp_path, part, message):
    table = bank(tmp_path / "whole", "additive", False)
    whole = FeatureBank.open(tmp_path / "whole")
    names = ("evidence", "log_share", "item_ids", "states")
    arrays = {name: np.load(whole.path / f"{name}.npy") for name in names}
    codes, nobody = whole.lookup(["held"]), np.empty(0, dtype=np.int64)
    arrays["directions"] = table.directions[part].astype(np.float32)
    FeatureBank.write(tmp_path, ["held"], codes, whole.names, SIZES, whole.manifest, nobody, arrays)
    with pytest.raises(InputError, match=message):
        Profiler.load(tmp_path)


def test_a_bank_without_states_says_so(tmp_path):
    bank(tmp_path, "joint", False)
    profiler = Profiler.load(tmp_path)
    (profiler.bank.path / "states.npy").unlink()
    with pytest.raises(InputError, match=r"states\.npy: missing, this bank was written before"):
        profiler.stored(["held"])


def test_a_state_that_was_read_back_goes_on_once_it_is_copied(made):
    _, profiler = made
    state = profiler.start()
    profiler.update(state, "i1")
    read = np.frombuffer(state.tobytes())
    assert profiler.code(read) == profiler.code(state)
    for change in (profiler.update, profiler.take_back):
        with pytest.raises(InputError, match=r"^state: read-only, expected .*frombuffer\(...\).copy\(\)"):
            change(read, "i2")
    copied = read.copy()
    assert profiler.update(copied, "i2")
    assert profiler.update(state, "i2")
    assert copied.tobytes() == state.tobytes()


def test_what_is_no_state_is_refused_in_a_sentence(made):
    _, profiler = made
    state = profiler.start()
    wrong = {
        "float32": state.astype(np.float32),
        rf"float64 of shape \({state.size + 1},\)": np.zeros(state.size + 1),
        rf"float64 of shape \(1, {state.size}\)": state[None],
        r"\[0\.0": [0.0] * state.size,
    }
    for told, bad in wrong.items():
        sentence = rf"^state: {told}.*, expected a writeable float64 vector of {state.size} figures"
        for use in (profiler.code, profiler.posterior):
            with pytest.raises(InputError, match=sentence):
                use(bad)
        for item in ("i1", "unknown"):
            for change in (profiler.update, profiler.take_back):
                with pytest.raises(InputError, match=sentence):
                    change(bad, item)


def few_hashes(monkeypatch: pytest.MonkeyPatch, column: str, seeds: int) -> None:
    """The first seeds hash a column's ids to three numbers."""
    own = pl.Series.hash

    def hashed(ids: pl.Series, seed: int = 0) -> pl.Series:
        found = own(ids, seed)
        return found % 3 if ids.name == column and seed < seeds else found

    monkeypatch.setattr(pl.Series, "hash", hashed)


def test_users_who_share_a_hash_are_kept_apart(made, monkeypatch):
    table, profiler = made
    events = log()
    few_hashes(monkeypatch, "user_id", seeds=1)
    users, counts = counted(events, profiler.explicit)
    ids, states, _ = profiler.states(events)
    assert ids.tolist() == users
    assert np.array_equal(states, table.states(counts))


def test_items_that_share_a_hash_are_kept_apart(tmp_path, monkeypatch):
    table = bank(tmp_path, "joint", False)
    few_hashes(monkeypatch, "item_id", seeds=2)
    profiler = Profiler.load(tmp_path)
    events = log().with_columns(label=1)
    assert np.array_equal(profiler.states(events).states, table.states(counted(events, False)[1]))


def test_an_unknown_item_with_the_hash_of_a_known_one_stays_unknown(tmp_path, monkeypatch):
    bank(tmp_path, "joint", False)
    profiler, own = Profiler.load(tmp_path), pl.Series.hash
    monkeypatch.setattr(pl.Series, "hash", lambda ids, seed=0: own(ids.replace("i7", "i3"), seed))
    events = pl.DataFrame({"user_id": ["a", "a"], "item_id": ["i3", "i7"]})
    assert profiler.states(events).known.tolist() == [1]


def test_rows_of_an_implicit_log_with_label_0_are_no_events(tmp_path):
    bank(tmp_path, "joint", False)
    profiler, events = Profiler.load(tmp_path), log()
    liked = profiler.codes(events.filter(label=1).drop("label"))
    found = profiler.codes(events)
    assert found.filter(pl.col("user_id").is_in(liked["user_id"].implode())).equals(liked)
    state = profiler.start()
    assert not profiler.update(state, "i1", 0)
    assert np.array_equal(state, profiler.start())
