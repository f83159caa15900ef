"""Two stages: the language model is bit-identical, then tuned; and a resumed run is the same run."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer, GraniteConfig

from tests.baselines.pepler.conftest import events, trainer, write
from userip_lightning.artifact import read_manifest
from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.baselines.pepler.data import PEPLERDataModule
from userip_lightning.baselines.pepler.explanations import EXPLANATIONS
from userip_lightning.baselines.pepler.module import PEPLERModule
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.resume import BEST, LAST, LastCheckpoint, LastingEarlyStopping, resumable
from userip_lightning.pipeline.settings import Selection
from userip_lightning.schema import TEST, VAL


def source(folder: Path, dtype: str = "float32") -> LMSource:
    return LMSource(name=str(folder), dtype=dtype)


def fit(folder, prepared, lm, epochs, *, frozen=1, callbacks=(), resume=None, run=None, **settings):
    """Train; returns module, DataModule and Trainer."""
    module = PEPLERModule(source(lm), frozen_epochs=frozen, **settings)
    data = PEPLERDataModule(str(prepared), batch_size=16, tokens=6, explained_rows=4)
    worker = trainer(folder, epochs, callbacks, **(run or {}))
    worker.fit(module, datamodule=data, ckpt_path=resume)
    return module, data, worker


def lm_states(module: PEPLERModule, lm: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Pairs of tensors, of the module's LM and of its source."""
    original = load_language_model(source(lm)).state_dict()
    now = module.network.lm.state_dict()
    assert now.keys() == original.keys()
    return [(now[name], original[name]) for name in now]


def remembered(worker) -> int:
    """Tensors that the optimizer keeps something of."""
    return len(worker.optimizers[0].state)


@pytest.mark.parametrize("lm", ["tiny_llama", "tiny_gpt2"])
def test_stage_one_leaves_the_model_bit_identical_and_out_of_everything(tmp_path, prepared, lm, request):
    lm = request.getfixturevalue(lm)
    torch.manual_seed(0)
    module, _, worker = fit(tmp_path, prepared, lm, 2, frozen=2)
    assert all(torch.equal(now, original) for now, original in lm_states(module, lm))
    assert not any(weight.requires_grad for weight in module.network.lm.parameters())
    module.train()
    assert module.network.user.training
    assert not module.network.lm.training
    assert list(module.state_dict()) == ["network.user.weight", "network.item.weight"]
    assert remembered(worker) == 2  # tables of users and items
    assert worker.optimizers[0].param_groups[0]["weight_decay"] > 0


def test_stage_two_moves_the_model_and_keeps_it(tmp_path, prepared, tiny_gpt2):
    module, _, worker = fit(tmp_path, prepared, tiny_gpt2, 2, frozen=1, lm_rate=0.1)
    assert not any(
        torch.equal(now, original)
        for now, original in lm_states(module, tiny_gpt2)
        if now.is_floating_point()
    )
    assert remembered(worker) == 2 + len(list(module.network.lm.parameters()))
    assert [group["lr"] for group in worker.optimizers[0].param_groups] == pytest.approx([1e-3, 1e-4])
    assert any(name.startswith("network.lm.") for name in module.state_dict())
    module.train()
    assert module.network.lm.training  # with the dropout of its configuration


def test_an_untold_row_learns_its_click_alone(tmp_path, prepared, tiny_llama):
    module = PEPLERModule(source(tiny_llama), frozen_epochs=9)
    data = PEPLERDataModule(str(prepared), text_share=0.0, explained_rows=0)
    trainer(tmp_path, 1).fit(module, datamodule=data)
    (batch,) = data.train_dataloader()
    loss = module.training_step(batch)
    logit = (module.network.user(batch.user) * module.network.item(batch.item)).sum(1)
    click = torch.nn.functional.binary_cross_entropy_with_logits(logit, batch.label)
    assert torch.allclose(loss, 0.01 * click)


