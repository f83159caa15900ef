"""A precision that is slow on this machine is announced."""

from __future__ import annotations

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.connectors.accelerator_connector import _PRECISION_INPUT

from userip_lightning.pipeline import slow_precision as at_test
from userip_lightning.pipeline.slow_precision import slow_precision


def _cpu(precision: _PRECISION_INPUT) -> Trainer:
    return Trainer(accelerator="cpu", precision=precision, logger=False, enable_checkpointing=False)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_bfloat16_without_native_products(
    precision: _PRECISION_INPUT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(at_test, "cpu_has_bfloat16", lambda: False)
    said = slow_precision(_cpu(precision))
    assert said is not None
    assert precision in said
    assert "set it to 32-true" in said


def test_nothing_is_said_where_it_is_native_or_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_test, "cpu_has_bfloat16", lambda: True)
    assert slow_precision(_cpu("bf16-mixed")) is None
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(at_test, "cpu_has_bfloat16", lambda: False)
    assert slow_precision(_cpu("32-true")) is None
