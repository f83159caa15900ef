"""What a study is: which data, splits, fields, networks and seeds, and how much tuning each method gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jsonargparse.typing import Path_fr

from userip_lightning.errors import InputError
from userip_lightning.pipeline.settings import Control, Engine, Selection, WandbSettings

FieldSet = Literal["ids", "rich"]


@dataclass(frozen=True)
class Tuning:
    """The search for hyper-parameters: as many trials for every method that is trained, judged on the
    validation rows of the first seed. Test rows play no part in it.

    Args:
        trials: settings tried per method and block; the first are those of the configuration, the others are
            drawn. 0 or 1 tune nothing.
        lr: lowest and highest learning rate, drawn on a logarithmic scale.
        l2: the same for the weight of the tables' squared norm.
        seed: of the draws.
    """

    trials: int = 3
    lr: tuple[float, float] = (1e-3, 1e-2)
    l2: tuple[float, float] = (2e-6, 2e-4)
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """What a study is. Names given here are the labels of its tables.

    Args:
        dataset_files: name to an experiment's YAML file as `userip fit` takes it, or to several, the later
            ones win. An unavailable dataset is reported as not run.
        split_rules: name to the class of a split, or its class_path and init_args.
        networks: name to a network's class, or its class_path and init_args, or a YAML file with them; each
            is trained without and with codes.
        references: as ``networks``, but trained only without codes: what a network has to beat. Item
            popularity is always among them.
        baselines: label to the YAML file of a language-model baseline (`configs/baselines`), or to several,
            the later ones win; each has a row in table 2.
        baseline_splits: splits under which the baselines run, by their names in the study; null for all.
            Under the others they are reported as not run.
        further_codes: label to a YAML file on top of every data set's, or to several, that makes codes in
            another way, with another language model above all. Each has a row in table 2, the control network
            with these codes; data and CTR model are those of the data set.
        not_run: method to the reason why it is not run, one sentence; the table has a row for it.
        study: folder below OUTPUT. Its runs are shared by all tables, so none is trained twice.
        output: folder of everything.
        engine: how codes are made (see `userip fit --help`), unless ``further_codes`` say otherwise. The
            paper's are ``per_user``; ``catalogue`` has no continuous profiles for table 3.
        fields: ids alone, and with the dataset's own attributes of users and items (rich).
        control_network: the network that is also trained on the controls' codes, that gets continuous
            profiles in table 3, and whose codebooks grow in figures 5 and 6.
        controls: codes that the inferred codes have to beat (see `userip fit --help`); those of the other
            engine are skipped. Each is a row with the full tuning budget; ``permuted_z`` and ``noise_z``
            train stage 2 once more with every seed, ``permuted_text`` the catalogue engine.
        sweep: codebook sizes of figures 5 and 6.
        sweep_engine: how the codes of figures 5 and 6 are made, whatever ``engine`` says: ``per_user``, the
            paper's, trains stage 2 for every size and seed, ``catalogue`` takes seconds.
        seeds: codes and CTR models are trained anew for every seed; five or more for a verdict.
        profile_seeds: stage 1 runs once for each; the i-th seed takes the i-th of them, in turns.
        tuning: the search for hyper-parameters.
        selection: how a run's epoch is chosen.
        workers: processes that train CTR models, each with one thread; null for one per core, 0 to use
            only this one.
        wandb: Weights & Biases, for the runs that are judged, not for trials.
    """

    dataset_files: dict[str, Path_fr | list[Path_fr]]
    split_rules: dict[str, str | dict[str, Any]]
    networks: dict[str, Path_fr | str | dict[str, Any]]
    references: dict[str, Path_fr | str | dict[str, Any]] = field(default_factory=dict)
    baselines: dict[str, Path_fr | list[Path_fr] | dict[str, Any]] = field(default_factory=dict)
    baseline_splits: list[str] | None = None
    further_codes: dict[str, Path_fr | list[Path_fr]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    study: str = "study"
    output: str = "runs"
    engine: Engine = "per_user"
    fields: list[FieldSet] = field(default_factory=lambda: ["ids", "rich"])
    control_network: str = "DCN"
    controls: list[Control] = field(
        default_factory=lambda: [
            *("shuffled", "random", "svd_kmeans", "generosity", "count_mixture"),
            *("permuted_z", "noise_z", "permuted_text"),
        ]
    )
    sweep: list[int] = field(default_factory=lambda: [3, 4, 9, 27, 81])
    sweep_engine: Engine = "catalogue"
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    profile_seeds: list[int] = field(default_factory=lambda: [0])
    tuning: Tuning = field(default_factory=Tuning)
    selection: Selection = field(default_factory=Selection)
    workers: int | None = None
    wandb: WandbSettings = field(default_factory=lambda: WandbSettings(mode="disabled"))


def study_root(study: Study) -> Path:
    """The study's folder."""
    return Path(study.output) / study.study


def check(study: Study) -> None:
    """Refuse a study that cannot be run as it stands.

    Raises:
        InputError: a name that is no folder's, a list without entries or with one entry twice, a control
            network that is not among the networks, or a range that cannot be searched.
    """
    if not study.study or set(study.study) & set("/\\") or study.study[0] == ".":
        raise InputError(f"study: {study.study!r} is no folder name; use letters, digits, - and _.")
    for name in ("dataset_files", "split_rules", "networks", "fields", "seeds", "profile_seeds", "sweep"):
        values = list(getattr(study, name))
        if not values or len(set(values)) < len(values):
            raise InputError(f"{name}: {values} given, one or more different entries were expected.")
    if study.control_network not in study.networks:
        raise InputError(
            f"control_network: {study.control_network!r} is not among the networks "
            f"({', '.join(study.networks)}); name one of them."
        )
    if unknown := sorted(set(study.baseline_splits or ()) - set(study.split_rules)):
        raise InputError(
            f"baseline_splits: {unknown[0]!r} is not among the splits ({', '.join(study.split_rules)}); name "
            "some of them, or null for all."
        )
    for name, (low, high) in (("lr", study.tuning.lr), ("l2", study.tuning.l2)):
        if not 0 < low < high:
            raise InputError(
                f"tuning.{name}: [{low}, {high}] given; give the lowest value, above 0, and then the highest."
            )
    if study.tuning.trials < 0 or (study.workers is not None and study.workers < 0):
        raise InputError("tuning.trials and workers count something: give numbers from 0 up.")
