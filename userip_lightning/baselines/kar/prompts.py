"""What the language model is asked to write: a user's preferences, and what is known of an item.

Xi et al., "Towards Open-World Recommendation with Knowledge Augmentation from Large Language Models", 2024,
section on knowledge reasoning and generation: the question names the factors that decide in the scenario at
hand ("factorization prompting"), because an open question gets a general answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from string import Formatter
from typing import NamedTuple

from userip_lightning.artifact import stable_hash
from userip_lightning.errors import InputError

_PREFERENCE = (
    "Given a user's {thing} rating history over time: {history}analyze the user's preferences on "
    "{thing}s (consider factors like {factors}). Give clear explanations based on details of the history."
)
_FACT = "Introduce the {thing} {item} and describe its attributes, such as {factors}."
_RATED, _LIKED, _DISLIKED = '"{title}", {rating} stars; ', '"{title}", liked; ', '"{title}", disliked; '
#: What stands in every prompt; part of its hash.
_WORDS = {
    "preference": _PREFERENCE,
    "fact": _FACT,
    "rated": _RATED,
    "liked": _LIKED,
    "disliked": _DISLIKED,
}
#: What the first words of an answer may name.
_PLACES = {"preference_lead": {"thing"}, "fact_lead": {"title", "thing"}}


class Question(NamedTuple):
    """A prompt whose middle can be shortened from its beginning."""

    head: str
    parts: tuple[str, ...]  # behaviours, the earliest first; none for an item
    tail: str
    lead: str = ""  # first words of the answer

    def text(self, dropped: int = 0) -> str:
        """The prompt without its first ``dropped`` parts."""
        return self.head + "".join(self.parts[dropped:]) + self.tail


class Behaviour(NamedTuple):
    """What a user did, as far as a prompt can tell."""

    title: str
    rating: float  # NaN where there is none
    label: int  #    1 where the user liked it


@dataclass(frozen=True)
class KnowledgePrompt:
    """What is configuration of the two prompts.

    Args:
        thing: what an item is called, for instance "movie".
        factors: what matters in the scenario; named in both prompts.
        history: latest behaviours that a user's prompt tells of.
        attributes: columns of the item table that an item's prompt tells beside the title, where they are
            known.
        preference_lead: first words of the answer about a user, for a model that would open with a phrase of
            courtesy and spend its tokens on it; place ``{thing}``.
        fact_lead: the same of an item; places ``{title}``, ``{thing}``.

    Raises:
        InputError: ``history`` is below 1, or first words of an answer have a place that cannot be filled.
    """

    thing: str = "item"
    factors: Sequence[str] = ("type", "style", "theme", "quality", "price", "reputation")
    history: int = 20
    attributes: Sequence[str] = ()
    preference_lead: str = ""
    fact_lead: str = ""

    def __post_init__(self) -> None:
        if self.history < 1:
            raise InputError(
                f"knowledge.prompt.history is {self.history}; give a number of behaviours, from 1."
            )
        for name, known in _PLACES.items():
            _check_places(name, getattr(self, name), known)

    @property
    def hash(self) -> str:
        """Identifies the prompt in manifests."""
        return stable_hash({**asdict(self), **_WORDS})

    def ask_user(self, behaviours: Iterable[Behaviour]) -> Question | None:
        """The prompt about a user; ``None`` without behaviours.

        Args:
            behaviours: in order of time; the caller chose those that may be told.
        """
        parts = tuple(map(_told, behaviours))
        if not parts:
            return None
        named = {"thing": self.thing, "factors": ", ".join(self.factors)}
        head, _, tail = _PREFERENCE.partition("{history}")
        lead = self.preference_lead.format(thing=self.thing)
        return Question(head.format(**named), parts, tail.format(**named), lead)

    def ask_item(self, item: Mapping[str, str | None]) -> Question | None:
        """The prompt about an item; ``None`` without a title.

        Args:
            item: a row of the item table.
        """
        if not item.get("title"):
            return None
        known = "; ".join(f"{name.replace('_', ' ')}: {item[name]}" for name in self.attributes if item[name])
        named = f'"{item["title"]}"' + (f" ({known})" if known else "")
        text = _FACT.format(item=named, thing=self.thing, factors=", ".join(self.factors))
        return Question(text, (), "", self.fact_lead.format(title=item["title"], thing=self.thing))


def _told(behaviour: Behaviour) -> str:
    if math.isnan(behaviour.rating):
        return (_LIKED if behaviour.label else _DISLIKED).format(title=behaviour.title)
    return _RATED.format(title=behaviour.title, rating=f"{behaviour.rating:g}")


def _check_places(name: str, text: str, known: set[str]) -> None:
    """Refuse first words with a place that they cannot fill."""
    try:
        found = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise InputError(f"knowledge.prompt.{name}: {error}; write a brace itself as {{{{ or }}}}.") from None
    for place, form, conversion in found:
        if form or conversion:  # a place takes text as it is
            raise InputError(f"knowledge.prompt.{name}: {{{place}}} takes no ':' or '!'; leave them out.")
    if strange := {str(place) for place, _, _ in found} - known:
        allowed = ", ".join(f"{{{place}}}" for place in sorted(known))
        raise InputError(
            f"knowledge.prompt.{name}: {{{min(strange)}}} is no place of this prompt; use {allowed}."
        )


#: Frozen, so it can serve as a default value.
DEFAULT_PROMPT = KnowledgePrompt()
