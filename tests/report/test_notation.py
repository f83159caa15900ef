import pytest

from userip_lightning.report import notation


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (notation.spread(0.7, 0.0123), "0.7000 ± 0.0123"),
        (notation.spread(0.7, None), "0.7000"),
        (notation.spread(None, None), "–"),
        (notation.interval(-0.00001, -0.01, 0.02), "+0.0000 [-0.0100, +0.0200]"),
        (notation.delta({"delta_auc": None, "delta_auc_low": None, "delta_auc_high": None}, "auc"), "–"),
        (notation.signed(-0.00004), "+0.0000"),
        (notation.p_value(0.0004), "<0.001"),
        (notation.p_value(0.001), "0.001"),
        (notation.p_value(None), "–"),
        (notation.percent(-0.0123), "-1.23 %"),
        (notation.sentence("Loss is NaN\n  in batch 3"), "Loss is NaN in batch 3."),
        (notation.sentence("No data."), "No data."),
    ],
)
def test_figures_and_words_are_written_one_way(written, expected):
    assert written == expected
