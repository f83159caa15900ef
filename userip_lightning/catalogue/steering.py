"""What a person decides about the codes: which words a code stands for, and which codes are one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from userip_lightning.errors import InputError

_KEY = "catalogue.model.steering"


@dataclass(frozen=True)
class Steering:
    """Decisions on top of what EM finds; see ``anchors.py`` and ``merging.py``.

    Args:
        anchors: profile to code to the words that the code shall stand for, such as
            ``{hobby: {2: strategy and simulation games}}``. The numbers are those of a fit without them, of
            the same seed.
        strength: what the words of an anchor weigh, beside all that events and texts say of an item.
        steps: of EM with anchors, the last ones of ``trainer.max_epochs``.
        merge: profile to groups of codes that become one, such as ``{hobby: [[1, 3]]}``. The group takes the
            place of its lowest code, and the codes after it move up. Numbers mean other codes with another
            seed.
    """

    anchors: dict[str, dict[int, str]] = field(default_factory=dict)
    strength: float = 1.0
    steps: int = 10
    merge: dict[str, list[list[int]]] = field(default_factory=dict)

    def check(self, sizes: Mapping[str, int]) -> None:
        """Refuse what cannot be done to codebooks of these sizes.

        Args:
            sizes: K_p by profile name.

        Raises:
            InputError: an unknown profile or code, words that are none, a code in two groups, or a group of
                one code.
        """
        for profile, named in self.anchors.items():
            _known("anchors", profile, list(named), sizes)
            for code, words in named.items():
                if not words.strip():
                    raise InputError(f"{_KEY}.anchors.{profile}.{code}: no words given; give some.")
        if not 0 < self.strength < float("inf"):
            raise InputError(f"{_KEY}.strength: {self.strength} given, a number above 0 is needed.")
        if self.steps < 1:
            raise InputError(f"{_KEY}.steps: {self.steps} given, at least 1 is needed.")
        for profile, groups in self.merge.items():
            codes = [code for group in groups for code in group]
            _known("merge", profile, codes, sizes)
            if len(set(codes)) < len(codes) or min(map(len, groups), default=0) < 2:
                raise InputError(
                    f"{_KEY}.merge.{profile}: {groups} given, groups of two or more codes are needed, and "
                    "each code in one group at most."
                )
            if profile in self.anchors and set(codes) & set(self.anchors[profile]):
                raise InputError(f"{_KEY}.merge.{profile}: names an anchored code; do one of the two.")

    def refuse_additive(self) -> None:
        """Refuse to steer additive codebooks.

        Raises:
            InputError: there are anchors or merged codes.
        """
        if self.anchors or self.merge:
            raise InputError(
                f"{_KEY}: it is for joint codebooks, these are additive; set codebooks to joint."
            )


def _known(setting: str, profile: str, codes: list[int], sizes: Mapping[str, int]) -> None:
    if profile not in sizes:
        raise InputError(f"{_KEY}.{setting}: no profile {profile!r}; there are {', '.join(sizes)}.")
    unknown = [code for code in codes if not 0 <= code < sizes[profile]]
    if unknown:
        raise InputError(
            f"{_KEY}.{setting}.{profile}: no code {unknown[0]}; there are 0 to {sizes[profile] - 1}."
        )
