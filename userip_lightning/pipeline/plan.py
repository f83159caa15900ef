"""Which runs an experiment consists of, and where each one's artifact lies.

An artifact's folder is named by a hash of everything that decides its content: its stage's settings (of a
file or a model's folder what it holds, not where it lies) and code, its seed and the keys of its inputs. So
changed settings or code make another folder, unchanged ones find theirs again, and a change re-runs the
stages below it and no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning.artifact import SCHEMA_VERSION, stable_hash
from userip_lightning.catalogue.em_search import Schedule
from userip_lightning.controls import kmeans, mixtures
from userip_lightning.controls import simple as drawn
from userip_lightning.pipeline.code_version import code_hash, named_modules
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.engine_controls import (
    MIXTURES,
    RETRAINED,
    left_out,
    of_engine,
    text_columns,
)
from userip_lightning.pipeline.local_paths import by_content
from userip_lightning.pipeline.settings import Control, Settings
from userip_lightning.pipeline.stages import CATALOGUE, CTR, PROFILE, QUANTIZE, Stage
from userip_lightning.report.comparison import CODES, NO_CODES


class Job(NamedTuple):
    """One training run.

    Args:
        stage: its classes.
        label: name for people, unique in the experiment, also a relative path.
        variant: of the CTR stage (``none``, ``codes`` or a control); the control where it retrains the codes'
            stage; None elsewhere.
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
        engine: settings of the EM that made it; the default ones where no EM did.
    """

    control: Control
    seed: int
    key: str
    target: Path
    codes: Path
    engine: mixtures.EngineSettings = mixtures.EngineSettings()

    @property
    def label(self) -> str:
        """Name for people, unique in the experiment."""
        return f"controls/{self.control}/seed{self.seed}"


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
    """Codes, profiles or knowledge that a CTR run reads: the key that names them, and their folder."""

    key: str
    folder: Path


class Plan(NamedTuple):
    """All runs of an experiment, in order.

    ``profiles`` has one run per profile seed, none with the catalogue engine; ``quantize`` makes the codes,
    whatever the engine, and ``retrained`` makes them from what says nothing of whom it stands for; these two,
    every control and every variant of ``ctr`` have one run per seed. ``left_out`` are controls that would
    repeat the codes, with the reason.
    """

    place: Place
    profiles: tuple[Job, ...]
    quantize: tuple[Job, ...]
    controls: tuple[ControlBank, ...]
    retrained: tuple[Job, ...]
    ctr: tuple[Job, ...]
    left_out: dict[str, str]

    @property
    def codes(self) -> tuple[Job, ...]:
        """Whatever is trained before the CTR stage, in order."""
        return (*self.profiles, *self.quantize, *self.retrained)

    def banks(self, control: str) -> list[Source]:
        """What a CTR run with the codes of a control reads, one per seed."""
        drawn = [Source(bank.key, bank.target) for bank in self.controls if bank.control == control]
        return drawn + [Source(job.key, job.target) for job in self.retrained if job.variant == control]


def experiment_root(settings: Settings) -> Path:
    """The experiment's folder."""
    return Path(settings.output) / settings.experiment


def make_plan(experiment: Experiment, prepared: Path, data_hash: str) -> Plan:
    """Name every run and its folder; writes nothing.

    Args:
        experiment: the configuration.
        prepared: folder of the prepared data.
        data_hash: its ``config_hash``.
    """
    settings = experiment.settings
    place = Place(experiment_root(settings), prepared, data_hash)
    profiles, quantize = _codes_jobs(experiment, place)
    omitted = left_out(experiment, prepared)
    chosen = [name for name in of_engine(settings.controls, settings.engine) if name not in omitted]
    pairs = [(control, codes) for control in chosen for codes in quantize]
    banks = tuple(_control_bank(place, *pair) for pair in pairs if pair[0] not in RETRAINED)
    retrained = tuple(_retrained_job(experiment, place, *pair) for pair in pairs if pair[0] in RETRAINED)
    read: dict[tuple[str, int], Source | None] = {}
    for codes in quantize:
        read[NO_CODES, codes.seed] = None
        read[CODES, codes.seed] = Source(codes.key, codes.target)
    read |= {(bank.control, bank.seed): Source(bank.key, bank.target) for bank in banks}
    read |= {(str(job.variant), job.seed): Source(job.key, job.target) for job in retrained}
    ctr = tuple(ctr_job(experiment, place, variant, seed, bank) for (variant, seed), bank in read.items())
    return Plan(place, profiles, quantize, banks, retrained, ctr, omitted)


def ctr_job(
    experiment: Experiment,
    place: Place,
    variant: str,
    seed: int,
    bank: Source | None = None,
    profiles: Source | None = None,
    knowledge: Source | None = None,
) -> Job:
    """Stage 3 with one seed, on codes, continuous profiles or written knowledge where these are given."""
    read = {"data.bank": bank, "data.profiles": profiles, "data.knowledge": knowledge}
    filled = {
        "data.prepared": str(place.prepared),
        "data.seed": seed,
        **{key: None if source is None else str(source.folder) for key, source in read.items()},
    }
    inputs = [place.data_hash, *(None if source is None else source.key for source in read.values())]
    label = f"ctr/{variant}/seed{seed}"
    return _job(experiment, place, CTR, experiment.sections[CTR.name], label, seed, inputs, filled, variant)


