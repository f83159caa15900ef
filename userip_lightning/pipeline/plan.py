"""Which runs an experiment consists of, and where each one's artifact lies.

An artifact's folder is named by a hash of everything that decides its content: its stage's settings and
code, its seed and the keys of its inputs. So changed settings or code make another folder, unchanged ones
find theirs again, and a change re-runs the stages below it and no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning.artifact import SCHEMA_VERSION, stable_hash
from userip_lightning.data import controls
from userip_lightning.pipeline.code_version import code_hash, named_modules
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.settings import Control, Settings
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
    spread over seeds contains the luck of the draw.

    Args:
        control: its kind.
        seed: of the draw.
        key: hash that names it.
        target: its folder.
        codes: folder of the bank that it mirrors.
    """

    control: Control
    seed: int
    key: str
    target: Path
    codes: Path


class Place(NamedTuple):
    """Where the runs of an experiment lie, and the data below them.

    Args:
        root: the experiment's folder.
        prepared: folder of the prepared data.
        data_hash: its ``config_hash``.
    """

    root: Path
    prepared: Path
    data_hash: str


class Source(NamedTuple):
    """Codes or profiles that a CTR run reads: the key that names them, and their folder."""

    key: str
    folder: Path


class Plan(NamedTuple):
    """All runs of an experiment, in order.

    ``profiles`` has one run per profile seed; ``quantize``, every control and every variant of ``ctr`` have
    one per seed.
    """

    place: Place
    profiles: tuple[Job, ...]
    quantize: tuple[Job, ...]
    controls: tuple[ControlBank, ...]
    ctr: tuple[Job, ...]


def experiment_root(settings: Settings) -> Path:
    """The experiment's folder."""
    return Path(settings.output) / settings.experiment


def make_plan(experiment: Experiment, prepared: Path, data_hash: str) -> Plan:
    """Name every run and its folder; touches no disk.

    Args:
        experiment: the configuration.
        prepared: folder of the prepared data.
        data_hash: its ``config_hash``.
    """
    settings = experiment.settings
    place = Place(experiment_root(settings), prepared, data_hash)
    profiles = tuple(_profile_job(experiment, place, seed) for seed in settings.profile_seeds)
    quantize = tuple(
        _quantize_job(experiment, place, seed, profiles[index % len(profiles)])
        for index, seed in enumerate(settings.seeds)
    )
    banks = tuple(_control_bank(place, control, codes) for control in settings.controls for codes in quantize)
    read: dict[tuple[str, int], Source | None] = {}
    for codes in quantize:
        read[NO_CODES, codes.seed] = None
        read[CODES, codes.seed] = Source(codes.key, codes.target)
    read |= {(bank.control, bank.seed): Source(bank.key, bank.target) for bank in banks}
    ctr = tuple(ctr_job(experiment, place, variant, seed, bank) for (variant, seed), bank in read.items())
    return Plan(place, profiles, quantize, banks, ctr)


def ctr_job(
    experiment: Experiment,
    place: Place,
    variant: str,
    seed: int,
    bank: Source | None = None,
    profiles: Source | None = None,
) -> Job:
    """Stage 3 with one seed, on codes where ``bank`` is given, on continuous profiles where those are."""
    read = (bank, profiles)
    folders = (None if source is None else str(source.folder) for source in read)
    filled = {
        "data.prepared": str(place.prepared),
        "data.seed": seed,
        **dict(zip(("data.bank", "data.profiles"), folders, strict=True)),
    }
    inputs = [place.data_hash, *(None if source is None else source.key for source in read)]
    return _job(experiment, place, CTR, f"ctr/{variant}/seed{seed}", seed, inputs, filled, variant)


def _profile_job(experiment: Experiment, place: Place, seed: int) -> Job:
    return _job(
        experiment, place, PROFILE, f"profile/seed{seed}", seed, [place.data_hash], _seeded(place, seed)
    )


def _quantize_job(experiment: Experiment, place: Place, seed: int, profile: Job) -> Job:
    filled = {**_seeded(place, seed), "data.profiles": str(profile.target)}
    return _job(experiment, place, QUANTIZE, f"quantize/seed{seed}", seed, [profile.key], filled)


def _seeded(place: Place, seed: int) -> dict[str, Any]:
    return {"data.prepared": str(place.prepared), "data.seed": seed, "model.seed": seed}


def _job(
    experiment: Experiment,
    place: Place,
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
        "code": code_hash([stage.module.__module__, stage.data.__module__, *named_modules(section)]),
        "stage": stage.name,
        "section": section,
        "seed": seed,
        "inputs": inputs,
    }
    if stage is CTR:
        decides["selection"] = vars(experiment.settings.selection)
    key = stable_hash(decides)
    work = place.root / "work" / f"{stage.name}-{key}"
    return Job(stage, label, variant, seed, section, filled, key, place.root / stage.name / key, work)


def _control_bank(place: Place, control: Control, codes: Job) -> ControlBank:
    decides = {
        "schema": SCHEMA_VERSION,
        "code": code_hash([controls.__name__]),
        "control": control,
        "seed": codes.seed,
        "codes": codes.key,
    }
    key = stable_hash(decides)
    folder = place.root / "controls" / f"{control}-{key}"
    return ControlBank(control, codes.seed, key, folder, codes.target)
