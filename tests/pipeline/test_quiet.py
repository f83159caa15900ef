import logging
import warnings
from pathlib import Path

from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

import userip_lightning
from userip_lightning.pipeline.quiet import quiet


def test_a_block_in_another_does_not_end_the_silence() -> None:
    transformers_logging.enable_progress_bar()
    with quiet():
        with quiet():
            pass
        assert not transformers_logging.is_progress_bar_enabled()
        assert logging.getLogger("lightning.pytorch").level == logging.ERROR
    assert transformers_logging.is_progress_bar_enabled()


def test_no_library_draws_a_bar(capsys) -> None:
    with quiet():
        for _ in tqdm(range(2)):
            pass
    assert capsys.readouterr().err == ""
    for _ in tqdm(range(2)):
        pass
    assert "2/2" in capsys.readouterr().err


def test_an_own_warning_is_one_line_without_a_place_in_the_code() -> None:
    before = warnings.formatwarning
    own, other = str(Path(userip_lightning.__file__).parent / "bank.py"), "/lib/numpy.py"
    with quiet():
        assert warnings.formatwarning("no user", UserWarning, own, 7) == "warning: no user\n"
        assert "numpy.py:7" in warnings.formatwarning("overflow", UserWarning, other, 7)
    assert warnings.formatwarning is before
