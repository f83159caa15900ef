"""What is shown where there is a terminal, and where there is none."""

import io

from rich.console import Console

from userip_lightning.pipeline.progress import Display


def shown(terminal: bool) -> str:
    stream = io.StringIO()
    with Display(Console(file=stream, force_terminal=terminal, width=100)) as display:
        display.expect(2)
        display.start("profile")
        display.step("profile epoch 1", 3, 12, "loss 0.5000")
        display.finish("profile: done")
    return stream.getvalue()


def test_plain_lines_without_a_terminal():
    lines = shown(terminal=False).splitlines()
    assert lines == ["profile: started", "profile epoch 1: 3/12 loss 0.5000", "profile: done"]


def test_bars_on_a_terminal():
    text = shown(terminal=True)
    assert "experiment" in text
    assert "1/2" in text
    assert "profile: started" not in text


def test_text_in_brackets_is_no_markup(capsys):
    stream = io.StringIO()
    Display(Console(file=stream, width=100)).notice("codes [1, 2] [red]")
    assert stream.getvalue() == "codes [1, 2] [red]\n"


def test_a_log_file_is_not_flooded():
    display = Display(Console(file=io.StringIO()))
    display.start("profile")
    assert not display.due()
