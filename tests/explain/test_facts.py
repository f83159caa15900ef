"""What is said of codes and users, against sums written out here."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from tests.explain import worlds
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.errors import InputError
from userip_lightning.explain import scores as scoring
from userip_lightning.explain.explanation import Explanation
from userip_lightning.explain.facts import Facts, explain
from userip_lightning.explain.page import explain_page
from userip_lightning.explain.source import Source

FORMS = [("joint", False), ("joint", True), ("additive", False), ("additive", True)]


def small(folder: Path, codebooks: str, explicit: bool) -> Source:
    table = worlds.random_table(codebooks, len(worlds.titles()) * (1 + explicit))
    return worlds.source(folder, worlds.log(explicit), table, explicit)


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0]}-{'explicit' if form[1] else 'implicit'}")
def source(request, tmp_path: Path) -> Source:
    return small(tmp_path, *request.param)


@pytest.fixture(params=["implicit", "explicit"])
def joint(request, tmp_path: Path) -> Source:
    return small(tmp_path, "joint", request.param == "explicit")


@pytest.fixture(params=["implicit", "explicit"])
def additive(request, tmp_path: Path) -> Source:
    return small(tmp_path, "additive", request.param == "explicit")


@pytest.fixture
def planted(tmp_path: Path) -> Explanation:
    return explain(worlds.source(tmp_path, worlds.log(), worlds.planted_table()), None)


def own_scores(facts: Facts) -> np.ndarray:
    """[U, 2, 3], from the figures of the bank."""
    arrays = {file.stem: np.load(file).astype(float) for file in _tables(facts)}
    scores = facts.log.counts @ arrays["evidence"] + arrays["log_share"]
    if facts.profiler.additive:
        scores = scores @ arrays["directions"].T
    return scores.reshape(-1, *worlds.SIZES)


def _tables(facts: Facts) -> list[Path]:
    names = ("evidence", "log_share", "directions")
    return [file for name in names if (file := facts.log.bank.path / f"{name}.npy").exists()]


def test_the_events_of_a_user_add_up_to_the_log_odds_of_their_codes(source):
    facts = Facts(source)
    found, scores = facts.explanation(), own_scores(facts)
    assert len(found.users) == facts.log.n_users
    for user, score in zip(found.users, scores, strict=True):
        whole = facts.user(user.user_id)
        assert whole.evidence.rest_events == 0
        for told in (user.evidence, whole.evidence):
            total = score[tuple(user.codes)] - score[tuple(told.against)]
            said = told.prior + told.rest + sum(event.nats for event in told.events)
            assert said == told.total == total  # exactly
            assert total == np.diff(np.sort(score.ravel())[-2:])[0]


def test_certainty_is_that_of_the_posterior(joint):
    facts = Facts(joint)
    found, scores = facts.explanation(), own_scores(facts)
    posterior = np.exp(scores - logsumexp(scores, axis=(1, 2), keepdims=True))
    of_user = [posterior.sum(axis=2), posterior.sum(axis=1)]
    for p, profile in enumerate(found.profiles):
        for code in profile.codes:
            own = facts.log.codes[:, p] == code.code
            assert code.users == own.sum()
            if own.any():
                assert code.sure == pytest.approx(of_user[p][own, code.code].mean())
                entropy = -(of_user[p] * np.log(of_user[p])).sum(axis=1) / np.log(profile.size)
                assert code.entropy == pytest.approx(entropy[own].mean())
        probabilities = [user.probabilities[p] for user in found.users]
        np.testing.assert_allclose(probabilities, _of_codes(of_user[p], facts, p))


def _of_codes(of_user: np.ndarray, facts: Facts, p: int) -> np.ndarray:
    return np.take_along_axis(of_user, facts.log.codes[:, [p]], axis=1)[:, 0]


def test_what_codes_gain_is_what_the_table_says_of_hidden_events(joint):
    facts = Facts(joint)
    found, scores = facts.explanation(), own_scores(facts)
    posterior = np.exp(scores - logsumexp(scores, axis=(1, 2), keepdims=True))
    share = np.exp(scoring.prior(facts.profiler))
    cells = facts.log.hidden.tocoo()
    assert cells.nnz
    told = np.exp(scoring.of_events(facts.profiler, cells.col.astype(np.int64)))
    own = posterior[cells.row]
    unknown = [share / share.sum(axis=axis, keepdims=True) for axis in (0, 1)]
    known = np.log((own * told).sum(axis=(1, 2)))
    without = [
        np.log((own.sum(axis=1 + p, keepdims=True) * unknown[p] * told).sum(axis=(1, 2))) for p in (0, 1)
    ]
    assert found.gained_nats == pytest.approx((known - np.log((share * told).sum(axis=(1, 2)))).mean())
    for p, profile in enumerate(found.profiles):
        assert profile.gained_nats == pytest.approx((known - without[p]).mean())
    assert facts.held_out() == pytest.approx(known.mean())


def test_counts_and_rates_are_those_of_the_log(source):
    facts = Facts(source)
    found = facts.explanation()
    assert found.events == facts.log.counts.sum()
    for p, profile in enumerate(found.profiles):
        assert sum(code.users for code in profile.codes) == found.n_users
        for code in profile.codes:
            own = facts.log.liked[facts.log.codes[:, p] == code.code]
            for item in code.items:
                column = facts.log.items["item_id"].to_list().index(item.item_id)
                assert item.count == own[:, column].sum()
                assert item.of == facts.log.liked[:, column].sum()
                expected = item.count / own.sum() / (item.of / facts.log.liked.sum())
                assert item.lift == pytest.approx(expected)
            assert (code.click_rate is not None) == (facts.log.explicit and code.users > 0)
    assert np.sum(found.overlap[0].counts) == found.n_users


def test_labels_alone_are_those_of_the_cards(source):
    facts = Facts(source)
    cards = facts.explanation().profiles
    assert facts.labels() == [[code.label for code in profile.codes] for profile in cards]


def test_in_blocks_as_at_once(source, monkeypatch):
    whole = explain(source, None)
    monkeypatch.setattr(scoring, "_AT_ONCE", 30)
    parts = explain(source, None)
    assert _close(whole.as_json(), parts.as_json())


def test_labels_name_what_was_planted(planted):
    (_, background) = planted.profiles
    subjects = {(hobby, code): worlds.SUBJECTS[hobby * 3 + code] for hobby in range(2) for code in range(3)}
    for profile, groups in ((planted.profiles[0], 3), (background, 2)):
        for code in profile.codes:
            own = {
                subject for place, subject in subjects.items() if place[profile is background] == code.code
            }
            assert len(own) == groups
            assert set(code.words.distinctive[:groups]) == own
            assert {item.title.split()[1] for item in code.items} == own
            assert code.sure > 0.9
            assert set(code.label.split(", ")) <= own
    assert planted.gained_nats > 0.1
    assert all(profile.gained_nats > 0.05 for profile in planted.profiles)


def test_everything_but_its_number_stays_with_a_code_that_is_renamed(planted, tmp_path):
    order = np.array([3, 4, 5, 0, 1, 2])  # the hobbies change names
    other = explain(worlds.source(tmp_path / "other", worlds.log(), worlds.planted_table(order)), None)
    for code, renamed in ((0, 1), (1, 0)):
        one, two = planted.profiles[0].codes[code], other.profiles[0].codes[renamed]
        assert _close(*({**dataclasses.asdict(c), "code": 0, "map": None} for c in (one, two)))
    assert _close(planted.profiles[1].codes[0].label, other.profiles[1].codes[0].label)
    assert planted.gained_nats == pytest.approx(other.gained_nats)
    assert planted.overlap[0].nats == pytest.approx(other.overlap[0].nats)


def test_the_map_has_users_of_the_same_codes_together(planted):
    points = np.stack([planted.map.x, planted.map.y], axis=1)
    codes = np.array([user.codes for user in planted.users])
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    alike = (codes[:, None] == codes).all(axis=2)
    assert distance[alike].mean() < 0.5 * distance[~alike].mean()
    assert 0 < sum(planted.map.explained) <= 1


def test_a_bank_without_a_table_leaves_out_what_it_cannot_say_and_says_why(tmp_path):
    events = worlds.log()
    codes = np.array([[user % 6 // 3, user % 3] for user in range(60)])
    facts = Facts(worlds.source(tmp_path, events, None, codes=codes))
    found = facts.explanation()
    assert "per-user engine" in found.why_no_table
    assert facts.held_out() is None
    assert found.gained_nats is None
    assert found.map is None
    for profile in found.profiles:
        assert profile.gained_nats is None
        for code in profile.codes:
            assert (code.sure, code.entropy, code.map) == (None, None, None)
            assert code.items
            assert len(code.typical) == 5
    assert found.profiles[1].codes[0].words.distinctive[:2] in (["space", "dragon"], ["dragon", "space"])
    assert all(user.evidence is None and user.probabilities is None for user in found.users)
    explain_page(json.loads(json.dumps(found.as_json(), allow_nan=False)))


def test_additive_codes_leave_out_what_is_said_of_classes_and_say_why(additive):
    facts = Facts(additive)
    found = facts.explanation()
    assert "are additive" in found.why_no_table
    assert "scores, not log-odds" in found.why_no_table
    assert found.gained_nats is None
    assert facts.held_out() is None
    for profile in found.profiles:
        assert profile.gained_nats is None
        for code in profile.codes:
            assert (code.sure, code.entropy) == (None, None)
            assert (code.map is not None) == (code.users > 0)
            assert bool(code.items) == bool(code.typical) == (code.users > 0)
    assert len(found.map.x) == len(found.users) == 60
    assert "principal components of the scores of" in found.map.how
    assert all(user.probabilities is None and user.evidence is not None for user in found.users)
    explain_page(json.loads(json.dumps(found.as_json(), allow_nan=False)))


def test_a_code_that_nobody_has(tmp_path):
    table = worlds.planted_table()
    table.evidence[:, 3:] = -20.0
    found = explain(worlds.source(tmp_path, worlds.log(), CodeTable(*table)), None)
    code = found.profiles[0].codes[1]
    assert (code.label, code.users, code.share) == ("no users", 0, 0.0)
    assert (code.sure, code.click_rate, code.map, code.items, code.typical) == (None, None, None, [], [])
    explain_page(json.loads(json.dumps(found.as_json(), allow_nan=False)))


def test_titles_and_ids_that_are_no_words_are_kept_as_they_are(tmp_path):
    hostile = ["<script>alert(1)</script>", "=1+1", "[red]x[/red]", "\x1b[31m", "", "\\input{x}", "千と千尋"]
    named = {item: hostile[n % len(hostile)] for n, item in enumerate(worlds.titles())}
    found = explain(worlds.source(tmp_path, worlds.log(), worlds.planted_table(), named=named), None)
    shown = {item.title for profile in found.profiles for code in profile.codes for item in code.items}
    assert shown & set(hostile)
    assert all(shown)  # one without a title has its id
    assert "<script>alert" not in explain_page(found.as_json())


def test_a_language_model_is_asked_for_words(tmp_path):
    class Reader:
        def entries(self, texts: Sequence[str], weight: np.ndarray) -> np.ndarray:
            assert len(texts) == len(weight)
            return weight.T @ np.ones((len(texts), 4))

        def nearest(self, vectors, count=8, among=None):
            return [["near"] * count for _ in vectors]

        def expected(self, start, profile_text, count=8):
            return [[profile_text, *own] for own in start]

    source = worlds.source(tmp_path, worlds.log(), worlds.planted_table())
    found = explain(source._replace(language_model="fake"), Reader())
    assert found.language_model == "fake"
    for profile in found.profiles:
        for code in profile.codes:
            assert code.words.nearest == ["near"] * 8
            assert code.words.expected == [profile.text, *code.words.distinctive[:3]]


def test_an_unknown_user_is_one_sentence(source):
    with pytest.raises(InputError, match=r"nobody has the id 'x\[/red\]' here; there are 60 users"):
        Facts(source).user("x[/red]")


def test_codes_of_other_data_are_refused(source, tmp_path):
    other = worlds.source(tmp_path / "other", worlds.log(seed=5), worlds.planted_table())
    with pytest.raises(InputError, match="made from other data"):
        Facts(source._replace(prepared=other.prepared))


def test_typical_users_are_shown_and_the_rest_is_drawn(planted, tmp_path):
    source = worlds.source(tmp_path / "again", worlds.log(), worlds.planted_table())
    found = explain(source, None, users=30)
    shown = {user.user_id for user in found.users}
    assert len(shown) == found.sample.shown == 30
    assert found.sample.of == 60
    typical = [user for profile in found.profiles for code in profile.codes for user in code.typical]
    assert {user.user_id for user in typical} <= shown
    assert all(user.probability > 0.9 for user in typical)
    assert explain(source, None, users=30) == found


def _close(one, two) -> bool:
    """Whether two JSON values are alike up to rounding."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(_close(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(_close, one, two))
    return one == pytest.approx(two, abs=2e-4) if isinstance(one, float) else one == two
