"""Two processes learn the codes of one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer

from tests.distributed.processes import together
from tests.quantize.conftest import Planted
from userip_lightning.quantize.module import QuantizeModule

Plant = Callable[..., Planted]
QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
ADAM = functools.partial(torch.optim.Adam, lr=0.01, eps=1e-3)
#: The default, with dropout; the same with an epsilon that does not blow rounding up where gradients vanish;
#: users that stay, without an anchor.
MODELS: dict[str, Callable[[], QuantizeModule]] = {
    "default": functools.partial(QuantizeModule, {"hobby": 4, "background": 3}),
    "smooth": functools.partial(
        QuantizeModule,
        {"hobby": 4, "background": 3},
        user_optimizer=functools.partial(torch.optim.SparseAdam, lr=0.05, eps=1e-3),
        optimizer=ADAM,
    ),
    "fixed": functools.partial(
        QuantizeModule,
        {"hobby": 20, "background": 2},
        e_step="none",
        anchor=0.0,
        optimizer=ADAM,
    ),
}
TOLERANCE = {"default": 0.1, "smooth": 1e-5, "fixed": 1e-5}


def learn(planted: Planted, folder: Path, devices: int) -> None:
    """Fit every model; rank 0 keeps what it ends with."""
    for name, build in MODELS.items():
        module = build()
        data = planted.datamodule(batch_size=253)  # of 1,266 rows: the last batch is one row, of one rank
        run = Trainer(devices=devices, max_epochs=4, default_root_dir=folder, **QUIET)
        run.fit(module, data)

        figures = {key: float(value) for key, value in run.callback_metrics.items()}
        if run.is_global_zero:
            torch.save({"state": module.state_dict(), "figures": figures}, folder / name)


def test_two_ranks_learn_the_codes_of_one(plant: Plant, tmp_path: Path) -> None:
    planted = plant(names=("hobby", "background"))
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    learn(planted, one, devices=1)
    together(learn, planted, two, 2)
    for name in MODELS:
        expected, found = torch.load(one / name), torch.load(two / name)
        assert torch.equal(found["state"]["codes"], expected["state"]["codes"]), name
        for key, weight in expected["state"].items():
            assert torch.allclose(found["state"][key], weight, atol=TOLERANCE[name]), (name, key)
        assert found["figures"].keys() == expected["figures"].keys()
        for key, figure in expected["figures"].items():
            assert abs(found["figures"][key] - figure) < 1e-3, (name, key)
