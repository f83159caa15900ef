"""An experiment fitted again with codes that a person steers, beside the one it began from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from userip_lightning.artifact import read_manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.merging import merged_codes
from userip_lightning.errors import InputError
from userip_lightning.explain.facts import Facts
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, prepare
from userip_lightning.pipeline.explained import NO_LM, asked
from userip_lightning.pipeline.finished import opened
from userip_lightning.pipeline.plan import Job, Plan, make_plan
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.run import fit as fit_stages
from userip_lightning.pipeline.training import is_done
from userip_lightning.pipeline.world import ALONE
from userip_lightning.profile.export import HELD_OUT
from userip_lightning.report.comparison import CODES, NO_CODES, Comparison, compare
from userip_lightning.report.held_out import read_held_out

#: Variant of the codes before.
AS_FITTED = "as_fitted"


class Changes(NamedTuple):
    """What shall be different; see ``catalogue.steering.Steering`` for the first three.

    Args:
        anchors: profile to code to words.
        strength: of the anchors.
        merge: profile to groups of codes that become one.
        rename: profile to its new name to the words in front of its soft tokens.
    """

    anchors: dict[str, dict[int, str]]
    strength: float
    merge: dict[str, list[list[int]]]
    rename: dict[str, dict[str, str]]


class CodeBeside(NamedTuple):
    """A code before and after: label, users, and the titles that its users like more often than others."""

    profile: str
    code: int
    label: str
    users: int
    items: list[str]


class Steered(NamedTuple):
    """What steering did.

    Args:
        folder: of the new experiment.
        comparison: of the CTR model; variants ``none``, ``codes`` (steered) and ``as_fitted``.
        held_out: mean over seeds, before and after: nats per held-out event that codes gain (catalogue
            engine), or of a user's own z per token (per-user engine); None where it was not measured.
        moved: share of users whose codes are others, beside what merging alone does; first seed.
        before: codes that an anchor or a merge names, first seed.
        after: what stands in their place.
    """

    folder: Path
    comparison: Comparison
    held_out: tuple[float, float] | None
    moved: float
    before: list[CodeBeside]
    after: list[CodeBeside]

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "held_out": self.held_out,
            "moved": self.moved,
            "before": [code._asdict() for code in self.before],
            "after": [code._asdict() for code in self.after],
            "variants": self.comparison.variants.to_dicts(),
            "contrasts": self.comparison.contrasts.to_dicts(),
        }


def steer(root: Path, name: str, changes: Changes, display: Display) -> Steered:
    """Fit an experiment again with these changes, and compare.

    Args:
        root: folder of the finished experiment.
        name: of the new one, which lies beside it.
        changes: at least one.
        display: shows how far it is.

    Raises:
        InputError: no finished experiment there, or a change that its engine or data cannot have.
    """
    before = opened(root, "steer")
    after = _changed(root, before, name, changes)
    old = _plan(before, display)
    if missing := [
        job.label for job in (*old.quantize, *_ctr(old, NO_CODES), *_ctr(old, CODES)) if not is_done(job)
    ]:
        raise InputError(
            f"{root}: {missing[0]} is not there with this configuration and this version of the program; run "
            f"`userip fit --config {root / CONFIG}` first."
        )
    fit_stages(after, display, ALONE)
    new = _plan(after, display)
    runs = {
        NO_CODES: [job.target for job in _ctr(old, NO_CODES)],
        CODES: [job.target for job in _ctr(new, CODES)],
        AS_FITTED: [job.target for job in _ctr(old, CODES)],
    }
    codes = merged_codes(_sizes(old.quantize[0]), changes.merge)
    return Steered(
        new.place.root,
        compare(runs),
        _held_out(before, old, after, new),
        _moved(old.quantize[0], new.quantize[0], codes),
        _named(before, old, _named_codes(changes)),
        _named(after, new, {(_now(p, changes), codes[p][code]) for p, code in _named_codes(changes)}),
    )


def _changed(root: Path, before: Experiment, name: str, changes: Changes) -> Experiment:
    """The experiment with the changes in its settings; controls are not drawn again."""
    engine, sections = before.settings.engine, before.sections
    if engine == "per_user" and (changes.anchors or changes.merge):
        raise InputError(
            "steer: anchors and merge change the table of the catalogue engine, and the per-user engine has "
            "none; it takes --rename."
        )
    stage = "catalogue" if engine == "catalogue" else "quantize"
    sizes = sections[stage]["model"]["sizes"]
    if unknown := sorted(set(changes.rename) - set(sizes)):
        raise InputError(f"--rename: no profile {unknown[0]!r}; there are {', '.join(sizes)}.")
    model: dict[str, Any] = {"sizes": {_now(profile, changes): size for profile, size in sizes.items()}}
    more: dict[str, Any] = {stage: {"model": model}}
    if engine == "catalogue":
        model["steering"] = {
            "anchors": {_now(p, changes): named for p, named in changes.anchors.items()},
            "strength": changes.strength,
            "merge": {_now(p, changes): groups for p, groups in changes.merge.items()},
        }
    else:
        more["profile"] = {"model": {"prompt": {"profiles": _renamed(sections, changes)}}}
    words = ["--config", str(root / CONFIG), "--output", str(root.resolve().parent), "--experiment", name]
    words += ["--config", json.dumps({**more, "controls": []})]
    return parse_experiment(experiment_parser("steer", ""), words)


def _renamed(sections: Mapping[str, Any], changes: Changes) -> list[dict[str, str]]:
    profiles = sections["profile"]["model"]["prompt"]["profiles"]
    return [
        {"name": new, "text": text}
        for profile in profiles
        for new, text in changes.rename.get(profile["name"], {profile["name"]: profile["text"]}).items()
    ]


def _now(profile: str, changes: Changes) -> str:
    """The profile's name afterwards."""
    return next(iter(changes.rename.get(profile, {profile: ""})))


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
    if plan.profiles:
        file = plan.profiles[0].target / HELD_OUT
        return read_held_out(file).own.difference if file.is_file() else None
    gained = [
        Facts(asked(experiment, plan.place.prepared, job, NO_LM).source).explanation(users=0).gained_nats
        for job in plan.quantize
    ]
    return None if None in gained else float(np.mean([nats or 0.0 for nats in gained]))


def _moved(old: Job, new: Job, codes: Mapping[str, list[int]]) -> float:
    before, after = FeatureBank.open(old.target), FeatureBank.open(new.target)
    users = before.users["user_id"].to_numpy().astype(np.str_)
    was = np.stack(
        [np.asarray(codes[p])[c] for p, c in zip(before.names, before.lookup(users).T, strict=True)], axis=1
    )
    return float((was != after.lookup(users)).any(axis=1).mean())


def _named_codes(changes: Changes) -> set[tuple[str, int]]:
    merged = {(p, code) for p, groups in changes.merge.items() for group in groups for code in group}
    return merged | {(p, code) for p, named in changes.anchors.items() for code in named}


def _named(experiment: Experiment, plan: Plan, named: set[tuple[str, int]]) -> list[CodeBeside]:
    source = asked(experiment, plan.place.prepared, plan.quantize[0], NO_LM).source
    found = Facts(source).explanation(users=0)
    return [
        CodeBeside(profile.name, code.code, code.label, code.users, [item.title for item in code.items[:3]])
        for profile in found.profiles
        for code in profile.codes
        if (profile.name, code.code) in named
    ]
