import polars as pl
import pytest

from userip_lightning.report.verdict import verdict


def contrasts(**rows: tuple[float, float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"against": name, "delta_auc": delta, "delta_auc_low": low, "delta_auc_high": high}
            for name, (delta, low, high) in rows.items()
        ]
    )


GAIN = (0.02, 0.01, 0.03)


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
    assert expected in verdict(contrasts(**rows), "none")
