"""What bfloat16 changes, and what stays float32."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer

from tests.profile.runner import Run
from userip_lightning.lm.source import LMSource


def infer(run: Run, root: Path, precision: str, dtype: str) -> tuple[np.ndarray, float]:
    """Soft tokens after two epochs, and held-out nats per token under them."""
    module = run.module(lm=LMSource(run.lm.name, dtype=dtype))
    data = run.data()
    trainer = Trainer(
        default_root_dir=root,
        max_epochs=2,
        accelerator="cpu",
        precision=precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    assert module.table.z.dtype == torch.float32
    assert all(value.dtype == torch.float32 for value in module.table.state.buffers())
    trainer.test(module, datamodule=data, verbose=False)
    return module.all_vectors(), float(trainer.callback_metrics["profile/test_own"])


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16-mixed", "float32"), ("bf16-true", "float32"), ("32-true", "bfloat16")]
)
def test_bfloat16_moves_users_nearly_as_float32_does(
    run: Run, tmp_path: Path, precision: str, dtype: str
) -> None:
    """Adam's first steps have the length of its rate, so an entry differs where the gradient's sign does."""
    exact, nats = infer(run, tmp_path, "32-true", "float32")
    z, near = infer(run, tmp_path, precision, dtype)
    assert z.dtype == np.float32
    assert near == pytest.approx(nats, abs=0.02)
    start = run.fit(tmp_path / "start", epochs=0).all_vectors()
    moved, difference = np.linalg.norm(exact - start), np.linalg.norm(z - exact)
    assert difference < 0.25 * moved
    assert np.abs(z - exact).max() <= 4 * 0.01 + 1e-6  # two steps of Adam at rate 0.01, there and back
    assert np.abs(z - z.astype(np.float16).astype(np.float32)).max() > 0  # not rounded on the way
