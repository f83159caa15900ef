"""Codes that stand for given words.

    t_i   cosine of item i's text and the words, in standard deviations over the items
    q_i ∝ p(i) exp(κ t_i)

EM finds its classes first. Of these the ones that favour items near the words, by Σ_i p(i) t_i l_ic, change
places with those of the code that is anchored. From then on the code has s · N / K events more in every M
step, spread over the items as q, with N the events of the log, K the codes of the profile and s the strength:
a Dirichlet prior on p(i|c) with mean q. Users join or leave the code by the rule of all others.

In explicit logs these are likes, N counts likes, and as many dislikes come with them as the log has per like,
spread as p(i) exp(−κ t_i) with p of dislikes: an anchor says what is liked, not that much is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.catalogue.code_table import Floats
from userip_lightning.catalogue.steering import Steering
from userip_lightning.catalogue.text_reader import TextReader, read_all
from userip_lightning.errors import InputError

_SHARPNESS = 2.0  # κ


class Anchor(NamedTuple):
    """One code and its words.

    Args:
        classes: [J], those that have the code, in the order of combinations.
        near: [I], t.
        events: [E], what the code has more; E = I, or 2 I in explicit logs, dislikes first.
    """

    classes: NDArray[np.int64]
    near: Floats
    events: Floats


def find_anchors(
    steering: Steering,
    sizes: Mapping[str, int],
    counts: Floats,
    vectors: Floats | None,
    readers: Sequence[TextReader] | None,
) -> list[Anchor]:
    """The anchors of a steering, by the items' texts.

    Args:
        steering: names codes and words.
        sizes: K_p by profile name.
        counts: [E], how often every event occurs.
        vectors: [I, D] of the items' texts.
        readers: of further texts, in the same space.

    Raises:
        InputError: no texts were read, by something that reads other texts too, or the words of an anchor
            mean nothing to it.
    """
    if not steering.anchors:
        return []
    if vectors is None or not readers:
        raise InputError(
            "steering.anchors: words are compared with the items' texts, and here these are not read, or by "
            "a source that learns from the log; set catalogue.data.text to words or a language model."
        )
    found = []
    for p, (profile, size) in enumerate(sizes.items()):
        combinations = np.indices(tuple(sizes.values())).reshape(len(sizes), -1)
        for code, words in steering.anchors.get(profile, {}).items():
            (anchor,) = read_all(readers, [words])
            if not anchor.any():
                raise InputError(
                    f"steering.anchors.{profile}.{code}: none of the words in {words!r} occurs in the items' "
                    "texts as they were read; choose words of theirs."
                )
            near, share = _nearness(anchor, vectors), steering.strength / size
            events = share * _spread(counts, near)
            found.append(Anchor(np.flatnonzero(combinations[p] == code), near, events))
    return found


def anchored_order(anchors: Sequence[Anchor], liked: Floats, popularity: Floats) -> NDArray[np.int64]:
    """[C] classes, those that favour an anchor's words at the places of its code.

    Args:
        anchors: in the order of their claims; what one has taken stays with it.
        liked: [I, C], l of (liked) events, classes in the order of combinations.
        popularity: [I].
    """
    order = np.arange(liked.shape[1])
    free = np.ones(len(order), dtype=bool)
    for anchor in anchors:
        favour = (popularity * anchor.near) @ liked[:, order]
        places = [place for place in anchor.classes if free[place]]
        wanted = np.argsort(-np.where(free, favour, -np.inf), kind="stable")[: len(places)]
        coming = [place for place in wanted if place not in places]
        leaving = [place for place in places if place not in wanted]
        order[leaving], order[coming] = order[coming], order[leaving]
        free[places] = False
    return order


def anchored_events(anchors: Sequence[Anchor], classes: int) -> Floats:
    """[E, C] events that anchored codes have more; combinations that share a code share them alike."""
    found = np.zeros((len(anchors[0].events), classes))
    for anchor in anchors:
        found[:, anchor.classes] += anchor.events[:, None] / len(anchor.classes)
    return found


def _nearness(anchor: Floats, vectors: Floats) -> Floats:
    """t [I] of words [D] and items [I, D]; an item without a text is as near as the mean."""
    length = np.linalg.norm(vectors, axis=1)
    there = length > 0
    cosine = vectors[there] @ anchor / (length[there] * np.linalg.norm(anchor))
    near: Floats = np.zeros(len(vectors))
    near[there] = (cosine - cosine.mean()) / max(float(cosine.std()), 1e-9)
    return near


def _spread(counts: Floats, near: Floats) -> Floats:
    """All events [E], the (liked) ones on items near the words, dislikes on the others."""
    *disliked, liked = np.split(counts, len(counts) // len(near))
    parts = [part * np.exp(-_SHARPNESS * near) for part in disliked] + [liked * np.exp(_SHARPNESS * near)]
    totals = [part.sum() for part in (*disliked, liked)]
    return np.concatenate(
        [part * total / max(float(part.sum()), 1e-300) for part, total in zip(parts, totals, strict=True)]
    )
