"""A dataset under one of the study's splits: the experiment that `userip fit` would run on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from userip_lightning.artifact import read_manifest
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, prepare
from userip_lightning.pipeline.layout import process_count
from userip_lightning.pipeline.plan import Place, Plan, experiment_root, make_plan
from userip_lightning.reproduce.row import Grown, Row
from userip_lightning.reproduce.settings import Study


class Case(NamedTuple):
    """An experiment on prepared data."""

    experiment: Experiment
    place: Place

    def plan(self, grown: Grown) -> Plan:
        """Stages 1 and 2 with every seed, where ``grown`` sets codebook sizes by profile.

        Raises:
            InputError: a profile that the experiment does not have.
        """
        return make_plan(_with_sizes(self.experiment, dict(grown)), self.place.prepared, self.place.data_hash)

    def sizes(self, row: Row) -> dict[str, int]:
        """Codebook sizes behind a row, empty where there are none."""
        if row.reads in ("none", "z", "knowledge"):
            return {}
        return {**self.experiment.sections["quantize"]["model"]["sizes"], **dict(row.grown)}


def read_experiment(study: Study, dataset: str, split: str) -> Experiment:
    """The experiment of a dataset, with the study's split, seeds and settings in place of its own.

    Args:
        study: its settings, as :func:`~userip_lightning.reproduce.networks.read_networks` gives them.
        dataset: name in the study.
        split: name in the study.

    Raises:
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        InputError: a stage of several processes.
    """
    files = study.dataset_files[dataset]
    words = [w for file in (files if isinstance(files, list) else [files]) for w in ("-c", file.absolute)]
    experiment = parse_experiment(experiment_parser("reproduce", ""), words)
    refuse_processes(experiment, f"datasets.{dataset}")
    settings = replace(
        experiment.settings,
        engine="per_user",  # the tables are about the paper's soft tokens
        experiment=study.study,
        output=study.output,
        seeds=study.seeds,
        profile_seeds=study.profile_seeds,
        controls=study.controls,
        selection=study.selection,
        wandb=study.wandb,
    )
    data = {**experiment.data, "split": study.split_rules[split]}
    return experiment._replace(settings=settings, data=data)


def open_case(experiment: Experiment, report: Callable[[str], None]) -> Case:
    """Prepare the data of an experiment.

    Raises:
        InputError: the data is missing or cannot be used.
    """
    prepared = prepare(experiment, report)
    data_hash = read_manifest(prepared, "prepared").config_hash
    return Case(experiment, Place(experiment_root(experiment.settings), prepared, data_hash))


def ctr_experiment(experiment: Experiment, row: Row) -> Experiment:
    """The experiment with the row's network and fields."""
    section = experiment.sections["ctr"]
    model = section["model"] if row.net is None else {**section["model"], "net": row.net}
    data = {**section["data"], "attributes": row.fields == "rich"}
    return experiment._replace(
        sections={**experiment.sections, "ctr": {**section, "model": model, "data": data}}
    )


def refuse_processes(experiment: Experiment, name: str) -> None:
    """Refuse a stage of several processes; ``name`` says whose.

    Raises:
        InputError: there is one.
    """
    for stage, section in experiment.sections.items():
        count = process_count(section["trainer"])
        if count > 1:
            raise InputError(
                f"{name}: {stage}.trainer asks for {count} processes, but a study runs its rows "
                "side by side, in one process each; set devices and num_nodes to 1."
            )


def _with_sizes(experiment: Experiment, grown: dict[str, int]) -> Experiment:
    if not grown:
        return experiment
    section = experiment.sections["quantize"]
    sizes = section["model"]["sizes"]
    if unknown := sorted(set(grown) - set(sizes)):
        raise InputError(
            f"quantize.model.sizes: no profile {unknown[0]!r}, whose codebook should grow; there are "
            f"{', '.join(sizes)}."
        )
    # A sweep asks what large codebooks do; that some of their codes have no user belongs to the answer.
    model = {**section["model"], "sizes": {**sizes, **grown}, "allow_unused": True}
    sections = {**experiment.sections, "quantize": {**section, "model": model}}
    if experiment.sections["profile"]["model"]["prior"] is not None:
        sections["profile"] = _with_prior_sizes(experiment.sections["profile"], grown)
    return experiment._replace(sections=sections)


def _with_prior_sizes(section: dict[str, Any], grown: dict[str, int]) -> dict[str, Any]:
    """Stage 2 goes on from the codebooks of a joint schedule's prior, so these grow with them."""
    prior = section["model"]["prior"]
    arguments = {**prior["init_args"], "sizes": {**prior["init_args"]["sizes"], **grown}}
    return {**section, "model": {**section["model"], "prior": {**prior, "init_args": arguments}}}
