"""One sentence per failure that is not the program's own."""

import argparse
import errno

import pytest

from userip_lightning.cli.failures import sentence
from userip_lightning.errors import InputError


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
        (FileNotFoundError(errno.ENOENT, "No such file", "a.yaml"), "a.yaml: No such file; check the path"),
        (OSError("You are trying to access a gated repo.\nSee the page."), "a gated repo. See the page."),
        (argparse.ArgumentError(None, "Option 'ctr.lr' is not accepted"), "ctr.lr: no such setting"),
        (argparse.ArgumentError(None, "unrecognized arguments: --ctr.lr=3"), "ctr.lr: no such setting"),
        (argparse.ArgumentError(None, 'Parser key "a.b":\n  Expected an int.'), "a.b: Expected an int."),
        (wrapped(InputError("a bad setting.")), "a bad setting."),
    ],
)
def test_the_sentence(error, expected):
    text = sentence(error)
    assert text is not None
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes"), KeyError("x"), AssertionError()])
def test_the_programs_own_mistakes_keep_their_traceback(error):
    assert sentence(error) is None
