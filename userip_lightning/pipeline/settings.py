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
    """Weights & Biases: files on disk are the source of truth, this is a copy to look at.

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
        engine: how codes are made. ``catalogue`` finds classes of users by EM over items and codes new users
            by the same rule; a language model reads items only. ``per_user`` infers soft tokens of every
            user with a language model and quantizes them, as in the paper.
        profiles: name to ``size``, how many codes this profile has, and ``text``, the words that ask a
            language model for it. Give all profiles, in order; they replace the paper's two:
            ``{hobby: {size: 8}, background: {size: 3}, budget: {size: 5}}``. On the command line,
            ``--profiles.budget.size 5`` adds one and ``--profiles.hobby.size 8`` changes one.
        seed: seed of data preparation.
        seeds: one bank of codes, and one CTR run per variant, for every seed; five or more for a verdict.
        profile_seeds: stage 1 runs once for each; the codes of the i-th seed come from the i-th of its
            results, and from the first again if there are fewer.
        controls: codes that the inferred codes have to beat, each with CTR runs of its own: the codes of
            permuted users, random codes, k-means on an SVD of the interactions, on the words of what the
            user liked, and on both, quantiles of the user's mean label, classes of a mixture over events,
            and of one whose prior is the items' words. Three train the codes' own stage again on input that
            says nothing of its user or item: ``permuted_z`` (profiles of other users) and ``noise_z`` with
            the engine per_user, ``permuted_text`` (texts of other items) with the engine catalogue; the
            other engine skips them.
        selection: how the CTR model's epoch is chosen.
        workers: CTR runs that are trained at the same time, each in a process with one thread; small runs
            gain most. With 1, runs are trained one after another in this process, with all its threads.
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
        default_factory=lambda: [
            *("shuffled", "random", "svd_kmeans", "count_mixture", "bag_of_words_mixture"),
            *("permuted_z", "noise_z", "permuted_text"),
        ]
    )
    selection: Selection = field(default_factory=Selection)
    workers: int = 1
    wandb: WandbSettings = field(default_factory=WandbSettings)
