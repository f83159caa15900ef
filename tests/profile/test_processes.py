"""Two processes of stage 1 infer what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer

from tests.profile.one_of_many import DIVIDED, main
from tests.profile.runner import Run
from tests.profile.test_module import Pull
from userip_lightning.errors import InputError
from userip_lightning.profile.export import HELD_OUT
from userip_lightning.profile.strategy import UserShardedStrategy, refuse_other_strategy


class Outcome(NamedTuple):
    z: np.ndarray
    held_out: dict[str, list[float]]
    metrics: dict[str, float]


def outcome(folder: Path) -> Outcome:
    held_out = json.loads((folder / "profiles" / HELD_OUT).read_text())
    return Outcome(np.load(folder / "profiles" / "z.npy"), held_out, torch.load(folder / "metrics.pt"))


@pytest.fixture(scope="module")
def both(prepared: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of the same runs in one process and in two."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    arguments = [str(prepared), str(tiny_llama)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    with subprocess.Popen(
        [*command, "-m", "tests.profile.one_of_many", *arguments, str(two)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as processes:
        threads = torch.get_num_threads()
        main(*arguments, str(one))
        torch.set_num_threads(threads)
        _, errors = processes.communicate()
    assert processes.returncode == 0, errors[-3000:]
    return one, two


@pytest.mark.parametrize("name", ["staged", "resumed", "streaming", DIVIDED])
def test_two_processes_infer_what_one_does(both: tuple[Path, Path], name: str) -> None:
    one, two = (outcome(folder / name) for folder in both)
    np.testing.assert_allclose(two.z, one.z, atol=1e-5)
    assert len(one.held_out["own"]) > 4
    assert two.held_out.keys() == one.held_out.keys()
    for column, nats in one.held_out.items():
        np.testing.assert_allclose(two.held_out[column], nats, atol=1e-4)
    for metric in ("val_nats", "test_own", "test_gain_over_other", "test_gain_over_none"):
        if name != "streaming" or metric != "val_nats":
            expected = one.metrics[f"profile/{metric}"]
            assert two.metrics[f"profile/{metric}"] == pytest.approx(expected, abs=1e-4)


def test_a_resumed_run_of_two_processes_equals_one_that_was_not_cut_short(both: tuple[Path, Path]) -> None:
    whole, resumed = (outcome(both[1] / name) for name in ("staged", "resumed"))
    assert np.array_equal(whole.z, resumed.z)
    assert whole.held_out == resumed.held_out


class Two:
    """What the refusal asks of a Trainer."""

    world_size = 2
    strategy = object()


def test_what_would_not_share_users_is_refused() -> None:
    with pytest.raises(InputError, match="set it to 'user_sharded'"):
        refuse_other_strategy(Two(), "staged")
    with pytest.raises(InputError, match="'joint' runs in one process, not 2"):
        refuse_other_strategy(Two(), "joint")


def test_one_process_may_have_any_strategy(run: Run, tmp_path: Path) -> None:
    assert isinstance(
        Trainer(accelerator="cpu", devices=2, strategy="user_sharded").strategy, UserShardedStrategy
    )
    refuse_other_strategy(run.trainer(tmp_path, 1), "joint")
    assert run.fit(tmp_path, epochs=1, schedule="joint", prior=Pull()).table is not None
