"""The prompt of Eq. 3: ``[BOS] name_1 z_1 ... name_P z_P task behaviours``.

The part up to the last soft token (the *prefix*) is the same for every user but for the values of z; the
*body* (task text and behaviours, :mod:`userip_lightning.profile.prompt_bodies`) differs. Deviation from the
paper: behaviours may be grouped by what the user thought of the item ("He liked: ... He disliked: ..."),
because titles alone say little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from string import Formatter
from typing import NamedTuple, Protocol

from userip_lightning.artifact import stable_hash
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError

BOS_SEGMENT = 0
#: Words and characters of a text that a message quotes.
_WORDS, _SIGNS = 8, 60
#: Tokens that spell one character at most: a space and four bytes, and some to spare.
_SPELLS = 8


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that prompts need."""

    bos_token_id: int | None
    eos_token_id: int | None

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, list[int]]:
        """Token ids of ``text`` under the key ``input_ids``."""

    def decode(self, ids: list[int], /) -> str:
        """Tokens as text; a part of a character is �."""

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id."""


@dataclass(frozen=True)
class ProfileName:
    """One latent profile: a key for codes and logs, and the words in front of its soft tokens."""

    name: str
    text: str


def profile_text(name: str, place: int) -> str:
    """Words in front of a profile's soft tokens, unless it has its own; ``place`` is 0 of the first."""
    return f", his {name} is" if place else f"This user's {name} is"


@dataclass(frozen=True)
class PromptTemplate:
    """Everything about the prompt that is configuration.

    Args:
        profiles: the P latent profiles, in prompt order.
        soft_tokens: S, soft tokens per profile; the paper has 1.
        liked: task text before the behaviours with label 1.
        disliked: task text before those with label 0; ``null`` leaves them out.
        item: how an item is written; fields of the item table in braces.
        item_max_tokens: tokens of an item at most, the separator aside; a longer one loses its end, but no
            part of a character. All of it is read where ``null``.
        separator: closes every behaviour; its likelihood does not count.
        independent: behaviours do not see each other, p(h | z) = Π_i p(h_i | z); ``false`` is the paper's
            p(h_t | z, h_<t), where the title before explains much of what z should.
    """

    profiles: list[ProfileName] = field(
        default_factory=lambda: [
            ProfileName(name, profile_text(name, place)) for place, name in enumerate(DEFAULT_SIZES)
        ]
    )
    soft_tokens: int = 4
    liked: str = ". He liked:"
    disliked: str | None = " He disliked:"
    item: str = " {title}"
    item_max_tokens: int | None = None
    separator: str = ";"
    independent: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The P profile names."""
        return tuple(p.name for p in self.profiles)

    @property
    def hash(self) -> str:
        """Identifies the prompt in manifests."""
        return stable_hash(asdict(self))

    def item_fields(self) -> list[str]:
        """Columns of the item table that :attr:`item` mentions."""
        return [name for _, name, _, _ in Formatter().parse(self.item) if name]

    def write_item(self, values: Mapping[str, str | None]) -> str | None:
        """An item as text; ``None`` where a field it needs has no value."""
        needed = {name: values.get(name) for name in self.item_fields()}
        if any(not value for value in needed.values()):
            return None
        return self.item.format(**needed)


#: The paper's two profiles. Frozen, so it can serve as a default value.
DEFAULT_PROMPT = PromptTemplate()


class Prefix(NamedTuple):
    """Token ids of the prefix, with the places of its soft tokens."""

    ids: list[int]  #           [L]; soft places hold the id 0 and are overwritten by z
    segment: list[int]  #       [L]; 0 is BOS, p + 1 is profile p
    soft: list[list[int]]  #    [P][S] positions of the soft tokens


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of a piece of the prompt, without special tokens."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def first_words(text: str) -> str:
    """The beginning of a text, for a message."""
    words = text.split()
    return " ".join(words[:_WORDS])[:_SIGNS] + ("" if len(words) <= _WORDS else " ...")


def encode_item(tokenizer: Tokenizer, text: str, most: int | None) -> list[int]:
    """Token ids of an item's text, ``most`` of them at most; all where None.

    A byte-level tokenizer may spell a character with several tokens: those of one that does not fit are left
    out, but where it is the first.
    """
    ids = encode(tokenizer, text)
    if most is None or len(ids) <= most:
        return ids
    ends = (*range(most, max(most - _SPELLS, 0), -1), *range(most + 1, most + _SPELLS))
    return ids[: next((end for end in ends if _ends_whole(tokenizer, ids[:end])), most)]


def _ends_whole(tokenizer: Tokenizer, ids: list[int]) -> bool:
    read = tokenizer.decode(ids).strip()
    return bool(read) and not read.endswith("\ufffd")


def build_prefix(template: PromptTemplate, tokenizer: Tokenizer) -> Prefix:
    """Tokenise BOS, names and soft places (Eq. 3).

    Raises:
        InputError: no profiles, no soft tokens, no tokens for an item, or a profile name that tokenizes to
            nothing.
    """
    if template.item_max_tokens is not None and template.item_max_tokens < 1:
        raise InputError(
            f"prompt.item_max_tokens: {template.item_max_tokens} given, give a number from 1 up, or null."
        )
    if not template.profiles or template.soft_tokens < 1:
        raise InputError("prompt: at least one profile and one soft token per profile are needed.")
    if len(set(template.names)) != len(template.names):
        raise InputError(f"prompt.profiles: the names {template.names} are not distinct; rename one.")
    ids: list[int] = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    segment = [BOS_SEGMENT] * len(ids)
    soft: list[list[int]] = []
    for number, profile in enumerate(template.profiles, start=1):
        words = encode(tokenizer, profile.text)
        if not words:
            raise InputError(
                f"prompt.profiles: the text {profile.text!r} of profile {profile.name!r} tokenizes to "
                "nothing; give it at least one word."
            )
        start = len(ids) + len(words)
        soft.append(list(range(start, start + template.soft_tokens)))
        ids += words + [0] * template.soft_tokens
        segment += [number] * (len(words) + template.soft_tokens)
    return Prefix(ids, segment, soft)
