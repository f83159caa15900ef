"""A dataset under one of the study's splits: the experiment that `userip fit` would run on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from jsonargparse.typing import Path_fr

from userip_lightning.artifact import read_manifest
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, prepare
from userip_lightning.pipeline.plan import Place, Plan, experiment_root, make_plan
from userip_lightning.pipeline.process_layout import process_count
from userip_lightning.pipeline.profiles import filled
from userip_lightning.reproduce.row import Grown, Row
from userip_lightning.reproduce.settings import Study

#: The stage of an engine that has the codebooks.
_CODEBOOKS = {"per_user": "quantize", "catalogue": "catalogue"}


class Case(NamedTuple):
    """An experiment on prepared data.

    Args:
        experiment: of the data set.
        place: where runs lie, and the data.
        further: label of further codes to the experiment that makes them.
    """

    experiment: Experiment
    place: Place
    further: Mapping[str, Experiment] = MappingProxyType({})

    def plan(self, grown: Grown, codes: str | None = None) -> Plan:
        """Whatever makes codes, with every seed.

        Args:
            grown: codebook sizes by profile, in place of the experiment's.
            codes: label of further codes; None for the data set's own.

        Raises:
            InputError: a profile that the experiment does not have.
        """
        experiment = _with_sizes(self._maker(codes), dict(grown))
        return make_plan(experiment, self.place.prepared, self.place.data_hash)

    def sizes(self, row: Row) -> dict[str, int]:
        """Codebook sizes behind a row, empty where there are none."""
        if row.reads in ("none", "z", "knowledge"):
            return {}
        profiles = self._maker(row.codes).settings.profiles
        return {name: profile.size for name, profile in profiles.items()} | dict(row.grown)

    def _maker(self, codes: str | None) -> Experiment:
        return self.experiment if codes is None else self.further[codes]


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
    experiment = _parsed(study, dataset, "--engine", study.engine)
    settings = replace(
        experiment.settings,
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


def read_further(study: Study, dataset: str, experiment: Experiment, label: str) -> Experiment:
    """The experiment of a data set with codes that are made another way.

    Args:
        study: its settings.
        dataset: name in the study.
        experiment: the data set's own, as :func:`read_experiment` gives it.
        label: of the further codes.

    Raises:
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        InputError: a stage of several processes.
    """
    words = _words(study.further_codes[label])
    found = _parsed(study, dataset, "--engine", study.engine, *words)
    settings = replace(experiment.settings, engine=found.settings.engine)
    sections = {**found.sections, "ctr": experiment.sections["ctr"]}
    return experiment._replace(settings=settings, sections=sections)


def open_case(
    experiment: Experiment, further: Mapping[str, Experiment], report: Callable[[str], None]
) -> Case:
    """Prepare the data of an experiment; ``further`` as in :class:`Case`.

    Raises:
        InputError: the data is missing or cannot be used.
    """
    prepared = prepare(experiment, report)
    data_hash = read_manifest(prepared, "prepared").config_hash
    return Case(experiment, Place(experiment_root(experiment.settings), prepared, data_hash), further)


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


def _words(files: Path_fr | Sequence[Path_fr]) -> list[str]:
    """Files as words of a command line, the later ones win."""
    listed = [files] if isinstance(files, Path_fr) else files
    return [word for file in listed for word in ("-c", str(file.absolute))]


def _parsed(study: Study, dataset: str, *more: str) -> Experiment:
    words = [*_words(study.dataset_files[dataset]), *more]
    experiment = parse_experiment(experiment_parser("reproduce", ""), words)
    refuse_processes(experiment, f"datasets.{dataset}")
    return experiment


def _with_sizes(experiment: Experiment, grown: dict[str, int]) -> Experiment:
    if not grown:
        return experiment
    before = experiment.settings.profiles
    if unknown := sorted(set(grown) - set(before)):
        raise InputError(
            f"profiles: no profile {unknown[0]!r}, whose codebook should grow; there are {', '.join(before)}."
        )
    profiles = {name: replace(one, size=grown.get(name, one.size)) for name, one in before.items()}
    settings = replace(experiment.settings, profiles=profiles)
    # A source of text that was told the profiles before keeps their sizes: it reads the items once for all.
    sections = filled(experiment.sections, profiles)
    # A sweep asks what large codebooks do; that some of their codes have no user belongs to the answer.
    sections[_CODEBOOKS[settings.engine]]["model"]["allow_unused"] = True
    return experiment._replace(settings=settings, sections=sections)
