"""Training, scoring, resuming and exporting with a language model of two tiny layers."""

import copy

import numpy as np
import polars as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional as F

from userip_lightning.artifact import read_manifest
from userip_lightning.baselines.rella.answers import probability
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import refuse_leak, rows_seen
from userip_lightning.lm.source import LMSource
from userip_lightning.schema import TRAIN, VAL


def base_of(module):
    return {name: w.clone() for name, w in module.model.state_dict().items() if "lora_" not in name}


def learned(module):
    return {name: w for name, w in module.model.state_dict().items() if "lora_" in name}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def trained(rella, trainer, tmp_path_factory):
    """A run of three epochs, tested and exported; ``(module, data, trainer, artifact, base before)``."""
    folder = tmp_path_factory.mktemp("trained")
    module, data = rella()
    run = trainer(3, folder)
    run.validate(module, datamodule=data, verbose=False)
    before = base_of(module)
    run.fit(module, datamodule=data)
    run.test(module, datamodule=data, verbose=False)
    return module, data, run, module.export(folder / "ctr"), before


def test_adapters_learn_and_the_language_model_stays_bit_identical(trained):
    module, *_, before = trained
    assert same(base_of(module), before)
    second = [w for name, w in learned(module).items() if "lora_B" in name]
    assert len(second) == 4
    assert all(w.abs().sum() > 0 for w in second)  # B starts at zero


def test_the_artifact_has_adapters_alone_and_scores_of_every_judged_row(trained, cold):
    module, data, run, path, _ = trained
    manifest = read_manifest(path, "ctr")
    prepared = PreparedData.load(cold)
    assert manifest.data_hash == prepared.data_hash
    assert manifest.lm == module.lm.name
    stored = torch.load(path / "model.ckpt", weights_only=True)["state_dict"]
    assert stored.keys() == {f"model.{name}" for name in learned(module)}
    predictions = pl.read_parquet(path / "predictions.parquet")
    assert sorted(predictions["row_id"]) == sorted(prepared.judged_rows().tolist())
    assert predictions["score"].is_between(0, 1).all()
    assert np.array_equal(rows_seen(path), data.rows_seen)
    refuse_leak(path, prepared.judged_rows())
    assert set(run.callback_metrics) >= {"test/auc", "test/logloss"}


def test_the_score_is_the_softmax_of_a_plain_call_of_the_model(trained):
    module, data, *_, path, _ = trained
    score = dict(pl.read_parquet(path / "predictions.parquet").select("row_id", "score").iter_rows())
    module.model.eval()
    prompts, answers = data.prompts(VAL), data.answers
    for at in range(4):
        ids = torch.from_numpy(prompts.ids[prompts.offset[at] : prompts.offset[at + 1]]).long()
        logits = module.model(input_ids=ids[None]).logits[0, -1, [answers.yes, answers.no]]
        expected = float(logits.softmax(0)[0])
        assert score[int(prompts.row_id[at])] == pytest.approx(expected, abs=1e-5)


def test_the_loss_is_the_cross_entropy_of_the_answer_over_the_vocabulary(ready):
    module, data = ready({"dropout": 0.0})
    module.configure_model()
    module.log = lambda *_, **__: None
    batch = next(iter(data.train_dataloader()))
    logits = module(batch)
    wanted = [data.answers.yes if label else data.answers.no for label in batch.label.tolist()]
    by_hand = -torch.stack([logits[at].log_softmax(0)[token] for at, token in enumerate(wanted)]).mean()
    assert module.training_step(batch).item() == pytest.approx(by_hand.item(), abs=1e-6)
    assert by_hand > F.binary_cross_entropy(probability(logits, data.answers), batch.label)


def test_padding_leaves_a_score_as_it_is(ready):
    module, data = ready({"dropout": 0.0})
    module.configure_model()
    (batch,) = list(data.val_dataloader())[:1]
    whole = module.predict_step(batch).score
    for at in range(3):
        alone = type(batch)(*(column[at : at + 1] for column in batch))
        width = int(alone.valid.sum())
        cut = alone._replace(ids=alone.ids[:, -width:], valid=alone.valid[:, -width:])
        assert module.predict_step(cut).score[0].item() == pytest.approx(whole[at].item(), abs=1e-6)