def test_both_losses_reach_the_prompts_with_their_weights(tmp_path, prepared, tiny_llama):
    module, data, _ = fit(tmp_path, prepared, tiny_llama, 1, frozen=9, click_weight=0.5, text_weight=2.0)
    batch = next(iter(data.train_dataloader()))
    weight = module.network.user.weight

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, weight)[0]

    whole = gradient(module.training_step(batch))
    click = gradient(torch.nn.functional.binary_cross_entropy_with_logits(module(batch), batch.label))
    user, item = batch.user[batch.told], batch.item[batch.told]
    text = gradient(module.network.text_nats(user, item, batch.text).mean())
    assert click.any()
    assert text.any()
    assert torch.allclose(whole, 0.5 * click + 2.0 * text, atol=1e-6)


@pytest.mark.parametrize("stop", [1, 2, 3])  # in stage one, at the switch, in stage two
def test_a_resumed_run_ends_bit_equal(tmp_path, prepared, tiny_gpt2, stop):
    def run(name: str, epochs: int, resume: Path | None = None) -> PEPLERModule:
        folder = tmp_path / name
        keep = {"callbacks": resumable(folder, None), "run": {"enable_checkpointing": True}}
        module, _, worker = fit(folder, prepared, tiny_gpt2, epochs, frozen=2, resume=resume, **keep)
        assert worker.current_epoch == epochs
        return module

    whole = run("whole", 4).state_dict()
    run("cut", stop)
    again = run("cut", 4, resume=tmp_path / "cut" / LAST).state_dict()
    assert any(name.startswith("network.lm.") for name in whole)
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_judged_rows_change_nothing_in_training(tmp_path, prepared, tiny_llama):
    judged = pl.col("split") != "train"
    other = events().with_columns(
        label=pl.when(judged).then(1 - pl.col("label")).otherwise("label").cast(pl.Int8),
        review=pl.when(judged).then(pl.lit("something else")).otherwise("review"),
    )
    one, *_ = fit(tmp_path, prepared, tiny_llama, 2)
    two, *_ = fit(tmp_path, write(tmp_path / "data", other), tiny_llama, 2)
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )


def test_the_artifact_has_scores_and_explanations(tmp_path, prepared, tiny_llama):
    module, data, worker = fit(tmp_path, prepared, tiny_llama, 1, frozen=9)
    worker.test(module, datamodule=data, verbose=False)
    figures = worker.callback_metrics
    names = ("auc", "logloss", "text_loss", "bleu1", "bleu4", "rouge1", "rouge2", "rougeL")
    assert {f"test/{name}" for name in names} <= set(figures)
    folder = module.export(tmp_path / "ctr")
    manifest = read_manifest(folder, "ctr")
    assert manifest.extra["texts"] == data.text_kinds
    assert rows_seen(folder).tolist() == data.rows_seen.tolist()
    scores = pl.read_parquet(folder / "predictions.parquet")
    assert (
        scores["row_id"].to_list() == events().filter(pl.col("split").is_in([VAL, TEST]))["row_id"].to_list()
    )
    assert scores["score"].is_between(0, 1).all()  # cold users and items too
    assert scores.filter(user_id="u5").height == 8
    assert json.loads((folder / "metrics.json").read_text())["test"]["auc"] == pytest.approx(
        float(figures["test/auc"])
    )
    told = pl.read_parquet(folder / EXPLANATIONS)
    assert told.columns == ["row_id", "kind", "reference", "text"]
    assert told.height == 4
    by_row = dict(events().filter(split=TEST).select("row_id", "review").iter_rows())
    assert set(told["row_id"]) <= set(by_row)
    assert told["kind"].to_list() == ["item" if by_row[row] is None else "review" for row in told["row_id"]]


@pytest.mark.parametrize("frozen", [0, 9])
def test_an_exported_model_scores_and_explains_alike_when_it_is_read_again(
    tmp_path, prepared, tiny_llama, frozen
):
    module, data, worker = fit(tmp_path, prepared, tiny_llama, 1, frozen=frozen)
    worker.test(module, datamodule=data, verbose=False)
    first = module.export(tmp_path / "ctr")
    fresh = PEPLERModule(source(tiny_llama), frozen_epochs=frozen)
    data = PEPLERDataModule(str(prepared), batch_size=16, tokens=6, explained_rows=4)
    worker = trainer(tmp_path, 1)
    worker.test(fresh, datamodule=data, ckpt_path=str(first / "model.ckpt"), verbose=False)
    assert fresh.tuned == (frozen == 0)
    again = fresh.export(tmp_path / "again")
    for name in ("predictions.parquet", EXPLANATIONS):
        assert pl.read_parquet(first / name).equals(pl.read_parquet(again / name))


