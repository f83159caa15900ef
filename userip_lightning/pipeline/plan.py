"""Which runs an experiment consists of, and where each one's artifact lies.

An artifact's folder is named by a hash of everything that decides its content: its stage's settings, its
seed and the keys of its inputs. So changed settings make another folder, unchanged ones find theirs
again, and a change re-runs the stages below it and no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning.artifact import SCHEMA_VERSION, stable_hash
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.settings import Control
from userip_lightning.pipeline.stages import CTR, PROFILE, QUANTIZE, Stage
from userip_lightning.report.comparison import CODES, NO_CODES


class Job(NamedTuple):
    """One training run.

    Args:
        stage: its classes.
        label: name for people, unique in the experiment, also a relative path.
        variant: of the CTR stage (``none``, ``codes`` or a control), None elsewhere.
        seed: of everything random in it.
        section: settings of ``{model, data, trainer}``.
        filled: dotted key to value, what the section lacks.
        key: hash that names the artifact.
        target: the artifact's folder.
        work: folder of checkpoints and of the record.
    """

    stage: Stage
    label: str
    variant: str | None
    seed: int
    section: dict[str, Any]
    filled: dict[str, Any]
    key: str
    target: Path
    work: Path


class ControlBank(NamedTuple):
    """One bank that knows nothing of the profiles. It is drawn anew for every CTR seed, so that the
    spread over seeds contains the luck of the draw."""

    control: Control
    seed: int
    key: str
    target: Path


class Plan(NamedTuple):
    """All runs of an experiment, in order. ``root`` is the experiment's folder."""

    root: Path
    prepared: Path
    profile: Job
    quantize: Job
    controls: tuple[ControlBank, ...]
    ctr: tuple[Job, ...]


def make_plan(experiment: Experiment, prepared: Path, data_hash: str) -> Plan:
    """Name every run and its folder; touches no disk.

    Args:
        experiment: the configuration.
        prepared: folder of the prepared data.
        data_hash: its ``config_hash``.
    """
    settings = experiment.settings
    root = Path(settings.output) / settings.experiment
    filled = {"data.prepared": str(prepared), "data.seed": settings.seed, "model.seed": settings.seed}
    profile = _job(experiment, root, PROFILE, "profile", settings.seed, [data_hash], filled)
    filled = {**filled, "data.profiles": str(profile.target)}
    quantize = _job(experiment, root, QUANTIZE, "quantize", settings.seed, [profile.key], filled)
    controls = tuple(
        _control_bank(root, control, seed, quantize.key)
        for control in settings.controls
        for seed in settings.seeds
    )
    banks: dict[tuple[str, int], tuple[str | None, Path | None]] = {}
    for seed in settings.seeds:
        banks[NO_CODES, seed] = (None, None)
        banks[CODES, seed] = (quantize.key, quantize.target)
    banks |= {(bank.control, bank.seed): (bank.key, bank.target) for bank in controls}
    ctr = tuple(
        _ctr_job(experiment, root, prepared, data_hash, variant, seed, key, folder)
        for (variant, seed), (key, folder) in banks.items()
    )
    return Plan(root, prepared, profile, quantize, controls, ctr)


def _job(
    experiment: Experiment,
    root: Path,
    stage: Stage,
    label: str,
    seed: int,
    inputs: list[str | None],
    filled: dict[str, Any],
    variant: str | None = None,
) -> Job:
    section = experiment.sections[stage.name]
    decides = {
        "schema": SCHEMA_VERSION,
        "stage": stage.name,
        "section": section,
        "seed": seed,
        "inputs": inputs,
    }
    if stage is CTR:
        decides["selection"] = vars(experiment.settings.selection)
    key = stable_hash(decides)
    work = root / "work" / f"{stage.name}-{key}"
    return Job(stage, label, variant, seed, section, filled, key, root / stage.name / key, work)


def _ctr_job(
    experiment: Experiment,
    root: Path,
    prepared: Path,
    data_hash: str,
    variant: str,
    seed: int,
    bank_key: str | None,
    bank: Path | None,
) -> Job:
    folder = None if bank is None else str(bank)
    filled = {"data.prepared": str(prepared), "data.bank": folder, "data.seed": seed}
    label = f"ctr/{variant}/seed{seed}"
    return _job(experiment, root, CTR, label, seed, [data_hash, bank_key], filled, variant)


def _control_bank(root: Path, control: Control, seed: int, codes_key: str) -> ControlBank:
    decides = {"schema": SCHEMA_VERSION, "control": control, "seed": seed, "codes": codes_key}
    key = stable_hash(decides)
    return ControlBank(control, seed, key, root / "controls" / f"{control}-{key}")
