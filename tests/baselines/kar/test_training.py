"""From a configuration to a ctr artifact."""

from pathlib import Path

import numpy as np
import torch
import yaml
from jsonargparse import ArgumentParser
from lightning.pytorch import Trainer

from userip_lightning.artifact import read_manifest
from userip_lightning.baselines.kar.generation import Generation
from userip_lightning.baselines.kar.knowledge import Knowledge
from userip_lightning.baselines.kar.network import KnowledgeNet
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.lm.source import LMSource
from userip_lightning.lm.text_encoder import EncoderSource

CONFIGS = Path(__file__).parents[3] / "configs" / "baselines"


def parsed(section: dict) -> Knowledge:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Knowledge, "knowledge")
    made = parser.instantiate_classes(parser.parse_object({"knowledge": section})).knowledge
    assert isinstance(made, Knowledge)
    return made


def test_the_configuration_is_read_and_repeats_no_default() -> None:
    files = (CONFIGS / "kar.yaml", CONFIGS / "kar_movies.yaml")
    config, movies = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    assert config == {"method": "kar"}  # all else is default
    made, plain = parsed(movies["knowledge"]), Knowledge()
    assert made.prompt.thing == "movie"
    assert made.prompt.attributes == ["year", "genres"]
    assert "soundtrack" in made.prompt.factors
    for name, value in movies["knowledge"].items():
        for key, given in value.items():
            assert given != getattr(getattr(plain, name), key), f"{name}.{key}"


def test_every_part_of_the_knowledge_is_configuration() -> None:
    made = parsed(
        {
            "lm": {"name": "some/lm", "dtype": "float32"},
            "encoder": {"name": "some/encoder", "max_tokens": 64},
            "generation": {"max_new_tokens": 7},
        }
    )
    assert made.lm == LMSource(name="some/lm", dtype="float32")
    assert made.encoder == EncoderSource(name="some/encoder", max_tokens=64)
    assert made.generation == Generation(max_new_tokens=7)
    assert made.prompt.hash == Knowledge().prompt.hash


def test_a_ctr_network_trains_on_knowledge(
    cold: Path, tiny_llama: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    writes = Knowledge(
        lm=LMSource(name=str(tiny_llama), dtype="float32"),
        encoder=EncoderSource(name=str(tiny_encoder)),
        generation=Generation(max_new_tokens=4),
    )
    folder = writes.write(cold, tmp_path / "knowledge", tmp_path, lambda stage, done, total: None)
    data = CTRDataModule(str(cold), knowledge=str(folder), batch_size=8)
    vectors = {field.name: field.vectors for field in data.feature_schema.fields}
    before = vectors["user_knowledge"].copy()
    module = CTRModule(net=KnowledgeNet)
    trainer = Trainer(
        default_root_dir=tmp_path,
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, data)
    trainer.test(module, data, verbose=False)
    module.export(tmp_path / "ctr")
    assert read_manifest(tmp_path / "ctr", "ctr").data_hash == data.provenance.data_hash
    assert np.array_equal(vectors["user_knowledge"], before)
    state = torch.load(tmp_path / "ctr" / "model.ckpt", weights_only=True)["state_dict"]
    assert {tuple(weight.shape) for weight in state.values()}.isdisjoint(
        {array.shape for array in vectors.values() if array is not None}
    )
    again = KnowledgeNet(data.feature_schema)
    again.load_state_dict({name.removeprefix("network."): weight for name, weight in state.items()})
    (batch,) = data.test_dataloader()
    assert torch.equal(again.eval()(batch.fields), module.eval()(batch.fields))