def test_predictions_are_the_scores_of_the_test(tmp_path, prepared, tiny_llama):
    module, data, worker = fit(tmp_path, prepared, tiny_llama, 1)
    worker.test(module, datamodule=data, verbose=False)
    path = module.export(tmp_path / "ctr")
    told = dict(pl.read_parquet(path / "predictions.parquet").select("row_id", "score").iter_rows())
    module.network.user.weight.data[0] = 9.0  # what is known of strangers is worked out anew
    parts = worker.predict(module, datamodule=data)
    found = {
        int(row): float(score) for part in parts for row, score in zip(part.row_id, part.score, strict=True)
    }
    assert found == pytest.approx(told, abs=1e-6)


def test_a_strangers_score_is_that_of_the_average_prompts(tmp_path, prepared, tiny_llama):
    module, data, worker = fit(tmp_path, prepared, tiny_llama, 1, frozen=9)
    worker.test(module, datamodule=data, verbose=False)
    scores = pl.read_parquet(module.export(tmp_path / "ctr") / "predictions.parquet")
    user, item = (table.weight[1:].detach().mean(0) for table in (module.network.user, module.network.item))
    row = 5 * 8 + 6  # user 5 and item 6 have no training row
    expected = torch.sigmoid(user @ item)
    assert scores.filter(row_id=row)["score"].item() == pytest.approx(float(expected), rel=1e-5)


def test_a_best_epoch_of_stage_one_is_tested_with_the_model_of_stage_one(tmp_path, prepared, tiny_gpt2):
    callbacks = resumable(tmp_path, Selection(patience=5))
    run = {"enable_checkpointing": True, "min_epochs": 2}
    module, data, worker = fit(tmp_path, prepared, tiny_gpt2, 2, callbacks=callbacks, run=run)
    checkpoint = torch.load(tmp_path / BEST, weights_only=False)
    names = ("network.user.weight", "network.item.weight")
    first = {**checkpoint, "state_dict": {name: checkpoint["state_dict"][name] for name in names}}
    torch.save(first, tmp_path / "first.ckpt")
    torch.save({**checkpoint, "state_dict": module.state_dict()}, tmp_path / "second.ckpt")
    tuned = {name: weight.clone() for name, weight in module.network.lm.state_dict().items()}
    worker.test(module, datamodule=data, ckpt_path=str(tmp_path / "first.ckpt"), verbose=False)
    assert not module.tuned
    assert all(torch.equal(now, original) for now, original in lm_states(module, tiny_gpt2))
    worker.test(module, datamodule=data, ckpt_path=str(tmp_path / "second.ckpt"), verbose=False)
    assert module.tuned
    assert all(torch.equal(weight, tuned[name]) for name, weight in module.network.lm.state_dict().items())


def test_early_stopping_does_not_skip_stage_two(tmp_path, prepared, tiny_llama):
    hopeless = EarlyStopping("val/auc", mode="max", stopping_threshold=-1.0)  # has always seen enough
    run = {"min_epochs": 3}
    module, _, worker = fit(tmp_path, prepared, tiny_llama, 9, frozen=2, callbacks=[hopeless], run=run)
    assert worker.current_epoch == 3
    assert module.tuned


