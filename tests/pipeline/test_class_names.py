"""Bare names of classes: found though nothing has imported them, and what is near where there is none."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from userip_lightning.data.source import Source
from userip_lightning.data.splits import Split
from userip_lightning.pipeline.failures import sentence
from userip_lightning.pipeline.fresh_classes import FreshClassParser

ROOT = Path(__file__).parent.parent.parent


def parser() -> FreshClassParser:
    parser = FreshClassParser(exit_on_error=False)
    parser.add_argument("--source", type=Source)
    parser.add_argument("--split", type=Split | None)
    return parser


def said(*words: str) -> str | None:
    with pytest.raises(argparse.ArgumentError) as refused:
        parser().parse_args(words)
    return sentence(refused.value)


def test_a_class_that_nothing_has_imported_is_found():
    """In a process of its own, for other tests import it."""
    program = """
import sys
from userip_lightning.data.source import Source
from userip_lightning.pipeline.fresh_classes import FreshClassParser
assert "userip_lightning.data.recbole" not in sys.modules
parser = FreshClassParser(exit_on_error=False)
parser.add_argument("--source", type=Source)
print(parser.parse_args(["--source", "RecBole", "--source.path", "log"]).source.class_path)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.stdout == "userip_lightning.data.recbole.RecBole\n", done.stderr


def test_an_unknown_name_is_one_sentence_with_what_is_near():
    wanted = "give the name of a class, or its path with dots."
    assert said("--split", "ColdUser") == f"split: no class 'ColdUser' fits here (near: ColdUsers); {wanted}"
    assert said("--source", "PNN") == f"source: no class 'PNN' fits here; {wanted}"
    assert said("--source", "recbole").startswith("source: no class 'recbole'; give the name of a class")
