"""A tiny prepared log and a tiny Llama, ready to run stage 1."""

from pathlib import Path

import pytest

from tests.data.make_tiny import TINY
from tests.profile.runner import Run
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.movielens import MovieLens100K


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("prepared")
    return Preparation(MovieLens100K(str(TINY / "ml-100k")), k_core=2).run(cache, report=lambda _: None)


@pytest.fixture
def run(prepared: Path, tiny_llama: Path) -> Run:
    return Run(prepared, tiny_llama)
