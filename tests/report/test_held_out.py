import json

import numpy as np
import pytest

from userip_lightning.errors import InputError
from userip_lightning.report.held_out import read_held_out


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    level = rng.normal(3.7, 0.5, size=200)  # users differ more than conditions: only pairing shows it
    own, other = level - 0.06, level + rng.normal(0, 0.05, size=200)
    path = tmp_path / "profile_eval.json"
    path.write_text(
        json.dumps({"own": own.tolist(), "other": other.tolist(), "none": (level + 0.1).tolist()})
    )
    return path


def test_differences_are_paired_by_user(file):
    found = read_held_out(file)
    assert found.users == 200
    assert found.own_over_none == pytest.approx((0.16, 0.16, 0.16))
    assert 0.04 < found.own_over_other.low < 0.06 < found.own_over_other.high < 0.08
    assert found.own.high - found.own.low > 0.1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"own": [1.0]}', "not a profile evaluation"),
        ("{", "not a profile evaluation"),
        ('{"own": [1.0], "other": [1.0, 2.0], "none": [1.0]}', "one number per user"),
        ('{"own": [], "other": [], "none": []}', "one number per user"),
        ('{"own": [NaN], "other": [1.0], "none": [1.0]}', "not finite"),
    ],
)
def test_a_broken_evaluation_is_refused(file, content, message):
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        read_held_out(file)


def test_a_missing_evaluation_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="run the profile stage's evaluation first"):
        read_held_out(tmp_path / "profile_eval.json")
