"""The regimes of a study, and how each one differs from the experiment that it is a version of."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import NamedTuple

from userip_lightning.data.cold_items import ColdItems
from userip_lightning.data.splits import ColdUsers, RandomSplit, TemporalSplit
from userip_lightning.pipeline.profiles import Profile
from userip_lightning.reproduce.regimes.settings import Regimes, SplitName

_CLASSES = {
    "cold_users": ColdUsers,
    "random": RandomSplit,
    "temporal": TemporalSplit,
    "cold_items": ColdItems,
}
_WORDS = {
    "cold_users": "cold users",
    "random": "warm users, random split",
    "temporal": "warm users, temporal split",
    "cold_items": "cold items",
}


class Regime(NamedTuple):
    """One version of the log.

    Args:
        split: what is cold.
        train_users: users who keep their training events; None for all.
        titles: shown of a cold user; None where nobody is cold.
        support: events set apart of a cold user.
        sizes: K_p by profile name.
    """

    split: SplitName
    train_users: int | None
    titles: int | None
    support: int
    sizes: dict[str, int]

    @property
    def codes(self) -> str:
        """Sizes of the codebooks, such as ``4x3``."""
        return "x".join(map(str, self.sizes.values()))

    @property
    def name(self) -> str:
        """Folder of its runs."""
        titles = [] if self.titles is None else [f"{self.titles}titles"]
        return "-".join([self.split, f"{self.train_users or 'all'}users", *titles, self.codes])

    @property
    def cold(self) -> str:
        """What is cold, in words."""
        return _WORDS[self.split]

    @property
    def label(self) -> str:
        """All but that, in words."""
        users = "all users" if self.train_users is None else f"{self.train_users:,} users"
        titles = [] if self.titles is None else [f"{self.titles} title{'' if self.titles == 1 else 's'}"]
        return ", ".join([users, *titles, f"{self.codes} codes"])

    @property
    def axes(self) -> dict[str, object]:
        """Where it stands in a figure, but for the users that its data turned out to have."""
        users = "all" if self.train_users is None else str(self.train_users)
        return {
            "users": users,
            "titles": self.titles,
            "codes": self.codes,
            "classes": prod(self.sizes.values()),
        }

    def overrides(self, profiles: Mapping[str, Profile]) -> dict[str, object]:
        """Settings of `userip fit` that make it; a split of the same class keeps its other arguments.

        Args:
            profiles: of the experiment that it is a version of, whose words stay.
        """
        split = _CLASSES[self.split]
        arguments = {} if self.titles is None else {"support": self.support, "show": self.titles}
        return {
            "engine": "catalogue",
            "data": {
                "split": {"class_path": f"{split.__module__}.{split.__name__}", "init_args": arguments},
                "train_users": self.train_users,
            },
            "profiles": {
                name: {"size": size, "text": profiles[name].text if name in profiles else None}
                for name, size in self.sizes.items()
            },
        }


def grid(regimes: Regimes) -> list[Regime]:
    """All combinations; titles are varied where users are cold."""
    return [
        Regime(split, users, titles, max(regimes.titles), sizes)
        for split, sizes in product(regimes.splits, regimes.sizes)
        for titles in (regimes.titles if split == "cold_users" else [None])
        for users in regimes.train_users
    ]
