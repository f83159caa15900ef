"""Control codes: what any gain of inferred codes must beat (design, section 3).

A code is a function of the user id, which is a field already, so even codes without meaning can move a CTR
model. Every control gives int64 codes [U, P] in the order of the users table, and sees at most TRAIN and
SUPPORT rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN

Codes = NDArray[np.int64]

_COMPONENTS = 16  # singular vectors
_PRIOR = 5.0  # a user's mean label is pulled to the global one as by this many rows


def shuffled(codes: Codes, seed: int) -> Codes:
    """The same rows [U, P], given to other users: usage and joint distribution stay, meaning goes."""
    return codes[np.random.default_rng(seed).permutation(codes.shape[0])]


def random_codes(sizes: Sequence[int], users: int, seed: int) -> Codes:
    """[U, P], every code of profile p equally likely among ``sizes[p]``."""
    return np.random.default_rng(seed).integers(0, np.asarray(sizes), size=(users, len(sizes)))


def svd_kmeans(prepared: PreparedData, clusters: int, seed: int) -> Codes:
    """[U, 1]: k-means on a truncated SVD of the user × item matrix, what collaboration alone knows.

    An entry is 1 where all logged labels are alike, as in implicit logs, whose sampled negatives stay out: a
    rating there says how a purchase was liked, and centred it hides that it was made. Elsewhere it is the
    rating, or the label where a log has no ratings, minus its mean (MovieLens-100K, new users, affinity of
    cluster and item: validation AUC 0.710 from ratings, 0.702 from labels). One field has as many clusters as
    the codes have combinations: at equal bits, clusters of a whole user say more than clusters of parts of
    their vector. User vectors are scaled to length 1: unscaled, k-means splits off a few very active users
    and leaves one large cluster.

    Args:
        prepared: the data.
        clusters: Π K_p.
        seed: of SVD and k-means.

    Raises:
        InputError: fewer users than clusters, or too few users or items for a singular vector.
    """
    rows = prepared.rows(TRAIN, SUPPORT).filter("logged")
    rank = min(_COMPONENTS, min(prepared.n_users, prepared.n_items) - 1)
    if prepared.n_users < clusters or rank < 1:
        raise InputError(
            f"{prepared.path}: {prepared.n_users} users and {prepared.n_items} items are too few for "
            f"{clusters} clusters; lower the number of codes or prepare more users."
        )
    rated = rows["rating"].null_count() == 0
    value = rows["rating" if rated else "label"].cast(pl.Float64).to_numpy()
    entry = value - value.mean() if rows["label"].n_unique() > 1 else np.ones_like(value)
    cells = (entry, (rows["user"].to_numpy(), rows["item"].to_numpy()))
    matrix = csr_matrix(cells, shape=(prepared.n_users, prepared.n_items))
    # One thread: scikit-learn adds partial sums in the order in which threads finish.
    with threadpool_limits(limits=1):
        vectors = normalize(TruncatedSVD(rank, random_state=seed).fit_transform(matrix))
        found = KMeans(clusters, n_init=4, random_state=seed).fit_predict(vectors)
    return np.asarray(found[:, None], dtype=np.int64)


def generosity(prepared: PreparedData, size: int) -> Codes:
    """[U, 1]: quantile of the user's smoothed mean label, 0 the strictest; no row gives the global mean.

    Raises:
        InputError: all users have the same share of positives, as in implicit logs.
    """
    rows = prepared.rows(TRAIN, SUPPORT)
    label = rows["label"].cast(pl.Float64).to_numpy()
    user = rows["user"].to_numpy()
    positives = np.bincount(user, weights=label, minlength=prepared.n_users)
    events = np.bincount(user, minlength=prepared.n_users)
    smoothed = (positives + _PRIOR * label.mean()) / (events + _PRIOR)
    if np.ptp(smoothed) < 1e-9:
        raise InputError(
            f"{prepared.path}: every user has the same share of positives, so generosity is no control "
            "here; leave it out."
        )
    edges = np.quantile(smoothed, np.arange(1, size) / size)
    return np.asarray(np.searchsorted(edges, smoothed, side="right")[:, None], dtype=np.int64)
