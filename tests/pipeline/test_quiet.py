import logging

from transformers.utils import logging as transformers_logging

from userip_lightning.pipeline.quiet import quiet


def test_a_block_in_another_does_not_end_the_silence() -> None:
    transformers_logging.enable_progress_bar()
    with quiet():
        with quiet():
            pass
        assert not transformers_logging.is_progress_bar_enabled()
        assert logging.getLogger("lightning.pytorch").level == logging.ERROR
    assert transformers_logging.is_progress_bar_enabled()
