import pytest

from userip_lightning.errors import InputError
from userip_lightning.identity import refuse_changed


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"seed": 1, "prompt": "a"}, r"seed \(1 instead of 0\)"),
        ({"prompt": "a"}, r"seed \(None instead of 0\)"),
        ({"seed": 0, "prompt": "a", "anchors": "b"}, r"anchors \(b instead of None\)"),
    ],
)
def test_another_value_and_one_that_either_lacks_are_refused(found, said):
    wanted = {"seed": 0, "prompt": "a"}
    refuse_changed("checkpoint: made", dict(wanted), wanted, "start without it")
    with pytest.raises(InputError, match=rf"^checkpoint: made with another {said}; start without it\.$"):
        refuse_changed("checkpoint: made", found, wanted, "start without it")
