"""The engine against stage 1's own module: the same users, all of whose behaviours are shown."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor
from torch.optim import Adam

from userip_lightning.bulk.inference import ProfileInference
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.bulk.prompt_items import Catalogue
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.user_events import People
from userip_lightning.errors import InputError
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.profile.behaviour_store import BehaviourStore
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.schema import SUPPORT, TRAIN

ALL = 1000


@pytest.fixture(scope="module")
def catalogue(trained: Prompted) -> Catalogue:
    tokenizer = load_tokenizer(trained.recipe.lm)
    store = BehaviourStore.open(trained.prepared, trained.recipe.prompt, tokenizer, allow_missing=False)
    ids = pl.read_parquet(trained.prepared / "items.parquet")["item_id"].to_numpy().astype(str)
    return Catalogue(store.items, store.words, ids)


@pytest.fixture(scope="module")
def seen(trained: Prompted) -> pl.DataFrame:
    """What stage 1 saw, with items as places in the catalogue."""
    events = pl.read_parquet(trained.prepared / "events.parquet")
    return events.filter(pl.col("split").is_in([TRAIN, SUPPORT]), "logged").select(
        "user_id", pl.col("item").cast(pl.UInt32), "label", "row_id"
    )


def predicted(trained: Prompted, recipe: Recipe, root: Path) -> Tensor:
    """[U, P, S, D] that stage 1's module predicts, every step on all behaviours."""
    module = ProfileModule(
        recipe.lm,
        recipe.prompt,
        start=recipe.start,
        optimizer=recipe.optimizer,
        inner_steps=recipe.steps,
    )
    data = ProfileDataModule(str(trained.prepared), behaviours=ALL, block_size=16)
    trainer = Trainer(
        default_root_dir=root, max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False
    )
    return torch.cat(trainer.predict(module, datamodule=data))


def smooth(parameters: Any) -> Adam:
    """Adam's own eps turns the rounding of a gradient near zero into a step of another length."""
    return Adam(parameters, lr=0.01, eps=1e-4)


def test_soft_tokens_are_those_that_stage_1_predicts(trained, catalogue, seen, bank, tmp_path):
    recipe = trained.recipe._replace(behaviours=ALL, steps=3, optimizer=smooth)
    inference = ProfileInference(recipe, catalogue, bank.path)
    people = People.of(seen, catalogue.items, grouped=True)
    ours, stuck = inference.soft_tokens(people, np.arange(40))
    theirs = predicted(trained, recipe, tmp_path)
    assert ours.shape == theirs.shape == (40, 2, 2, 32)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert stuck == 0
    torch.testing.assert_close(ours, inference.soft_tokens(people, np.arange(40))[0], atol=1e-6, rtol=0)


def test_nobody_is_nobody(trained, catalogue, seen, bank):
    codes, stuck = ProfileInference(trained.recipe, catalogue, bank.path).infer(seen.head(0))
    assert codes.schema == dict.fromkeys(codes.columns, pl.Int64) | {"user_id": pl.String}
    assert (codes.height, stuck) == (0, 0)


def test_a_random_start_is_the_users_own(trained, catalogue, seen, bank):
    inference = ProfileInference(trained.recipe._replace(start="random", steps=0), catalogue, bank.path)
    people = People.of(seen, catalogue.items, grouped=True)
    z, _ = inference.soft_tokens(people, np.arange(40))
    last = People.of(seen.filter(pl.col("user_id") == people.ids[39]), catalogue.items, grouped=True)
    assert torch.equal(inference.soft_tokens(last, np.arange(1))[0][0], z[39])
    assert len(torch.unique(z[:, 0, 0, 0])) == 40


def test_a_prompt_that_outgrows_the_context_names_its_user(trained, catalogue, seen, bank):
    inference = ProfileInference(trained.recipe._replace(behaviours=ALL), catalogue, bank.path)
    often = pl.concat([seen] * 8).with_columns(row_id=pl.int_range(pl.len()))
    with pytest.raises(
        InputError, match=r"user '\d+': their prompt can reach \d+ tokens, the language model reads 256"
    ):
        inference.infer(often)
    with pytest.raises(InputError, match=r"item '\d+' \('.+'\) alone has \d+ tokens\."):
        inference.infer(often)


def test_another_language_model_is_refused(trained, catalogue, bank, tiny_gpt2: Path):
    other = trained.recipe._replace(lm=type(trained.recipe.lm)(str(tiny_gpt2)))
    with pytest.raises(InputError, match="its codes belong to the language model"):
        ProfileInference(other, catalogue, bank.path)
