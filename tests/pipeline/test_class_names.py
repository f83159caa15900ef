"""Bare names of classes: found though nothing has imported them, and what is near where there is none."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from userip_lightning.cli import main
from userip_lightning.data.sources.source import Source
from userip_lightning.data.splits import Split
from userip_lightning.pipeline.class_names import current_name
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
from userip_lightning.cli import main
from userip_lightning.data.sources.source import Source
from userip_lightning.pipeline.fresh_classes import FreshClassParser
assert "userip_lightning.data.sources.recbole" not in sys.modules
parser = FreshClassParser(exit_on_error=False)
parser.add_argument("--source", type=Source)
print(parser.parse_args(["--source", "RecBole", "--source.path", "log"]).source.class_path)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.stdout == "userip_lightning.data.sources.recbole.RecBole\n", done.stderr


def test_an_unknown_name_is_one_sentence_with_what_is_near():
    wanted = "give the name of a class, or its path with dots."
    assert said("--split", "ColdUser") == f"split: no class 'ColdUser' fits here (near: ColdUsers); {wanted}"
    assert said("--source", "PNN") == f"source: no class 'PNN' fits here; {wanted}"
    assert said("--source", "recbole").startswith("source: no class 'recbole'; give the name of a class")


def test_the_path_of_a_class_that_was_taken_out_is_refused_in_a_sentence(capsys):
    words = ["fit", "--ctr.model.net", "userip_lightning.ctr.networks.dcnmix.DCNMix"]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "userip fit: ctr.model.net: userip_lightning.ctr.networks.dcnmix.DCNMix cannot be imported (module "
        "'userip_lightning.ctr.networks' has no attribute 'dcnmix'); check it, or give the name of a class.\n"
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("userip_lightning.data.movielens.MovieLens100K", "MovieLens100K"),  # where 0.1.0 had it
        ("userip_lightning.ctr.networks.dcn.DCN", "userip_lightning.ctr.networks.dcn.DCN"),
        ("userip_lightning.data.movielens.Nobody", "userip_lightning.data.movielens.Nobody"),
        ("somebody.data.movielens.MovieLens100K", "somebody.data.movielens.MovieLens100K"),
        ("MovieLens100K", "MovieLens100K"),
    ],
)
def test_a_path_of_an_earlier_version_is_read_by_its_last_name(written: str, read: str) -> None:
    assert current_name(written) == read
