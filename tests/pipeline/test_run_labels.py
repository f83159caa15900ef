"""Labels that an experiment's configuration and a run give away by themselves."""

import pytest

from userip_lightning.pipeline.config import experiment_parser, parse_experiment
from userip_lightning.pipeline.plan import make_plan
from userip_lightning.pipeline.run_labels import data_labels, run_labels


@pytest.fixture(scope="module")
def parse(config):
    """The tiny experiment with further words."""
    return lambda *words: parse_experiment(experiment_parser("fit", ""), ["--config", str(config), *words])


@pytest.mark.parametrize(
    ("name", "label"), [("RandomSplit", "random"), ("TemporalSplit", "temporal"), ("ColdUsers", "cold_users")]
)
def test_splits_have_the_names_of_the_tables(parse, name, label):
    experiment = parse(f"--data.split=userip_lightning.data.splits.{name}")
    assert data_labels(experiment.data) == {"dataset": "ml-100k", "split": label}


@pytest.mark.parametrize(
    ("source", "dataset"),
    [
        ({"class_path": "shop.Orders", "init_args": {"path": "logs/orders.2024.csv.gz"}}, "orders"),
        ({"class_path": "shop.Orders", "init_args": {"table": "orders"}}, "Orders"),
        ({"class_path": "shop.Orders"}, "Orders"),
    ],
)
def test_a_data_set_is_its_file_or_else_its_reader(source, dataset):
    split = {"class_path": "shop.BySeason"}
    assert data_labels({"source": source, "split": split}) == {"dataset": dataset, "split": "by_season"}


def test_rows_of_one_experiment_differ_by_method_and_not_by_seed(parse, tmp_path):
    plan = make_plan(parse("--ctr.data.attributes", "true"), tmp_path, "hash")
    labels = [run_labels(job, {"dataset": "d", "split": "s"}) for job in plan.ctr]
    assert {label["row"] for label in labels} == {
        "d / s / rich / DCN",
        "d / s / rich / UserIP-DCN",
        "d / s / rich / DCN + shuffled",
    }
    assert len({(label["row"], label["seed"]) for label in labels}) == len(labels) == 6


@pytest.mark.parametrize("attributes", ["true", "false"])
def test_rows_that_see_the_items_text_say_so(parse, tmp_path, attributes):
    words = ["--ctr.data.attributes", attributes]
    words += ["--ctr.data.item_text", "userip_lightning.texts.source.BagOfWords"]
    fields = {run_labels(job, {})["fields"] for job in make_plan(parse(*words), tmp_path, "hash").ctr}
    assert fields == {"rich + text" if attributes == "true" else "ids + text"}


def test_a_caller_knows_better(parse, tmp_path):
    plan = make_plan(parse(), tmp_path, "hash")
    job = next(job for job in plan.ctr if job.variant == "codes")
    labels = run_labels(job, {"method": "DCN on vectors"})
    assert (labels["method"], labels["fields"]) == ("DCN on vectors", "ids")
    assert "dataset" not in labels
