"""The words of a prompt: what the user did, and whether they like the target item (Fig. 3 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from string import Formatter
from typing import NamedTuple

import polars as pl

from userip_lightning.artifact import stable_hash
from userip_lightning.errors import InputError


@dataclass(frozen=True)
class ReLLaPrompt:
    """Everything about the prompt that is configuration. Fields of the tables stand in braces.

    Args:
        system: system message of a chat; ``null`` leaves it to the model's chat template.
        user: about the user, fields of the user table in braces; empty for nothing.
        history: stands before the behaviours where not all that are known are shown.
        whole: stands before them where all are shown.
        nothing: stands for them where there are none.
        behaviour: a line of the history; fields of the item table, and ``{opinion}``.
        rated: the opinion where there is a rating; ``{rating}``, and ``{s}``, an s unless the rating is 1.
        liked: the opinion where there is none and the label is 1.
        disliked: the same, where it is 0.
        question: about the target; fields of the item table, ``{yes}`` and ``{no}``.
        answer: closes the prompt of a model without a chat template.
        yes: answer that stands for label 1.
        no: answer that stands for label 0.
        missing: stands for an attribute without a value.
    """

    system: str | None = None
    user: str = ""
    history: str = "In order of time, the user rated among others:"
    whole: str = "In order of time, all that the user has rated so far:"
    nothing: str = "The user has rated nothing so far."
    behaviour: str = "{title} ({opinion})"
    rated: str = "{rating} star{s}"
    liked: str = "liked"
    disliked: str = "disliked"
    question: str = 'Does the user like "{title}"? Answer {yes} or {no}.'
    answer: str = "Answer:"
    yes: str = "Yes"
    no: str = "No"
    missing: str = "unknown"

    @property
    def hash(self) -> str:
        """Identifies the prompt in manifests."""
        return stable_hash(asdict(self))


#: Frozen, so it can serve as a default value.
DEFAULT_PROMPT = ReLLaPrompt()


class Behaviour(NamedTuple):
    """One thing that a user did."""

    item: int  #     dense index
    label: int  #    0 or 1
    rating: float  # NaN where there is none


class PromptWriter:
    """Writes prompts from the tables of prepared data.

    Args:
        template: the words.
        items: in order of ``item``.
        users: in order of ``user``.

    Raises:
        InputError: a text of the template names a field that its table does not have, or is no template.
    """

    def __init__(self, template: ReLLaPrompt, items: pl.DataFrame, users: pl.DataFrame) -> None:
        self.template = template
        of_item, of_user = _columns(items, "item"), _columns(users, "user")
        named = _fields("behaviour", template.behaviour, {*of_item, "opinion"}) - {"opinion"}
        named |= _fields("question", template.question, {*of_item, "yes", "no"}) - {"yes", "no"}
        _fields("rated", template.rated, {"rating", "s"})
        self._items = _texts(items, named, template.missing)
        self._users = _texts(users, _fields("user", template.user, set(of_user)), template.missing)

    def write(self, user: int, item: int, shown: Sequence[Behaviour], all_known: bool) -> str:
        """The prompt as the user's message of a chat.

        Args:
            user: dense index.
            item: dense index of the target.
            shown: behaviours, the earliest first.
            all_known: whether these are all that are known.
        """
        words = self.template
        heading = (words.whole if all_known else words.history) if shown else words.nothing
        about = words.user.format(**_row(self._users, user))
        question = words.question.format(**_row(self._items, item), yes=words.yes, no=words.no)
        lines = [about, heading, *map(self._behaviour, shown), question]
        return "\n".join(line for line in lines if line)

    def _behaviour(self, done: Behaviour) -> str:
        return self.template.behaviour.format(**_row(self._items, done.item), opinion=self._opinion(done))

    def _opinion(self, done: Behaviour) -> str:
        if math.isnan(done.rating):
            return self.template.liked if done.label else self.template.disliked
        return self.template.rated.format(rating=f"{done.rating:g}", s="" if done.rating == 1 else "s")


def item_texts(text: str, items: pl.DataFrame, missing: str) -> list[str]:
    """``text`` filled in for every item, for the encoder of the retrieval.

    Raises:
        InputError: ``text`` names a field that items do not have, or is no template.
    """
    columns = _texts(items, _fields("item_text", text, set(_columns(items, "item"))), missing)
    return [text.format(**_row(columns, item)) for item in range(items.height)]


def _columns(table: pl.DataFrame, index: str) -> list[str]:
    return [name for name in table.columns if name != index]


def _fields(name: str, text: str, allowed: set[str]) -> set[str]:
    """Names in braces in ``text``.

    Raises:
        InputError: one of them is not among ``allowed``, or the text is no template.
    """
    try:
        text.format(**dict.fromkeys(allowed, "a text"))
        named = {field for _, field, _, _ in Formatter().parse(text) if field}
        if part_of_one := sorted(named - allowed):
            raise KeyError(part_of_one[0])  # a text has attributes and letters that format() would take
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise InputError(
            f"rella.{name}: {text!r} cannot be filled in ({type(error).__name__}: {error}); the fields that "
            f"it may name in braces are {', '.join(sorted(allowed))}."
        ) from None
    return named


def _texts(table: pl.DataFrame, names: Iterable[str], missing: str) -> dict[str, list[str]]:
    """Columns as text, with ``missing`` where there is no value."""
    return {name: [str(value) if value else missing for value in table[name]] for name in sorted(names)}


def _row(columns: Mapping[str, list[str]], at: int) -> dict[str, str]:
    return {name: column[at] for name, column in columns.items()}
