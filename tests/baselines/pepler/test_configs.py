"""The YAML files of the method say what they mean, and both stages run as they say."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from userip_lightning.pipeline.baseline_stages import PEPLER
from userip_lightning.pipeline.stages import stage_parser
from userip_lightning.pipeline.training import make_trainer

FOLDER = Path(__file__).parents[3] / "configs" / "baselines"


def section(*names: str) -> dict:
    """Files laid over one another, section by section."""
    merged: dict = {"model": {}, "data": {}, "trainer": {}}
    for name in names:
        loaded = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        for of_a_study in ("method", "seeds"):
            loaded.pop(of_a_study, None)
        for group, values in loaded.items():
            merged[group] |= values
    return merged


def instantiate(values: dict, prepared: Path):
    parser = stage_parser(PEPLER)
    values = deepcopy(values)
    values["data"]["prepared"] = str(prepared)
    return parser.instantiate(parser.parse_object(values))


@pytest.mark.parametrize("names", [("pepler",), ("pepler", "pepler_quick")])
def test_early_stopping_leaves_an_epoch_for_stage_two(names, prepared):
    objects = instantiate(section(*names), prepared)
    assert objects.model.frozen_epochs < objects.trainer.min_epochs <= objects.trainer.max_epochs
    assert objects.model.lm.dtype == "float32"


def test_a_language_model_is_named_in_yaml(prepared, tiny_llama):
    values = section("pepler")
    values["model"]["lm"] = {"name": str(tiny_llama)}
    assert instantiate(values, prepared).model.lm.dtype == "float32"  # of what is tuned, whatever its name


def test_the_quick_settings_run(tmp_path, prepared, tiny_llama):
    values = section("pepler", "pepler_quick")
    values["model"]["lm"] = {"name": str(tiny_llama)}
    objects = instantiate(values, prepared)
    worker = make_trainer(
        {**dict(objects.trainer), "default_root_dir": tmp_path, "enable_checkpointing": False}, [], []
    )
    worker.fit(objects.model, datamodule=objects.data)
    assert objects.model.tuned
    assert worker.current_epoch == objects.trainer.max_epochs
    worker.test(objects.model, datamodule=objects.data, verbose=False)
    assert objects.model.export(tmp_path / "ctr").is_dir()
