"""The same codes by several workers under Ray, also when one of them dies."""

import os
import signal
from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.bulk.inferring import run
from userip_lightning.bulk.on_ray import ATTEMPTS, infer_on_ray
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.bulk.worker import Job
from userip_lightning.errors import InputError

ray = pytest.importorskip("ray", reason="bulk inference by several workers needs userip-lightning[ray]")


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    """One Ray for all tests: it takes seconds to start."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def workers() -> list[psutil.Process]:
    """Processes of the actors of this test's Ray."""
    processes = psutil.Process().children(recursive=True)
    return [process for process in processes if "MapWorker" in " ".join(process.cmdline())]


@pytest.fixture(scope="module")
def alone(trained: Prompted, events: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Codes that this process finds by itself."""
    folder = tmp_path_factory.mktemp("alone")
    events.write_parquet(folder / "events.parquet")
    return run(trained, folder / "events.parquet", folder / "codes")


def test_two_workers_find_the_codes_that_one_process_finds(alone, trained, population, tmp_path):
    assert run(trained, population, tmp_path / "codes", workers=2).equals(alone)


def test_a_worker_that_dies_is_replaced(alone, trained, population, tmp_path):
    killed: list[int] = []

    def kill(sentence: str) -> None:
        if sentence.startswith("part ") and not killed:
            killed.extend(process.pid for process in workers()[:1])
            os.kill(killed[0], signal.SIGKILL)

    assert run(trained, population, tmp_path / "codes", workers=2, part_users=4, report=kill).equals(alone)
    assert len(killed) == 1


def test_a_part_over_which_workers_keep_dying_ends_the_run_in_a_sentence(trained, bank, tmp_path):
    store = PartStore(tmp_path)
    store.work.mkdir()
    for _ in range(ATTEMPTS):
        store.begin(7, ATTEMPTS)
    with pytest.raises(InputError, match="3 workers died over part 7"):
        list(infer_on_ray(Job(trained.recipe, bank.path, tmp_path), [7], 2))


def test_what_a_worker_refuses_is_the_run_s_sentence(trained, population, tmp_path, tiny_gpt2: Path):
    other = trained.recipe._replace(lm=type(trained.recipe.lm)(str(tiny_gpt2)))
    with pytest.raises(InputError, match="its codes belong to the language model"):
        run(trained._replace(recipe=other), population, tmp_path / "codes", workers=2)
