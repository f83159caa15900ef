"""Control codes from k-means: clusters of whole users by what they met, by its words, or by both.

Each gives [U, 1] clusters in the order of the users table, as many as the codes have combinations: at equal
bits, clusters of a whole user say more than clusters of parts of their vector. Above 16 combinations each
gives additive codes [U, P] like the engine's own (``catalogue/additive_table.py``), because so many clusters
would have few users each. They are made from TRAIN and SUPPORT rows. Where there is a choice (form, rank,
weight, width), validation rows choose, as they choose the epoch of a CTR model (``choosing.py``). Test rows
are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, product
from math import prod

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.additive_table import directions, nearest, residual_codebooks
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.codebooks import are_additive
from userip_lightning.controls.affinity import Codes
from userip_lightning.controls.choosing import Coding, best_coding
from userip_lightning.controls.user_vectors import UserVectors
from userip_lightning.data.prepared import PreparedData
from userip_lightning.texts.bag_of_words import WIDTH

#: What validation rows choose from: numbers of singular vectors, weights of the words beside the items, and
#: columns of a bag of words.
RANKS, WEIGHTS, WIDTHS = (4, 6, 8, 16, 32, 64), (0.5, 1.0, 2.0), (WIDTH, 128)
#: Weights of the words in one SVD with the items, which matter little.
_JOINT_WEIGHTS = (0.5, 1.0)


def svd_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What collaboration alone knows: a truncated SVD of the user × item matrix.

    The entries are those of ``user_vectors.py``, which says why, in three forms. Vectors are tried as they
    are and scaled to length 1. Unscaled, k-means often splits off a few very active users and leaves the
    rest in one cluster.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of SVD and k-means.

    Raises:
        InputError: fewer users than clusters, or too few users or items for a singular vector.
    """
    vectors = UserVectors(prepared, "svd_kmeans", sizes, seed)
    candidates = chain.from_iterable(vectors.of_items(RANKS))
    return best_coding(prepared, _codings(_scaled(candidates, sizes), sizes, seed))


def text_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What titles alone know: the words of a user's positive items, zeros where they have none.

    Tried are the mean bag of words of their items, of two widths, and an SVD of the users' own bags; each as
    it is and scaled to length 1.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of SVD and k-means.

    Raises:
        InputError: fewer users than clusters, or too few words.
    """
    vectors = UserVectors(prepared, "text_kmeans", sizes, seed)
    means = {form.shape[1]: form for form in map(vectors.mean_words, WIDTHS)}
    candidates = chain(means.values(), vectors.of_words(RANKS))
    return best_coding(prepared, _codings(_scaled(candidates, sizes), sizes, seed))


def svd_text_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What collaboration and titles know together.

    Tried are the vectors of :func:`svd_kmeans` and mean bags of words side by side, the former of length 1
    and the latter of a mean length of 1, times a weight; and one SVD over items and words.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of SVD and k-means.

    Raises:
        InputError: as :func:`svd_kmeans` and :func:`text_kmeans`.
    """
    vectors = UserVectors(prepared, "svd_text_kmeans", sizes, seed)
    text = vectors.mean_words(WIDTH)
    text = text / max(float(np.linalg.norm(text, axis=1).mean()), 1e-12)
    items = chain.from_iterable(vectors.of_items(RANKS))
    beside = (np.hstack([normalize(one), weight * text]) for one, weight in product(items, WEIGHTS))
    together = chain.from_iterable(vectors.of_items_and_words(RANKS, _JOINT_WEIGHTS))
    return best_coding(prepared, _codings(chain(beside, map(normalize, together)), sizes, seed))


def _scaled(vectors: Iterable[Floats], sizes: Sequence[int]) -> Iterator[Floats]:
    """Vectors [U, D] of length 1, and as they are; additive codes know no length."""
    for one in vectors:
        yield normalize(one)
        if not are_additive("auto", sizes):
            yield one


def _codings(vectors: Iterable[Floats], sizes: Sequence[int], seed: int) -> Iterator[Coding]:
    """[U, 1] clusters, or [U, P] additive codes."""
    for one in vectors:
        if are_additive("auto", sizes):
            towards = directions(residual_codebooks(one, sizes, seed))
            places = nearest(one, towards)
            yield Coding(split_classes(places, sizes), towards[places])
        else:
            with threadpool_limits(limits=1):
                found = KMeans(prod(sizes), n_init=4, random_state=seed).fit_predict(one)
            yield Coding(np.asarray(found, dtype=np.int64)[:, None])
