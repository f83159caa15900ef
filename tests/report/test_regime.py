"""What a regime needs, from scores whose quality is known."""

import json

import numpy as np
import pytest

from userip_lightning.report.predictions import Predictions
from userip_lightning.report.regime import Contender, Finding, judge_regime

RNG = np.random.default_rng(0)
USERS = np.repeat([f"u{n}" for n in range(300)], 6)
LABEL = RNG.integers(2, size=USERS.size).astype(np.int8)
NOISE = RNG.normal(size=(5, USERS.size))


def contender(name, group, signal, validation=None, seeds=5, scale=1.0) -> Contender:
    """Scores that see ``signal`` of the label; noise is shared, so that differences are sure.

    They are too sure of themselves until calibration, which leaves the slope ``scale`` of the log-odds.
    """
    odds = signal * (2 * LABEL - 1) + NOISE[:seeds]
    scores, calibrated = (1 / (1 + np.exp(-slope * odds)) for slope in (9.0, scale))
    reached = signal if validation is None else validation
    return Contender(name, group, reached, Predictions(USERS, LABEL, scores, calibrated))


def found(free: float, words: float | None, model: float | None, **more) -> Finding:
    texts = [("bag", "words", words), ("encoder", "language model", model)]
    given = [contender(name, group, signal, **more) for name, group, signal in texts if signal is not None]
    return judge_regime([contender("counts", "no text", free, **more), *given], replicates=200)


@pytest.mark.parametrize(
    ("signals", "need", "said"),
    [
        ((0.1, 0.3, 0.6), "language model", "Needs a language model: encoder +0."),
        ((0.1, 0.6, 0.3), "text", "Needs text, but no language model was shown to be needed: bag +0."),
        ((0.1, 0.6, 0.6), "text", "Needs text, but no language model"),
        ((0.6, 0.3, 0.5), "neither", "Neither was shown to be needed: encoder -0."),
        ((0.3, 0.3, 0.3), "neither", "Neither was shown"),
        ((0.1, None, 0.6), "text", "Needs text"),  # nothing is said of words that nobody tried
        ((0.1, 0.6, None), "text", "Needs text"),
    ],
)
def test_what_beats_all_that_know_less_is_needed(signals, need, said):
    finding = found(*signals)
    assert finding.need == need
    assert finding.sentence.startswith(said)
    assert Finding(**json.loads(json.dumps(finding._asdict()))) == finding


def test_fewer_than_five_seeds_claim_nothing():
    finding = found(0.1, 0.3, 0.6, seeds=4)
    assert finding.need == "unknown"
    assert finding.sentence.startswith(
        "Nothing is claimed with 4 seeds, and a claim takes at least 5; run more seeds: encoder +"
    )


def test_validation_rows_choose_and_test_rows_judge():
    chosen = contender("good on validation", "words", 0.2, validation=0.9)
    other = contender("good on test", "words", 0.8, validation=0.1)
    finding = judge_regime([contender("counts", "no text", 0.4), chosen, other], replicates=200)
    assert finding.best == {"no text": "counts", "words": "good on validation"}
    assert finding.need == "neither"
    assert finding.contrast("good on validation", "counts")["delta_auc_high"] < 0


def test_one_unbeaten_method_without_text_is_enough_to_need_none():
    hidden = contender("strong on test", "no text", 0.9, validation=0.1)
    finding = judge_regime(
        [contender("counts", "no text", 0.2), hidden, contender("bag", "words", 0.6)], replicates=200
    )
    assert finding.best["no text"] == "counts"
    assert finding.contrast("bag", "counts")["delta_auc_low"] > 0
    assert finding.need == "neither"


@pytest.mark.parametrize(("permuted", "need"), [(0.3, "language model"), (0.8, "neither")])
def test_what_texts_of_other_items_do_as_well_takes_no_text(permuted, need):
    others = [("counts", "no text", 0.1), ("bag", "words", 0.2), ("encoder", "language model", 0.6)]
    given = [contender(*one) for one in others]
    # on validation rows it is behind, so that it is not what the sentence calls the best without text
    control = contender("encoder of other items", "permuted text", permuted, validation=0.0)
    finding = judge_regime([*given, control], replicates=200)
    assert finding.need == need
    assert finding.best["no text"] == "counts"
    assert "AUC over counts, the best codes without text, and " in finding.sentence
    assert "over encoder of other items; " in finding.sentence


def test_words_that_other_items_words_do_not_match_are_needed():
    given = [contender("counts", "no text", 0.1), contender("bag", "words", 0.6)]
    for permuted, need in ((0.2, "text"), (0.7, "neither")):
        control = contender("bag of other items", "permuted text", permuted)
        assert judge_regime([*given, control], replicates=200).need == need


def test_a_logloss_above_the_click_rate_claims_nothing():
    sure = [contender("counts", "no text", 0.1, scale=9.0), contender("bag", "words", 0.6, scale=9.0)]
    finding = judge_regime(sure, replicates=200)
    assert finding.methods[1]["calibrated_logloss"] > finding.base_rate_logloss
    assert finding.contrast("bag", "counts")["delta_calibrated_logloss"] < 0
    assert finding.need == "neither"
    usual = found(0.1, 0.6, None)
    assert usual.methods[1]["logloss"] > usual.base_rate_logloss
    assert usual.need == "text"
