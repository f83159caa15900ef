"""A card for every code of a profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.explain.certainty import Certainty
from userip_lightning.explain.event_log import Log
from userip_lightning.explain.explanation import Code, LiftedItem, Profile, TypicalUser, Words
from userip_lightning.explain.lifted_items import Lifted, lifted
from userip_lightning.explain.overlap import entropy
from userip_lightning.explain.source import Floats, Ints
from userip_lightning.explain.title_words import distinctive_words
from userip_lightning.explain.typical import likest_users, surest_users

if TYPE_CHECKING:
    from userip_lightning.explain.lm_words import LanguageModelWords

_ITEMS, _TYPICAL, _WORDS, _LABEL = 12, 5, 8, 3
_READ = 20_000  # items, by a language model
_NOBODY = "no users"


class Cards(NamedTuple):
    """A profile's codes.

    Args:
        profile: with its codes.
        typical: users by code.
    """

    profile: Profile
    typical: list[Ints]


class _Users(NamedTuple):
    """Figures of a profile's codes, [K] each."""

    number: Ints
    click_rate: list[float | None]
    sure: list[float | None]
    entropy: list[float | None]


def cards(
    log: Log, sure: Certainty | None, gained: float | None, words: LanguageModelWords | None, profile: int
) -> Cards:
    """Of one profile; places in the map are not known yet.

    Args:
        log: the experiment's.
        sure: how sure codes are, where a table tells.
        gained: what the profile gains, where a table tells.
        words: a language model that reads codes.
        profile: 0 .. P - 1.
    """
    name, size = log.names[profile], log.sizes[profile]
    under = _under(log, profile)
    items = lifted(under, _ITEMS)
    text = log.source.texts[name]
    said = _words(log, under, words, text)
    if sure is None:
        typical = likest_users(log, profile, items, _TYPICAL)
    else:
        typical = surest_users(sure, log.codes, profile, size, log.events, _TYPICAL)
    users = _users(log, sure, profile)
    codes = [
        Code(
            code=code,
            label=_label(code, int(users.number[code]), said[code].distinctive, items[code], log.title),
            users=int(users.number[code]),
            share=float(users.number[code] / max(log.n_users, 1)),
            click_rate=users.click_rate[code],
            sure=users.sure[code],
            entropy=users.entropy[code],
            words=said[code],
            items=_items(log, items[code]),
            typical=[_typical(log, sure, profile, int(user)) for user in typical[code]],
            map=None,
        )
        for code in range(size)
    ]
    perplexity = float(np.exp(entropy(users.number / max(log.n_users, 1))))
    return Cards(Profile(name, text, size, perplexity, gained, codes), typical)


def labels(log: Log, profile: int) -> list[str]:
    """[K], those of the :func:`cards` of a profile and nothing else of them."""
    under = _under(log, profile)
    users = np.bincount(log.codes[:, profile], minlength=log.sizes[profile])
    parts = zip(users, distinctive_words(log.words, under, _WORDS), lifted(under, _ITEMS), strict=True)
    return [_label(code, int(own), words, items, log.title) for code, (own, words, items) in enumerate(parts)]


def _under(log: Log, profile: int) -> csr_matrix:
    """[I, K] liked events of items under codes."""
    return (log.liked.T @ log.holders(profile)).tocsr()


def _words(log: Log, under: csr_matrix, words: LanguageModelWords | None, text: str) -> list[Words]:
    distinctive = distinctive_words(log.words, under, _WORDS)
    if words is None:
        return [Words(own) for own in distinctive]
    read = np.argsort(-np.asarray(under.sum(axis=1)).ravel(), kind="stable")[:_READ]
    weight: Floats = under[read].toarray()
    nearest = words.nearest(words.entries([log.texts[item] for item in read], weight), _WORDS)
    expected = words.expected([own[:_LABEL] for own in distinctive], text, _WORDS)
    return [Words(*own) for own in zip(distinctive, nearest, expected, strict=True)]


def _label(code: int, users: int, words: list[str], items: Lifted, title: Callable[[int], str]) -> str:
    """Distinctive words; where there are none the most lifted item, or the number alone."""
    if not users:
        return _NOBODY
    if words:
        return ", ".join(words[:_LABEL])
    return title(int(items.things[0])) if items.things.size else f"code {code}"


def _users(log: Log, sure: Certainty | None, profile: int) -> _Users:
    size, code = log.sizes[profile], log.codes[:, profile]
    click_rate: list[float | None] = [None] * size
    if log.explicit:
        liked = np.asarray(log.liked.sum(axis=1)).ravel()
        click_rate = _ratio(np.bincount(code, liked, size), np.bincount(code, log.events, size))
    probability: list[float | None] = [None] * size
    uncertainty: list[float | None] = [None] * size
    if sure is not None:
        own = code[sure.users]
        count = np.bincount(own, minlength=size)
        probability = _ratio(np.bincount(own, sure.probability[:, profile], size), count)
        uncertainty = _ratio(np.bincount(own, sure.entropy[:, profile], size), count)
    return _Users(np.bincount(code, minlength=size), click_rate, probability, uncertainty)


def _ratio(total: NDArray[np.generic], count: NDArray[np.generic]) -> list[float | None]:
    return [float(part / of) if of else None for part, of in zip(total, count, strict=True)]


def _items(log: Log, items: Lifted) -> list[LiftedItem]:
    rows = zip(*(part.tolist() for part in items), strict=True)
    return [LiftedItem(log.item_id(item), log.title(item), *figures) for item, *figures in rows]


def _typical(log: Log, sure: Certainty | None, profile: int, user: int) -> TypicalUser:
    probability = None
    if sure is not None:
        probability = float(sure.probability[np.searchsorted(sure.users, user), profile])
    return TypicalUser(str(log.user_ids[user]), probability, int(log.events[user]))