class StopsStageOne(Callback):
    """Asks for an end after the first epoch, and never again."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or trainer.current_epoch == 0


def test_what_stopped_stage_one_does_not_stop_stage_two(tmp_path, prepared, tiny_llama):
    run = {"min_epochs": 2}
    _, _, worker = fit(tmp_path, prepared, tiny_llama, 4, callbacks=[StopsStageOne()], run=run)
    assert worker.current_epoch == 4


def test_a_stage_one_that_stalled_leaves_stage_two_its_patience(tmp_path, prepared, tiny_llama):
    def run(name: str, epochs: int, resume: Path | None = None) -> int:
        stop = LastingEarlyStopping("val/auc", mode="max", patience=2, min_delta=5.0)  # nothing is better
        keep = {"min_epochs": 4, "enable_checkpointing": True}
        callbacks = [stop, LastCheckpoint()]
        _, _, worker = fit(
            tmp_path / name,
            prepared,
            tiny_llama,
            epochs,
            frozen=3,
            callbacks=callbacks,
            run=keep,
            resume=resume,
        )
        return worker.current_epoch

    assert run("whole", 9) == 5  # three epochs of stage one, and the patience of stage two
    assert run("cut", 3) == 3
    assert run("cut", 9, tmp_path / "cut" / LAST) == 5


def test_a_model_that_changes_its_logits_is_refused(tmp_path, prepared, tiny_llama):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    AutoModelForCausalLM.from_config(GraniteConfig(**sizes, **heads, logits_scaling=8.0)).save_pretrained(
        tmp_path / "granite"
    )
    tokenizer.save_pretrained(tmp_path / "granite")
    with pytest.raises(InputError, match="changes the logits of its output layer"):
        fit(tmp_path, prepared, tmp_path / "granite", 1)


def test_mixed_precision_on_a_cpu(tmp_path, prepared, tiny_llama):
    module, data, worker = fit(tmp_path, prepared, tiny_llama, 2, run={"precision": "bf16-mixed"})
    assert {weight.dtype for weight in module.parameters()} == {torch.float32}
    worker.test(module, datamodule=data, verbose=False)
    assert np.isfinite(float(worker.callback_metrics["test/logloss"]))


@pytest.mark.parametrize("other", [{"dtype": "bfloat16"}, {"dtype": "float16"}, {"quantization": "int8"}])
def test_a_model_of_few_bits_is_not_tuned(tmp_path, prepared, tiny_llama, other):
    module = PEPLERModule(replace(source(tiny_llama), **other), frozen_epochs=1)
    with pytest.raises(InputError, match="set dtype to 'float32'"):
        trainer(tmp_path, 2).fit(module, datamodule=PEPLERDataModule(str(prepared)))


def test_a_frozen_model_of_sixteen_bits_is_fine(tmp_path, prepared, tiny_llama):
    module = PEPLERModule(source(tiny_llama, "bfloat16"), frozen_epochs=1)
    worker = trainer(tmp_path, 1)
    worker.fit(module, datamodule=PEPLERDataModule(str(prepared), tokens=6))
    assert module.network.user.weight.dtype == torch.float32
    assert np.isfinite(float(worker.callback_metrics["val/text_loss"]))


def test_impossible_settings_are_refused(tmp_path, prepared, tiny_llama):
    with pytest.raises(InputError, match="frozen_epochs is -1"):
        PEPLERModule(frozen_epochs=-1)
    for name in ("lm_rate", "click_weight", "text_weight"):
        for value in (-0.1, float("nan"), float("inf")):
            with pytest.raises(InputError, match="text_weight are from 0 up"):
                PEPLERModule(**{name: value})
    module = PEPLERModule(source(tiny_llama), frozen_epochs=3)
    with pytest.raises(InputError, match="set it to 4 or more"):
        trainer(tmp_path, 9, [EarlyStopping("val/auc")]).fit(
            module, datamodule=PEPLERDataModule(str(prepared))
        )
    with pytest.raises(InputError, match="the language model reads 256"):
        trainer(tmp_path, 1).fit(module, datamodule=PEPLERDataModule(str(prepared), tokens=300))
    with pytest.raises(InputError, match="test the model first"):
        PEPLERModule().export(tmp_path / "nothing")


def test_several_processes_are_refused():
    module, several = PEPLERModule(), SimpleNamespace(world_size=2)
    module.trainer = several
    with pytest.raises(InputError, match="runs in one process"):
        module.setup("fit")


def test_an_optimizer_is_fresh_in_stage_two(tmp_path, prepared, tiny_llama):
    steps = 2  # of an epoch: 27 training rows in batches of 16
    module, _, worker = fit(
        tmp_path, prepared, tiny_llama, 3, frozen=2, optimizer=lambda params: AdamW(params, lr=1e-3)
    )
    state = worker.optimizers[0].state[module.network.user.weight]
    assert int(state["step"]) == steps
