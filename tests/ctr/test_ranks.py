"""Two processes train one model."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from tests.ctr.test_module import trainer
from userip_lightning.ctr.module import CTRModule
from userip_lightning.data.ctr_datamodule import CTRDataModule

RANKS = """
import sys
from lightning.pytorch import Trainer
from userip_lightning.ctr.module import CTRModule
from userip_lightning.data.ctr_datamodule import CTRDataModule

quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp", max_epochs=2, **quiet)
module, data = CTRModule(), CTRDataModule(sys.argv[1], batch_size=32)
trainer.fit(module, data)
trainer.test(module, data, verbose=False)
if trainer.is_global_zero:
    module.export(sys.argv[2])
"""


def test_two_ranks_train_one_model_and_judge_every_row_once(planted: Path, tmp_path: Path) -> None:
    script, folder = tmp_path / "ranks.py", tmp_path / "ctr"
    script.write_text(RANKS)
    root = str(Path(__file__).parents[2])
    env = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(planted), str(folder)]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=280)
    alone = CTRModule()
    data = CTRDataModule(str(planted))
    trainer(tmp_path).test(alone, data, ckpt_path=str(folder / "model.ckpt"), verbose=False)
    expected = pl.read_parquet(alone.export(tmp_path / "alone") / "predictions.parquet")
    rows = pl.read_parquet(folder / "predictions.parquet")
    assert rows.drop("score").equals(expected.drop("score"))
    assert (rows["score"] - expected["score"]).abs().max() < 1e-6
