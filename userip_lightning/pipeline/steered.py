"""An experiment fitted again with codes that a person steers, beside the one it began from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from userip_lightning.artifact import read_manifest
from userip_lightning.atomic import write_text
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.merging import merged_codes
from userip_lightning.errors import InputError
from userip_lightning.explain.facts import Facts
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.config import (
    Experiment,
    prepare,
)
from userip_lightning.pipeline.explained import NO_LM, asked
from userip_lightning.pipeline.finished import chosen_seed, opened
from userip_lightning.pipeline.plan import Job, Plan, experiment_root, make_plan
from userip_lightning.pipeline.process_group import ALONE
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.run import fit as fit_stages
from userip_lightning.pipeline.steering_changes import (
    Changes,
    changed_experiment,
    experiment_again,
    name_after,
    refuse_another,
)
from userip_lightning.pipeline.training import is_done
from userip_lightning.profile.export import HELD_OUT
from userip_lightning.refresh.matching import matched
from userip_lightning.report.comparison import CODES, NO_CODES, Comparison, compare
from userip_lightning.report.held_out import read_held_out

#: What steering did, in the new experiment's folder.
STEERING = "steering.json"
#: Variant of the codes before.
AS_FITTED = "as_fitted"


class CodeBeside(NamedTuple):
    """A code before or after: label, users, and the titles that its users like more often than others."""

    profile: str
    code: int
    label: str
    users: int
    items: list[str]


class Renumbered(NamedTuple):
    """A code that has another number since, found by whom it has."""

    profile: str
    before: int
    after: int


class Steered(NamedTuple):
    """What steering did, for one seed.

    Args:
        folder: of the new experiment.
        comparison: of the CTR model; variants ``none``, ``codes`` (steered) and ``as_fitted``.
        held_out: before and after, log-likelihood in nats, more is better: of a held-out event given the
            codes (catalogue engine), or of a held-out token given the user's own z (per-user engine); None
            where it was not measured.
        moved: share of users whose codes mean something else than before, beside what merging alone does.
        renumbered: codes with another number.
        before: codes that an anchor or a merge names.
        after: what stands in their place.
    """

    folder: Path
    comparison: Comparison
    held_out: tuple[float, float] | None
    moved: float
    renumbered: list[Renumbered]
    before: list[CodeBeside]
    after: list[CodeBeside]

    def as_json(self) -> dict[str, object]:
        """JSON values."""
        return {
            "held_out": self.held_out,
            "moved": self.moved,
            **{
                name: [part._asdict() for part in getattr(self, name)]
                for name in ("renumbered", "before", "after")
            },
            "variants": self.comparison.variants.to_dicts(),
            "contrasts": self.comparison.contrasts.to_dicts(),
        }


def steer(root: Path, seed: int | None, name: str, changes: Changes, display: Display) -> Steered:
    """Fit an experiment again with these changes and one of its seeds, compare, and write down what that did.

    A code's number means nothing beyond its seed, so one seed is all that can be steered at once.

    Args:
        root: folder of the finished experiment.
        seed: whose codes the changes name; the first one where None.
        name: of the new experiment, which lies beside it.
        changes: at least one.
        display: shows how far it is.

    Raises:
        InputError: no finished experiment there, it is a steered one itself, another one has the name, a
            change that its engine or data cannot have, or another process writes the new one.
    """
    fitted = opened(root, "steer")
    chosen = chosen_seed(fitted, seed)
    before = experiment_again(root, fitted, root.resolve().name, {"seeds": [chosen]})
    after = changed_experiment(root, fitted, name, changes, chosen)
    refuse_another(after)
    old = _plan(before, display)
    runs = {NO_CODES: _ctr(old, NO_CODES), AS_FITTED: _ctr(old, CODES)}
    if missing := [
        job.label for job in (*old.quantize, *runs[NO_CODES], *runs[AS_FITTED]) if not is_done(job)
    ]:
        raise InputError(
            f"{root}: {missing[0]} is not there with this configuration and this version of the program; run "
            f"`userip fit --config {root / CONFIG}` first."
        )
    with sole_writer(experiment_root(after.settings), "experiment", shared=True):
        fit_stages(after, display, ALONE)
        found = _beside(before, old, after, runs, changes, display)
        told = json.dumps(found.as_json(), indent=2, ensure_ascii=False)
        write_text(found.folder / STEERING, told + "\n")
    return found


def _beside(
    before: Experiment,
    old: Plan,
    after: Experiment,
    as_fitted: Mapping[str, list[Job]],
    changes: Changes,
    display: Display,
) -> Steered:
    """The steered experiment beside the one that it came from."""
    new = _plan(after, display)
    runs = {**as_fitted, CODES: _ctr(new, CODES)}
    merged = merged_codes(_sizes(old.quantize[0]), changes.merge)
    moved, renumbered = _moved(old.quantize[0], new.quantize[0], merged)
    named = _named_codes(changes)
    return Steered(
        new.place.root,
        compare({variant: [job.target for job in jobs] for variant, jobs in runs.items()}),
        _held_out(before, old, after, new),
        moved,
        renumbered,
        _named(before, old, named),
        _named(after, new, {(name_after(p, changes), merged[p][code]) for p, code in named}),
    )


def _plan(experiment: Experiment, display: Display) -> Plan:
    prepared = prepare(experiment, display.notice)
    return make_plan(experiment, prepared, read_manifest(prepared, "prepared").config_hash)


def _ctr(plan: Plan, variant: str) -> list[Job]:
    return [job for job in plan.ctr if job.variant == variant]


def _sizes(codes: Job) -> dict[str, int]:
    bank = FeatureBank.open(codes.target)
    return dict(zip(bank.names, bank.sizes, strict=True))


def _held_out(before: Experiment, old: Plan, after: Experiment, new: Plan) -> tuple[float, float] | None:
    found = [_likelihood(before, old), _likelihood(after, new)]
    return None if None in found else (float(found[0] or 0.0), float(found[1] or 0.0))


def _likelihood(experiment: Experiment, plan: Plan) -> float | None:
    """In nats, more is better."""
    if plan.profiles:
        file = plan.profiles[0].target / HELD_OUT
        return -read_held_out(file).own.difference if file.is_file() else None
    return _facts(experiment, plan).held_out()


def _facts(experiment: Experiment, plan: Plan) -> Facts:
    return Facts(asked(experiment, plan.place.prepared, plan.quantize[0], NO_LM).source)


def _moved(old: Job, new: Job, merged: Mapping[str, list[int]]) -> tuple[float, list[Renumbered]]:
    """Share of users that moved, once codes are named by whom they have, and codes with another number."""
    before, after = FeatureBank.open(old.target), FeatureBank.open(new.target)
    users = before.users["user_id"].to_numpy().astype(np.str_)
    there = after.find(users) >= 0
    was, now = before.lookup(users[there]), after.lookup(users[there])
    stayed = np.ones(len(was), dtype=bool)
    renumbered = []
    for p, (profile, size) in enumerate(zip(before.names, after.sizes, strict=True)):
        own = np.asarray(merged[profile])[was[:, p]]
        place = matched(own, now[:, p], size)
        stayed &= place[own] == now[:, p]
        renumbered += [
            Renumbered(profile, code, int(place[new]))
            for code, new in enumerate(merged[profile])
            if place[new] != new
        ]
    return float((~stayed).mean()), renumbered


def _named_codes(changes: Changes) -> set[tuple[str, int]]:
    merged = {(p, code) for p, groups in changes.merge.items() for group in groups for code in group}
    return merged | {(p, code) for p, named in changes.anchors.items() for code in named}


def _named(experiment: Experiment, plan: Plan, named: set[tuple[str, int]]) -> list[CodeBeside]:
    found = _facts(experiment, plan).explanation(users=0)
    return [
        CodeBeside(profile.name, code.code, code.label, code.users, [item.title for item in code.items[:3]])
        for profile in found.profiles
        for code in profile.codes
        if (profile.name, code.code) in named
    ]
