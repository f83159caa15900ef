"""What a run needs is known before its weights are loaded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import SingleDeviceStrategy, Strategy
from torch import Tensor

from tests.profile.runner import Run
from userip_lightning.errors import InputError
from userip_lightning.lm import planner
from userip_lightning.profile import module as profile_module
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule


def test_a_run_is_planned_and_an_open_batch_is_chosen(run: Run, tmp_path: Path) -> None:
    module, data = run.module(), run.data(batch_size=None)
    run.trainer(tmp_path, 1).fit(module, datamodule=data)
    assert 1 < data.batch_size <= 64
    assert module.plan.total <= module.plan.budget
    assert module.plan.table == 40 * 4 * 32 * 4  # users, soft tokens, width, bytes
    assert module.plan.optimizer == 2 * module.plan.table
    assert module.plan.summary().startswith("planned memory 0.")


def test_without_an_epoch_no_backward_pass_is_planned(run: Run, tmp_path: Path) -> None:
    module, data = run.module(), run.data(batch_size=8)
    learning = run.module()
    run.trainer(tmp_path / "one", 1).fit(learning, datamodule=run.data(batch_size=8))
    trainer = run.trainer(tmp_path, 0)
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data)
    assert module.held_out.own
    assert module.plan.rows == learning.plan.rows
    assert module.plan.weights == learning.plan.weights
    assert module.plan.activations < 0.5 * learning.plan.activations
    judging = run.module()
    run.trainer(tmp_path, 1).test(judging, datamodule=data)
    assert judging.plan.total == module.plan.total


def test_streaming_plans_for_no_table(run: Run, tmp_path: Path) -> None:
    assert run.fit(tmp_path, epochs=1, schedule="streaming").plan.table == 0
    assert run.fit(tmp_path / "disk", epochs=1, table="disk").plan.table == 0


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        (1 << 10, r"profile\.model\.lm: its weights need"),
        (1 << 19, r"profile\.(data|model\.schedule)"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_loaded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, sentence: str
) -> None:
    monkeypatch.setattr(planner, "available_bytes", lambda device: free)
    module = run.module()
    with pytest.raises(InputError, match=sentence):
        run.trainer(tmp_path, 1).fit(module, datamodule=run.data())
    assert module.likelihood is None


class Crowded(SingleDeviceStrategy):
    """Stands beside a process that has room for three users."""

    def reduce(self, tensor: Tensor, *args: object, reduce_op: str) -> Tensor:
        return tensor.clamp(max=3) if reduce_op == "min" else tensor


class Elsewhere(SingleDeviceStrategy):
    """Has tensors made on its device while a module is configured, as that of an accelerator does."""

    @contextmanager
    def tensor_init_context(self, empty_init: bool | None = None) -> Iterator[None]:
        with torch.device("meta"):
            yield


class Imagined(SingleDeviceStrategy):
    """On a device that there is not."""

    def setup_environment(self) -> None:
        """Nothing to set up."""


def on_host(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: object) -> Any:
        with torch.device("cpu"):
            return make(*args)

    return made


def fit_under(strategy: Strategy, module: ProfileModule, data: ProfileDataModule, root: Path) -> None:
    Trainer(
        default_root_dir=root,
        max_epochs=1,
        accelerator="cpu",
        strategy=strategy,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(module, datamodule=data)


def test_processes_take_the_batch_that_fits_all_of_them(run: Run, tmp_path: Path) -> None:
    data = run.data(batch_size=None)
    fit_under(Crowded(device="cpu"), run.module(), data, tmp_path)
    assert data.batch_size == 3


@pytest.mark.parametrize("start", ["words", "random"])
def test_users_stay_on_the_host(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    for name in ("load_backbone", "PromptLikelihood"):  # they alone are to be on the device
        path = f"userip_lightning.profile.module.{name}"
        monkeypatch.setattr(path, on_host(getattr(profile_module, name)))
    module = run.module(start=start)
    fit_under(Elsewhere(device="cpu"), module, run.data(), tmp_path)
    assert torch.equal(module.table.z, run.fit(tmp_path / "plain", epochs=1, start=start).table.z)


def test_the_device_of_the_trainer_is_planned_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module itself is moved there after it was configured."""
    asked: list[torch.device] = []

    def nothing(device: torch.device) -> int:
        asked.append(device)
        return 0

    monkeypatch.setattr(planner, "available_bytes", nothing)
    with pytest.raises(InputError, match=r"profile\.model\.lm: its weights need .* on meta"):
        fit_under(Imagined(device="meta"), run.module(), run.data(), tmp_path)
    assert asked == [torch.device("meta")]
