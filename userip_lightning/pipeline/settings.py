"""What an experiment is, besides the settings of its stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from userip_lightning.pipeline.profiles import Profile, default_profiles

StageName = Literal["prepare", "profile", "quantize", "catalogue", "ctr", "report"]
STAGE_NAMES: tuple[StageName, ...] = ("prepare", "profile", "quantize", "catalogue", "ctr", "report")
Engine = Literal["per_user", "catalogue"]
#: Stages that make the codes.
ENGINES: dict[Engine, tuple[StageName, ...]] = {
    "per_user": ("profile", "quantize"),
    "catalogue": ("catalogue",),
}
Control = Literal[
    "shuffled",
    "random",
    "svd_kmeans",
    "text_kmeans",
    "svd_text_kmeans",
    "generosity",
    "count_mixture",
    "bag_of_words_mixture",
    "permuted_z",
    "noise_z",
    "permuted_text",
]


@dataclass(frozen=True)
class WandbSettings:
    """Weights & Biases: files on disk are the source of truth, this is a copy for looking at.

    Args:
        project: project name.
        mode: ``offline`` needs no account (``wandb sync`` uploads later), ``online`` does, ``disabled``
            writes nothing.
    """

    project: str = "userip"
    mode: Literal["offline", "online", "disabled"] = "offline"


@dataclass(frozen=True)
class Selection:
    """How the CTR model's epoch is chosen; the same budget for every variant.

    Args:
        monitor: validation figure that decides; AUC goes up, Logloss down.
        patience: validations without improvement before a run stops. Its best epoch is restored. On implicit
            logs the validation AUC can stay near 0.5 for seven epochs before anything is learned.
    """

    monitor: Literal["val/auc", "val/logloss"] = "val/auc"
    patience: int = 10


@dataclass(frozen=True)
class Settings:
    """What an experiment is, besides the settings of its stages.

    Args:
        experiment: name; results lie in OUTPUT/EXPERIMENT.
        output: folder of all experiments.
        engine: how codes are made. ``catalogue`` finds classes of users by EM over items, whose cost does
            not grow with a language model's passes over users, and codes new users by the same rule;
            ``per_user`` infers soft tokens of every user and quantizes them, as in the paper.
        profiles: name to ``size``, how many codes this profile has, and ``text``, the words that ask a
            language model for it. All profiles in order, in place of the two of the paper:
            ``{hobby: {size: 8}, background: {size: 3}, budget: {size: 5}}``. On the command line,
            ``--profiles.budget.size 5`` adds one and ``--profiles.hobby.size 8`` changes one.
        seed: seed of data preparation.
        seeds: one bank of codes, and one CTR run per variant, for every seed; five or more for a verdict.
        profile_seeds: stage 1 runs once for each; the codes of the i-th seed come from the i-th of its
            results, and from the first again where there are fewer.
        controls: banks that know nothing of the profiles, trained on beside the codes: the codes of
            permuted users, random codes, k-means on an SVD of the interactions, on the words of what the
            user liked, and on both, quantiles of the user's mean label, classes of a mixture over events,
            and of one whose prior is the items' words. Three are the codes' own stage trained again on what
            says nothing of whom it stands for: ``permuted_z`` (profiles of other users) and ``noise_z``, with
            the engine per_user, and ``permuted_text`` (texts of other items) with the engine catalogue; the
            other engine passes them over.
        selection: how the CTR model's epoch is chosen.
        workers: CTR runs that are trained at a time, each in a process with one thread of its own; small ones
            gain most. One run after another, in this process and with its threads, where 1.
        wandb: Weights & Biases.
    """

    experiment: str = "experiment"
    output: str = "runs"
    engine: Engine = "catalogue"
    profiles: dict[str, Profile] = field(default_factory=default_profiles)
    seed: int = 0
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    profile_seeds: list[int] = field(default_factory=lambda: [0])
    controls: list[Control] = field(
        default_factory=lambda: ["shuffled", "random", "svd_kmeans", "permuted_z", "noise_z", "permuted_text"]
    )
    selection: Selection = field(default_factory=Selection)
    workers: int = 1
    wandb: WandbSettings = field(default_factory=WandbSettings)
