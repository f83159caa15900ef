"""What an experiment shows where there is a terminal, and where there is none."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.test_pace import Clock
from userip_lightning.pipeline.progress import Display, StepProgress


def shown(terminal: bool) -> str:
    stream, clock = io.StringIO(), Clock()
    with Display(Console(file=stream, force_terminal=terminal, width=120), clock) as display:
        display.expect(4)
        display.keep("profile/seed0")
        for seed in range(2):
            with display.running(f"ctr/seed{seed}") as piece:
                piece.at(3, 12, "epoch 1, loss 0.5000")
                clock.now += 30
            display.finish(f"ctr/seed{seed}: done")
    return stream.getvalue()


def test_plain_lines_without_a_terminal():
    assert shown(terminal=False).splitlines() == [
        "[1/4] profile/seed0: nothing changed, kept",
        "[2/4, 1 min left] ctr/seed0: done",
        "[3/4, 30 s left] ctr/seed1: done",
    ]


def test_bars_on_a_terminal():
    text = shown(terminal=True)
    assert "experiment" in text
    assert "3/4" in text
    assert "[3/4" not in text


def test_a_run_that_fails_leaves_no_bar():
    display = Display(Console(file=io.StringIO(), force_terminal=True, width=120))
    with display, pytest.raises(RuntimeError), display.running("ctr/seed0"):
        raise RuntimeError
    assert [task.description for task in display.drawn.tasks] == ["experiment"]
    assert not display.pieces


def test_text_in_brackets_is_no_markup():
    stream = io.StringIO()
    Display(Console(file=stream, width=100)).notice("codes [1, 2] [red]")
    assert stream.getvalue() == "codes [1, 2] [red]\n"


def trained(clock: Clock, first_epoch: int = 0) -> str:
    """A log of three epochs of 100 steps of a second each, with a validation of ten batches after each."""
    stream = io.StringIO()
    trainer = SimpleNamespace(num_training_batches=100, max_epochs=3, num_val_batches=[10], current_epoch=0)
    with Display(Console(file=stream, width=120), clock) as display:
        steps = StepProgress(display, "ctr/seed0")
        steps.on_train_start(trainer, None)
        for epoch in range(first_epoch, 3):
            trainer.current_epoch = epoch
            for batch in range(100):
                clock.now += 1
                steps.on_train_batch_end(trainer, None, {"loss": 0.5}, None, batch)
            steps.on_validation_start(trainer, None)
            for batch in range(10):
                clock.now += 1
                steps.on_validation_batch_end(trainer, None, None, None, batch)
            steps.on_validation_end(trainer, None)
    return stream.getvalue()


def test_a_trainer_s_steps_once_a_minute():
    assert trained(Clock()).splitlines() == [
        "ctr/seed0: 60/300, 1.0/s, 4 min left, epoch 1, loss 0.5000",
        "ctr/seed0: 110/300, 55/min, 3 min left, epoch 2, loss 0.5000",  # validation took ten seconds
        "ctr/seed0: 170/300, 57/min, 2 min left, epoch 2, loss 0.5000",
        "ctr/seed0: 220/300, 55/min, 1 min left, epoch 3, loss 0.5000",
        "ctr/seed0: 280/300, 56/min, 21 s left, epoch 3, loss 0.5000",
    ]


def test_steps_before_a_resume_do_not_count_for_the_rate():
    assert trained(Clock(), first_epoch=2).splitlines() == [
        "ctr/seed0: 260/300, 1.0/s, 40 s left, epoch 3, loss 0.5000"
    ]
