"""Codes that stand for given words.

    a_i    cosine of the TF-IDF of item i's text and of the words, over the largest such cosine; 0 where they
           share no word

EM ends first, so classes and codes are those of a fit without anchors. The code of the profile whose users
like such items most, by the mean of a over what its classes like, Σ_i n_i a_i e^l / Σ_i n_i e^l with l of a
like, changes its number with the code that is named. In the M steps that follow (``event_model.py``), what
the words say has s · a_i times the weight of what events and prior say of item i together in explicit logs:
with s = 1 a full match moves an estimate halfway. In implicit logs each of the C classes of the code gets
s · a_i / C beside its share p(c|i), and the shares are normalised. Users join or leave by the rule of all
others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.steering import Steering
from userip_lightning.errors import InputError


class Anchor(NamedTuple):
    """One code and its words.

    Args:
        profile: p.
        code: of the profile.
        near: [I], a.
    """

    profile: int
    code: int
    near: Floats


def find_anchors(steering: Steering, names: Sequence[str], texts: Sequence[str]) -> list[Anchor]:
    """The anchors of a steering.

    Args:
        steering: names codes and words.
        names: of the profiles.
        texts: of the items.

    Raises:
        InputError: no item has a word of an anchor.
    """
    if not steering.anchors:
        return []
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    try:
        items = vectorizer.fit_transform(texts)
    except ValueError:
        raise InputError(
            "catalogue.model.steering.anchors: no item has a text, so no words can be found in any; give the "
            "items texts, or leave anchors out."
        ) from None
    found = []
    for profile, named in steering.anchors.items():
        for code, words in named.items():
            near = np.asarray((items @ vectorizer.transform([words]).T).todense()).ravel()
            if not near.any():
                raise InputError(
                    f"catalogue.model.steering.anchors.{profile}.{code}: none of the words in {words!r} "
                    "occurs in an item's text; choose words of the texts (catalogue.data.columns)."
                )
            found.append(Anchor(list(names).index(profile), code, near / near.max()))
    return found


def anchored_order(
    anchors: Sequence[Anchor], table: CodeTable, popularity: Floats, sizes: Mapping[str, int]
) -> NDArray[np.int64]:
    """[C] classes in the order of their combinations, once codes have changed numbers.

    Args:
        anchors: the first ones choose first.
        table: classes in the order of their combinations.
        popularity: [I], n, events of every item.
        sizes: K_p by profile name.
    """
    shape = tuple(sizes.values())
    numbers = [np.arange(size) for size in shape]
    taken: list[set[int]] = [set() for _ in shape]
    liked = popularity[:, None] * np.exp(table.evidence[-len(popularity) :])
    share = np.exp(table.log_share).reshape(shape)
    for anchor in anchors:
        others = tuple(p for p in range(len(shape)) if p != anchor.profile)
        near = (anchor.near @ liked / liked.sum(axis=0)).reshape(shape)
        by_code = (share * near).sum(axis=others) / (share.sum(axis=others) + 1e-12)
        own, done = numbers[anchor.profile], taken[anchor.profile]
        ranked = np.argsort(-by_code[own], kind="stable")
        best = next(int(number) for number in ranked if int(number) not in done)
        own[[anchor.code, best]] = own[[best, anchor.code]]
        done.add(anchor.code)
    return np.arange(len(table.log_share)).reshape(shape)[np.ix_(*numbers)].ravel()


def anchored_weight(anchors: Sequence[Anchor], strength: float, sizes: Mapping[str, int]) -> Floats:
    """s · a [I, C] of anchored classes, 0 of others; classes in the order of their combinations."""
    digits = np.indices(tuple(sizes.values())).reshape(len(sizes), -1)
    found = np.zeros((len(anchors[0].near), digits.shape[1]))
    for anchor in anchors:
        found[:, digits[anchor.profile] == anchor.code] += strength * anchor.near[:, None]
    return found
