"""Prepared data where a quarter of the users is cold, and small runs on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer
from transformers import AutoTokenizer

from userip_lightning.baselines.rella.data import ReLLaDataModule
from userip_lightning.baselines.rella.module import ReLLaModule
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.splits import ColdUsers
from userip_lightning.lm.source import LMSource
from userip_lightning.lm.text_encoder import EncoderSource


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared folder with rows of all four splits."""
    source = Planted(users=24, rows_per_user=12, items_per_topic=10)
    preparation = Preparation(source, split=ColdUsers(fraction=0.25, support=6), k_core=2)
    return preparation.run(tmp_path_factory.mktemp("rella"), lambda _: None)


@pytest.fixture(scope="session")
def spell(tiny_llama: Path) -> Callable[..., str]:
    """Turns ids into text; the test's tokenizer, of bytes, has no decoder."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)

    def run(ids: Any) -> str:
        return "".join(tokenizer.convert_ids_to_tokens(ids)).replace("Ġ", " ").replace("Ċ", "\n")

    return run


@pytest.fixture(scope="session")
def rella(cold: Path, tiny_encoder: Path, tiny_llama: Path) -> Callable[..., tuple]:
    """Builds ``(module, data)`` of a small run; ``model`` and ``data`` are what differs from it."""

    def build(model: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> tuple:
        source = LMSource(name=str(tiny_llama), dtype="float32")
        few = {"behaviours": 3, "train_rows": 16, "batch_size": 8, "max_tokens": 250}
        encoder = EncoderSource(name=str(tiny_encoder))
        settings = {"prepared": str(cold), "encoder": encoder, **few, **(data or {})}
        return ReLLaModule(**{"lm": source, **(model or {})}), ReLLaDataModule(**settings)

    return build


@pytest.fixture(scope="session")
def trainer() -> Callable[..., Trainer]:
    """Builds a quiet Trainer for the CPU."""

    def build(epochs: int, folder: Path, **settings: Any) -> Trainer:
        return Trainer(
            max_epochs=epochs,
            default_root_dir=folder,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            **{"enable_checkpointing": False, **settings},
        )

    return build


@pytest.fixture(scope="session")
def ready(rella: Callable[..., tuple], trainer: Callable[..., Trainer], tmp_path_factory: Any) -> Callable:
    """Builds ``(module, data)`` whose data is set up, as a Trainer does it."""

    def build(model: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> tuple:
        module, rows = rella(model, data)
        joined = trainer(1, tmp_path_factory.mktemp("ready"))
        joined.strategy.connect(module)
        joined.datamodule = rows
        rows.trainer = module.trainer = joined
        rows.setup("fit")
        return module, rows

    return build