def baseline_job(
    experiment: Experiment, place: Place, stage: Stage, section: dict[str, Any], label: str, seed: int
) -> Job:
    """A run, with one seed, of a stage that scores rows and needs nothing but prepared data.

    Args:
        experiment: for the selection of its epoch.
        place: where it lies.
        stage: its classes.
        section: settings of ``{model, data, trainer}``.
        label: name for people, also a relative path.
        seed: of everything random in it.
    """
    filled = {"data.prepared": str(place.prepared), "data.seed": seed}
    return _job(experiment, place, stage, section, label, seed, [place.data_hash], filled)


def _codes_jobs(experiment: Experiment, place: Place) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
    settings = experiment.settings
    if settings.engine == "catalogue":
        return (), tuple(_catalogue_job(experiment, place, seed) for seed in settings.seeds)
    profiles = tuple(_profile_job(experiment, place, seed) for seed in settings.profile_seeds)
    quantize = tuple(
        _quantize_job(experiment, place, seed, profiles[index % len(profiles)])
        for index, seed in enumerate(settings.seeds)
    )
    return profiles, quantize


def _catalogue_job(experiment: Experiment, place: Place, seed: int) -> Job:
    label, section = f"catalogue/seed{seed}", experiment.sections[CATALOGUE.name]
    filled = _seeded(place, seed)
    return _job(experiment, place, CATALOGUE, section, label, seed, [place.data_hash], filled)


def _profile_job(experiment: Experiment, place: Place, seed: int) -> Job:
    label, filled = f"profile/seed{seed}", _seeded(place, seed)
    section = experiment.sections[PROFILE.name]
    return _job(experiment, place, PROFILE, section, label, seed, [place.data_hash], filled)


def _quantize_job(experiment: Experiment, place: Place, seed: int, profile: Job) -> Job:
    label, filled = f"quantize/seed{seed}", {**_seeded(place, seed), "data.profiles": str(profile.target)}
    section = experiment.sections[QUANTIZE.name]
    return _job(experiment, place, QUANTIZE, section, label, seed, [profile.key], filled)


def _retrained_job(experiment: Experiment, place: Place, control: Control, codes: Job) -> Job:
    """The run that made ``codes``, with all its settings, on the control's input; may leave codes unused."""
    changed = RETRAINED[control]
    label = f"{codes.stage.name}/{control}/seed{codes.seed}"
    section = {**codes.section, "model": {**codes.section["model"], "allow_unused": True}}
    filled = {**codes.filled, changed.key: changed.value}
    inputs: list[str | None] = [codes.key, control]
    return _job(experiment, place, codes.stage, section, label, codes.seed, inputs, filled, control)


def _seeded(place: Place, seed: int) -> dict[str, Any]:
    return {"data.prepared": str(place.prepared), "data.seed": seed, "model.seed": seed}


def _job(
    experiment: Experiment,
    place: Place,
    stage: Stage,
    section: dict[str, Any],
    label: str,
    seed: int,
    inputs: list[str | None],
    filled: dict[str, Any],
    variant: str | None = None,
) -> Job:
    decides = {
        "schema": SCHEMA_VERSION,
        "code": code_hash([stage.module.__module__, stage.data.__module__, *named_modules(section)]),
        "stage": stage.name,
        "section": by_content(section),
        "seed": seed,
        "inputs": inputs,
    }
    if stage.selected:
        decides["selection"] = vars(experiment.settings.selection)
    key = stable_hash(decides)
    work = place.root / "work" / f"{stage.name}-{key}"
    return Job(stage, label, variant, seed, section, filled, key, place.root / stage.name / key, work)


def _control_bank(place: Place, control: Control, codes: Job) -> ControlBank:
    decides = {
        "schema": SCHEMA_VERSION,
        "code": code_hash([module.__name__ for module in (drawn, kmeans, mixtures)]),
        "control": control,
        "seed": codes.seed,
        "codes": codes.key,
    }
    key = stable_hash(decides)
    folder = place.root / "controls" / f"{control}-{key}"
    return ControlBank(control, codes.seed, key, folder, codes.target, _engine_settings(control, codes))


def _engine_settings(control: Control, codes: Job) -> mixtures.EngineSettings:
    """What a mixture takes over from the run that makes the codes."""
    if control not in MIXTURES or codes.stage is not CATALOGUE:
        return mixtures.EngineSettings()
    model, data = codes.section["model"], codes.section["data"]
    epochs = codes.section["trainer"]["max_epochs"]
    after_em = model["recommendation"]["epochs"] if model["recommendation"] else 0
    last = epochs - after_em if epochs and epochs > 0 else Schedule().last
    schedule = Schedule(model["warm"], model["race"], last)
    return mixtures.EngineSettings(
        text_columns(data), model["codebooks"], model["starts"], model["strength"], schedule
    )
