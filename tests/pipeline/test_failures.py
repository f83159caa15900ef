"""One sentence per failure that is not the program's own."""

import argparse
import errno

import pytest
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from polars.exceptions import ComputeError

from userip_lightning.errors import InputError
from userip_lightning.pipeline.failures import sentence, without_stage


def wrapped(cause: Exception) -> Exception:
    try:
        raise RuntimeError("while building the model") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("log.csv: row 3\n  is short."), "log.csv: row 3 is short."),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/3"), "the disk is full"),
        (OSError("10000 requested and 234 written"), "the disk is full"),
        (ComputeError("underlying IO error: No space left on device (os error 28)"), "the disk is full"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.yaml"), "a.yaml: No such file; check the path"),
        (OSError("You are trying to access a gated repo.\nSee the page."), "a gated repo. See the page."),
        (argparse.ArgumentError(None, "Option 'ctr.lr' is not accepted"), "ctr.lr: no such setting"),
        (argparse.ArgumentError(None, "unrecognized arguments: --ctr.lr=3"), "ctr.lr: no such setting"),
        (
            argparse.ArgumentError(None, "Parser key \"a.b\":\n  Option 'c' is not accepted"),
            "a.b.c: no such setting; check its spelling",
        ),
        (
            argparse.ArgumentError(None, "Parser key \"a.b\":\n  Expected a <class 'int'>. Got value: x"),
            "a.b: 'x' given, int expected; change it",
        ),
        (
            argparse.ArgumentError(None, "the following arguments are required: data.source"),
            "data.source: missing; give a configuration with --config FILE",
        ),
        (
            argparse.ArgumentError(None, "unrecognized arguments: mine.yaml"),
            "mine.yaml: not expected here; a configuration is given with --config mine.yaml",
        ),
        (argparse.ArgumentError(None, "Expected a path."), "Expected a path; --help lists what"),
        (wrapped(InputError("a bad setting.")), "a bad setting."),
        (
            MisconfigurationException("No `gradient_clip_val`.\nSee."),
            "trainer: No `gradient_clip_val`. See; leave",
        ),
    ],
)
def test_the_sentence(error, expected):
    text = sentence(error)
    assert text is not None
    assert expected in text
    assert "\n" not in text
    assert text.endswith(".")


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes"), KeyError("x"), AssertionError()])
def test_the_programs_own_mistakes_keep_their_traceback(error):
    assert sentence(error) is None


def test_a_stages_command_leaves_its_name_out_of_settings_alone():
    said = "catalogue.model.sizes: 0; see userip_lightning.catalogue.model, ctr.data and catalogue.modelling."
    told = said.replace("catalogue.model.sizes", "model.sizes")
    assert without_stage(said, "catalogue") == told
    assert without_stage(said, "fit") == said
