"""Control codes from k-means: clusters of whole users by what they met, by its words, or by both.

Each gives [U, 1] clusters in the order of the users table, as many as the codes have combinations: at equal
bits, clusters of a whole user say more than clusters of parts of their vector. Where these would be more than
16, each gives additive codes [U, P] like the engine's own (``catalogue/additive_table.py``), as many clusters
have few users. They are made from TRAIN and SUPPORT rows. Where there is a choice (rank, scale, weight,
width), validation rows choose, as they choose the epoch of a CTR model; ``affinity.py`` has the judge. Test
rows are never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from userip_lightning.catalogue.additive_table import directions, nearest, residual_codebooks
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.codebooks import are_additive
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.controls.affinity import Codes, choosing_judge
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN
from userip_lightning.texts.bag_of_words import WIDTH, bag_of_words

Floats = NDArray[np.float64]

#: What validation rows choose from: numbers of singular vectors, and weights of the text beside them.
RANKS, WEIGHTS = (8, 16, 32, 64), (0.5, 1.0, 2.0)
#: And columns of a bag of words.
WIDTHS = (WIDTH, 128)


def svd_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What collaboration alone knows: a truncated SVD of the user × item matrix.

    An entry is 1 where all logged labels are alike, as in implicit logs, whose sampled negatives stay out: a
    rating there says how a purchase was liked, and centred it hides that it was made. Elsewhere it is the
    rating, or the label where a log has no ratings, minus the mean of all. On MovieLens-100K, new users, two
    seeds, the judge gives the best choice 0.718 and 0.722 from ratings, 0.708 and 0.711 from labels, and
    0.675 and 0.677 from ratings minus the user's own mean, which hides their generosity.

    The matrix is tried as it is and with an item's entries divided by the square root of how many users have
    it, without which a few popular items decide: on game histories, new users, that alone lifts 12
    clusters from 0.724 to 0.746 by the judge, to where a count mixture is.

    Vectors are tried as they are and scaled to length 1. Unscaled, k-means often splits off a few very
    active users and leaves the rest in one cluster.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of SVD and k-means.

    Raises:
        InputError: fewer users than clusters, or too few users or items for a singular vector.
    """
    forms = _collaborative(prepared, "svd_kmeans", sizes, seed)

    def candidates() -> Iterator[Codes]:
        for vectors, rank in product(forms, _ranks(forms[0])):
            for scaled in _scaled(vectors[:, :rank], sizes):
                yield _quantised(scaled, sizes, seed)

    return choosing_judge(prepared).best(candidates())


def text_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What titles alone know: the mean bag of words of a user's positive items, zeros where they have none.

    Bags of two widths are tried, and means as they are and scaled to length 1.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of k-means.

    Raises:
        InputError: fewer users than clusters, or too few words.
    """
    _require_users(prepared, "text_kmeans", sizes)
    forms = [_textual(prepared, "text_kmeans", width) for width in WIDTHS]

    def candidates() -> Iterator[Codes]:
        for vectors in {form.shape[1]: form for form in forms}.values():
            for scaled in _scaled(vectors, sizes):
                yield _quantised(scaled, sizes, seed)

    return choosing_judge(prepared).best(candidates())


def svd_text_kmeans(prepared: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """What collaboration and titles know together: both blocks side by side.

    The SVD vectors have length 1 and the text vectors a mean length of 1, times a weight.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of SVD and k-means.

    Raises:
        InputError: as :func:`svd_kmeans` and :func:`text_kmeans`.
    """
    forms = _collaborative(prepared, "svd_text_kmeans", sizes, seed)
    text = _textual(prepared, "svd_text_kmeans")
    text = text / max(float(np.linalg.norm(text, axis=1).mean()), 1e-12)

    def candidates() -> Iterator[Codes]:
        for vectors, rank, weight in product(forms, _ranks(forms[0]), WEIGHTS):
            both = np.hstack([normalize(vectors[:, :rank]), weight * text])
            yield _quantised(both, sizes, seed)

    return choosing_judge(prepared).best(candidates())


def _collaborative(prepared: PreparedData, control: str, sizes: Sequence[int], seed: int) -> list[Floats]:
    """[U, R] left singular vectors times singular values, the strongest first, of two forms of the matrix:
    as it is, and with every item's entries divided by the square root of how many users have it."""
    _require_users(prepared, control, sizes)
    rows = prepared.rows(TRAIN, SUPPORT).filter("logged")
    rated = rows["rating"].null_count() == 0
    value = rows["rating" if rated else "label"].cast(pl.Float64).to_numpy()
    entry = value - value.mean() if rows["label"].n_unique() > 1 else np.ones_like(value)
    cells = (entry, (rows["user"].to_numpy(), rows["item"].to_numpy()))
    matrix = csr_matrix(cells, shape=(prepared.n_users, prepared.n_items))
    rank = min(max(RANKS), min(matrix.shape) - 1)
    met = np.maximum(np.bincount(matrix.indices, minlength=prepared.n_items), 1)
    # One thread: scikit-learn adds partial sums in the order in which threads finish.
    with threadpool_limits(limits=1):
        return [
            np.asarray(TruncatedSVD(rank, random_state=seed).fit_transform(form), dtype=np.float64)
            for form in (matrix, matrix @ diags(met**-0.5))
        ]


def _textual(prepared: PreparedData, control: str, width: int = WIDTH) -> Floats:
    """[U, D] means over a user's positive items."""
    try:
        vectors = bag_of_words(words(prepared.items), width)
    except InputError as error:
        raise InputError(f"{prepared.path}: {control} cannot be made; {error}") from None
    positives = user_events(prepared).positives()
    events = np.asarray(positives.sum(axis=1))
    return np.asarray((positives @ vectors) / np.maximum(events, 1.0))


def _require_users(prepared: PreparedData, control: str, sizes: Sequence[int]) -> None:
    clusters = max(sizes) if are_additive("auto", sizes) else prod(sizes)
    if prepared.n_users < clusters or min(prepared.n_users, prepared.n_items) < 2:
        raise InputError(
            f"{prepared.path}: {control} cannot be made; {prepared.n_users} users and {prepared.n_items} "
            f"items are too few for {clusters} clusters; lower the number of codes, prepare more users, or "
            "leave it out of `controls`."
        )


def _ranks(vectors: Floats) -> list[int]:
    """Those of RANKS that the data has; all it has where even the smallest is too many."""
    most = vectors.shape[1]
    return sorted({min(rank, most) for rank in RANKS})


def _scaled(vectors: Floats, sizes: Sequence[int]) -> list[Floats]:
    """Vectors [U, D] of length 1, and as they are; additive codes know no length."""
    return [vectors] if are_additive("auto", sizes) else [normalize(vectors), vectors]


def _quantised(vectors: Floats, sizes: Sequence[int], seed: int) -> Codes:
    """[U, 1] clusters, or [U, P] additive codes."""
    if are_additive("auto", sizes):
        towards = directions(residual_codebooks(vectors, sizes, seed))
        return split_classes(nearest(vectors, towards), sizes)
    with threadpool_limits(limits=1):
        found = KMeans(prod(sizes), n_init=4, random_state=seed).fit_predict(vectors)
    return np.asarray(found, dtype=np.int64)[:, None]
