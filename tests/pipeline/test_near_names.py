"""Which name was meant: in the same section first, then anywhere, or none at all."""

import pytest

from userip_lightning.pipeline.near_names import did_you_mean, near_name

NAMES = ["seeds", "config", "data.k_core", "ctr.trainer.max_epochs", "ctr.trainer.max_steps", "ctr.model.net"]


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("sedes", "seeds"),
        ("ctr.trainer.max_epoch", "ctr.trainer.max_epochs"),
        ("k_core", "data.k_core"),
        ("crt.model.net", "ctr.model.net"),
        ("ctr.trainer.xyzzy", None),
        ("xyzzy", None),
    ],
)
def test_the_nearest(given, near):
    assert near_name(given, NAMES) == near


def test_the_question_is_asked_only_where_something_is_near():
    assert did_you_mean("confg", NAMES) == " did you mean config?"
    assert did_you_mean("xyzzy", NAMES) == ""
