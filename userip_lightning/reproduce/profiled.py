"""A data set under a split whose profiles, and perhaps codes, are inferred: what studies of the words read.

They take the first seed alone, as a person looks at one set of codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from userip_lightning.atomic import write_errors
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.pipeline.plan import Plan, make_plan
from userip_lightning.pipeline.training import instantiate
from userip_lightning.profile.behaviour_store import BehaviourStore
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.prompt_bodies import Ints
from userip_lightning.profile.words import start_ids
from userip_lightning.reproduce.case import open_case, read_experiment
from userip_lightning.reproduce.choice import Choice, kept
from userip_lightning.reproduce.inference import Inference
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.train_row import guarded
from userip_lightning.schema import TRAIN, ProfileVectors

Found = TypeVar("Found")
#: Takes how much of how much is done, and of what.
Tell = Callable[[int, int, str], None]


class Profiled(NamedTuple):
    """One case, its runs done.

    Args:
        name: dataset and split.
        data: prepared.
        plan: its runs; ``profiles`` is empty with the catalogue engine.
        lm: the language model of stage 1, which the case has whatever its engine.
        prompt: of stage 1.
        start: where stage 1 starts soft tokens, ``words`` or ``random``.
        seed: of a random start.
        allow_missing_text: whether items may lack a text.
    """

    name: str
    data: PreparedData
    plan: Plan
    lm: LMSource
    prompt: PromptTemplate
    start: str
    seed: int
    allow_missing_text: bool

    def z(self, users: Ints) -> NDArray[np.float32]:
        """[B, P, S, D] tuned soft tokens of these rows of the users' table."""
        vectors = ProfileVectors.load(self.plan.profiles[0].target, self.prompt.names)
        return np.asarray(vectors.z[users])

    def start_ids(self, users: Ints) -> Ints:
        """[B, P, S] tokens of the words that stage 1 starts at; -1 where a user has none."""
        store = BehaviourStore.open(
            self.data.path, self.prompt, load_tokenizer(self.lm), self.allow_missing_text
        )
        owner, item = store.splits[TRAIN].liked(users)
        shape = (len(self.prompt.profiles), self.prompt.soft_tokens)
        ids = start_ids(owner, item, store.words, len(users), shape[0] * shape[1])
        return ids.reshape(len(users), *shape)


class Cases(NamedTuple, Generic[Found]):
    """What was found in every case that could be had, and why the others could not.

    Args:
        root: the study's folder.
        found: name of a case to what was found.
        absent: name of a case to its outcome.
    """

    root: Path
    found: Mapping[str, Found]
    absent: Mapping[str, Outcome]

    @property
    def said(self) -> tuple[str, ...]:
        """Cases without figures, and why."""
        return tuple(
            f"{name}: not run. {outcome.not_run}" if outcome.failed is None else f"{name}: {outcome.failed}"
            for name, outcome in self.absent.items()
        )

    @property
    def failed(self) -> tuple[str, ...]:
        """Cases that were meant to be measured and could not be."""
        return tuple(name for name, outcome in self.absent.items() if outcome.failed is not None)


def each_case(
    table: str,
    study: Study,
    choice: Choice,
    display: StudyDisplay,
    work: Callable[[Profiled, Tell], Found],
    codes: bool,
) -> Cases[Found]:
    """Infer what is missing and look at every chosen case; what fails in one does not stop the others.

    Args:
        table: name of the table or figure, for messages.
        study: its settings.
        choice: which part of it.
        display: shows how far it is.
        work: looks at a case, and tells how far it is.
        codes: whether codes are needed beside the profiles.

    Raises:
        InputError: settings or names that cannot be used, the output folder cannot be written, or nothing was
            found and something failed, so that a report would replace a better one.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    check(study)
    if choice.methods is not None:
        raise InputError("--methods: this study trains no network, so it has no methods; leave it out.")
    seeds, profile_seeds = study.seeds[:1], study.profile_seeds[:1]
    study = replace(read_networks(study), controls=[], seeds=seeds, profile_seeds=profile_seeds)
    datasets = kept("datasets", choice.datasets, list(study.dataset_files))
    splits = kept("splits", choice.splits, list(study.split_rules))
    root = study_root(study)
    with write_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    display.expect(len(datasets) * len(splits))
    found: dict[str, Found] = {}
    absent: dict[str, Outcome] = {}
    for dataset in datasets:
        for split in splits:
            name = f"{dataset} / {split}"
            outcome = _attempt(table, study, dataset, split, display, work, codes, found)
            if not outcome.ready:
                absent[name] = outcome
            display.row_ended(name, outcome)
    cases = Cases(root, found, absent)
    if cases.failed and not found:
        reasons = "; ".join(line.removesuffix(".") for line in cases.said)
        raise InputError(f"{table}: {reasons}; no report was written, the same command tries again.")
    return cases


def _attempt(
    table: str,
    study: Study,
    dataset: str,
    split: str,
    display: StudyDisplay,
    work: Callable[[Profiled, Tell], Found],
    codes: bool,
    found: dict[str, Found],
) -> Outcome:
    """Look at one case; what is found goes into ``found``."""
    name = f"{dataset} / {split}"

    def look() -> Outcome:
        case = _profiled(study, dataset, split, display, codes)
        if isinstance(case, Outcome):
            return case
        label = f"{name} / {table}"
        with display.running(label) as piece:
            found[name] = work(case, piece.at)
        display.finish(f"{label}: done")
        return Outcome(trained=1)

    return guarded(look, f"{table} / {name}", study_root(study))


def _profiled(
    study: Study, dataset: str, split: str, display: StudyDisplay, codes: bool
) -> Profiled | Outcome:
    experiment = read_experiment(study, dataset, split)
    try:
        case = open_case(experiment, {}, display.notice)
    except InputError as error:
        return Outcome(not_run=" ".join(str(error).split()))
    plan = case.plan(())
    row = Row(dataset, split, study.fields[0], "words", "userip")
    inference = Inference(case, plan, row, display)
    made = inference.profiles()
    if made.ready and codes:
        made = inference.codes()
    if not made.ready:
        return made
    own = experiment._replace(settings=replace(experiment.settings, engine="per_user"))
    stage = instantiate(make_plan(own, case.place.prepared, case.place.data_hash).profiles[0])
    module, data = stage.module, stage.data
    assert isinstance(module, ProfileModule)
    assert isinstance(data, ProfileDataModule)
    prepared = PreparedData.load(case.place.prepared)
    return Profiled(
        f"{dataset} / {split}",
        prepared,
        plan,
        module.lm,
        module.prompt,
        module.start,
        module.seed,
        data.allow_missing_text,
    )
