import polars as pl
import pytest

from userip_lightning.report.verdict import Judged, verdict

Delta = tuple[float, float, float]
GAIN = (0.02, 0.01, 0.03)
LOWER_LOSS, WORSE_LOSS = (-0.01, -0.02, 0.0), (0.02, 0.01, 0.03)
CODES = Judged(5, 500, logloss=0.62, calibrated_logloss=0.60, base_rate_logloss=0.69, controls=["svd_kmeans"])


def contrasts(loss: dict[str, Delta], raw: Delta = LOWER_LOSS, **rows: Delta) -> pl.DataFrame:
    """Rows against others, each with its AUC difference.

    The calibrated Logloss is lower unless ``loss`` says otherwise, ``raw`` is that of all before calibration.
    """
    ends = ("", "_low", "_high")
    return pl.DataFrame(
        [
            {"against": name}
            | {
                f"delta_{metric}{end}": value
                for metric, values in (
                    ("auc", auc),
                    ("logloss", raw),
                    ("calibrated_logloss", loss.get(name, LOWER_LOSS)),
                )
                for end, value in zip(ends, values, strict=True)
            }
            for name, auc in rows.items()
        ]
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"none": GAIN, "random": GAIN}, "beat every control (random)"),
        ({"none": GAIN, "random": (0.02, -0.001, 0.03)}, "do not beat random: reported as no gain"),
        ({"none": GAIN, "random": (0.0009, 0.0005, 0.0012)}, "do not beat random"),
        ({"none": GAIN, "a": GAIN, "b": (0, 0, 0), "c": (0, 0, 0)}, "do not beat b and c"),
        ({"none": GAIN}, "no control was run, so no gain is claimed"),
        ({"none": (0.0009, 0.0005, 0.0012), "random": GAIN}, "No gain: +0.0009 AUC [+0.0005, +0.0012]"),
        ({"none": (0.02, -0.001, 0.03), "random": GAIN}, "No gain"),
        ({"none": (-0.02, -0.03, -0.01), "random": GAIN}, "The codes hurt"),
    ],
)
def test_the_sentence_claims_no_more_than_the_contrasts(rows, expected):
    found = verdict(contrasts({}, **rows), "none", CODES)
    assert expected in found.sentence
    assert found.gain == ("beat every control" in expected)


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        (
            CODES._replace(controls=["random", "shuffled"]),
            "the only controls (a and b) know nothing of a user",
        ),
        (CODES._replace(missing=["svd kmeans"]), "but svd kmeans was not measured"),
        (CODES._replace(missing=["c", "d"]), "but c and d were not measured"),
        (CODES._replace(users=19), "Nothing is claimed: +0.0200 AUC [+0.0100, +0.0300]"),
        (CODES._replace(users=1), "with 1 judged user, and a claim takes at least 20"),
    ],
)
def test_chance_alone_missing_controls_and_a_few_users_claim_nothing(judged, reason):
    rows = contrasts({}, none=GAIN, a=GAIN, b=GAIN)
    assert verdict(rows, "none", CODES).gain
    found = verdict(rows, "none", judged)
    assert reason in found.sentence
    assert not found.gain


@pytest.mark.parametrize("seeds", [1, 3, 4])
def test_a_few_seeds_claim_nothing(seeds):
    harm = (-0.02, -0.03, -0.01)
    for rows in ({"none": GAIN, "random": GAIN}, {"none": GAIN}, {"none": harm, "random": GAIN}):
        found = verdict(contrasts({}, **rows), "none", CODES._replace(seeds=seeds))
        assert not found.gain
        assert found.sentence.startswith(f"Nothing is claimed: {rows['none'][0]:+.4f} AUC")
        assert f"with {seeds} seed" in found.sentence


def test_a_gain_in_auc_at_a_worse_logloss_is_none():
    against_none = verdict(contrasts({"none": WORSE_LOSS}, none=GAIN, random=GAIN), "none", CODES)
    assert not against_none.gain
    assert "No gain" in against_none.sentence
    assert "worse calibrated Logloss (+0.0200 nats [+0.0100, +0.0300])" in against_none.sentence
    against_control = verdict(contrasts({"random": WORSE_LOSS}, none=GAIN, random=GAIN), "none", CODES)
    assert not against_control.gain
    assert "do not beat random" in against_control.sentence


def test_codes_that_predict_worse_than_the_click_rate_gain_nothing():
    found = verdict(contrasts({}, none=GAIN, random=GAIN), "none", CODES._replace(calibrated_logloss=0.713))
    assert not found.gain
    assert "calibrated Logloss of 0.7130 is above the 0.6900 of the click rate alone" in found.sentence


def test_a_gain_of_scores_that_are_too_sure_of_themselves_says_so():
    calm = verdict(contrasts({}, none=GAIN, random=GAIN), "none", CODES)
    assert "calibration" not in calm.sentence
    sure = verdict(contrasts({}, WORSE_LOSS, none=GAIN, random=GAIN), "none", CODES._replace(logloss=0.713))
    assert sure.gain
    assert sure.sentence.endswith(
        "Before calibration their Logloss of 0.7130 is above the 0.6900 of the click rate alone, worse "
        "than that of no codes (+0.0200 nats [+0.0100, +0.0300]) and worse than that of random: calibrate "
        "scores that are used as probabilities."
    )


def test_a_gain_whose_logloss_is_only_worse_than_that_of_a_control_says_so():
    rows = contrasts({}, none=GAIN, random=GAIN, svd=GAIN).with_columns(
        delta_logloss_low=pl.when(pl.col("against") == "svd")
        .then(0.01)
        .otherwise(pl.col("delta_logloss_low"))
    )
    found = verdict(rows, "none", CODES)
    assert found.gain
    assert "Before calibration their Logloss of 0.6200 is worse than that of svd: calibrate" in found.sentence