def test_without_an_epoch_it_is_the_plain_model(rella, trainer, tmp_path, tiny_llama):
    module, data = rella()
    run = trainer(0, tmp_path)
    run.fit(module, datamodule=data)
    run.test(module, datamodule=data, verbose=False)
    path = module.export(tmp_path / "ctr")
    assert pl.read_parquet(path / "predictions.parquet").height == data.judged.height
    assert all(w.abs().sum() == 0 for name, w in learned(module).items() if "lora_B" in name)


def test_a_resumed_run_ends_with_the_same_bits(rella, trainer, tmp_path):
    whole, data = rella({"dropout": 0.3})
    keep = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer(3, tmp_path, callbacks=[keep], enable_checkpointing=True).fit(whole, datamodule=data)
    file = tmp_path / "epoch=0.ckpt"
    stored = torch.load(file, weights_only=False)["state_dict"]
    assert stored
    assert all("lora_" in name for name in stored)
    again, data = rella({"dropout": 0.3})
    trainer(3, tmp_path).fit(again, datamodule=data, ckpt_path=file, weights_only=False)
    assert same(learned(again), learned(whole))
    other, data = rella({"dropout": 0.3}, {"seed": 1})
    trainer(3, tmp_path).fit(other, datamodule=data)
    assert not same(learned(other), learned(whole))


def test_adapters_have_dropout_in_training_and_none_in_scoring(ready):
    module, data = ready({"dropout": 0.5})
    module.configure_model()
    for name, weight in module.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    batch = next(iter(data.train_dataloader()))
    assert not torch.equal(module(batch), module(batch))
    module.eval()
    assert torch.equal(module(batch), module(batch))


def test_the_rate_falls_linearly_to_zero_or_stays(rella, trainer, tmp_path):
    rates = {}
    for schedule in ("linear", "constant"):
        module, data = rella({"schedule": schedule})
        run = trainer(1, tmp_path)
        run.fit(module, datamodule=data)
        rates[schedule] = run.optimizers[0].param_groups[0]["lr"]
    assert rates == {"linear": 0.0, "constant": 1e-3}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_mixed_precision_trains_on_a_cpu(rella, trainer, tmp_path, tiny_llama, dtype):
    module, data = rella({"lm": LMSource(name=str(tiny_llama), dtype=dtype)})
    run = trainer(1, tmp_path, precision="bf16-mixed")
    run.fit(module, datamodule=data)
    assert run.callback_metrics["train/loss"].isfinite()
    assert {w.dtype for w in learned(module).values()} == {torch.float32}


def test_gpt2_takes_its_own_layers(rella, trainer, tmp_path, tiny_gpt2):
    module, data = rella(
        {"lm": LMSource(name=str(tiny_gpt2), dtype="float32"), "target_modules": ["c_attn"]},
        {"train_rows": 8},
    )
    run = trainer(1, tmp_path)
    run.fit(module, datamodule=data)
    assert run.callback_metrics["val/auc"].isfinite()
    assert any(w.abs().sum() > 0 for name, w in learned(module).items() if "lora_B" in name)


def test_what_is_learned_is_learned_from_training_rows_alone(rella, trainer, tmp_path):
    module, data = rella()
    given = []
    step = module.training_step
    module.training_step = lambda batch: given.append(copy.copy(batch.row_id)) or step(batch)
    trainer(2, tmp_path).fit(module, datamodule=data)
    rows, size = torch.cat(given).tolist(), len(data.prompts(TRAIN).row_id)
    assert sorted(rows[:size]) == sorted(rows[size:]) == sorted(data.prompts(TRAIN).row_id)
    assert rows[:size] != rows[size:]  # every epoch has its own order


def test_without_a_test_there_is_nothing_to_export(rella, tmp_path):
    module, _ = rella()
    with pytest.raises(InputError, match="test the model first"):
        module.export(tmp_path / "ctr")
    assert not (tmp_path / "ctr").exists()


@pytest.mark.parametrize("settings", [{"rank": 0}, {"dropout": 1.0}, {"target_modules": []}])
def test_impossible_settings_are_refused(rella, settings):
    with pytest.raises(InputError, match=r"rella\.model"):
        rella(settings)
