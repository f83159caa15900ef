"""A new user's AUC after their first events, codes brought up to date with each of them.

    python benchmarks/cold_start.py PREPARED [--seeds 5] [--figure FILE.svg]

PREPARED is an implicit log split by ``ColdUsers``. Tables, singular vectors and clusters are learned from its
TRAIN rows alone; its new users come afterwards. Their codes follow from the first n of their support events,
in the order of time, for n = 1, 2, 4, ... up to all, and are judged on the rows that their split has apart,
the same for every n. At equal bits:

    words          the catalogue engine, its prior a bag of words
    counts         the same engine without text, a count mixture
    SVD k-means    folded in: the user's row times the singular vectors, then the nearest centre; its form,
                   rank and scale are chosen by validation users, with the first seed, anew for every n

The judge scores a row by what item and code say together, counted in TRAIN rows (as
``controls/affinity.py``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.special import expit
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.joint_em import fit
from userip_lightning.controls.kmeans import RANKS
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.report.statistics.bootstrap import paired_bootstrap
from userip_lightning.report.statistics.metrics import auc
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL
from userip_lightning.texts.bag_of_words import bag_of_words

_CLASSES = 12

Codes = NDArray[np.int64]
#: Events of users [U, I] → codes [U].
Coder = Callable[[csr_matrix], Codes]
#: Of one seed, by number of events.
Coders = dict[int, Coder]


class Log(NamedTuple):
    """Logged events of a split, by time: who had what, and as the how-manieth, from 0."""

    user: Codes
    item: Codes
    place: Codes
    shape: tuple[int, int]

    @staticmethod
    def of(data: PreparedData, split: str) -> Log:
        rows = data.rows(split).filter("logged").sort("timestamp", "row_id")
        rows = rows.with_columns(place=pl.int_range(pl.len()).over("user"))
        user, item, place = (rows[name].to_numpy().astype(np.int64) for name in ("user", "item", "place"))
        return Log(user, item, place, (data.n_users, data.n_items))

    def first(self, events: int) -> csr_matrix:
        """[U, I]: how often users had items among their first events."""
        early = self.place < events
        cells = self.user[early], self.item[early]
        return csr_matrix((np.ones(len(cells[0])), cells), shape=self.shape)


class Judge:
    """Of codes, by what they say of the rows of a split.

    Args:
        data: the log.
        train: [U, I], its TRAIN events.
    """

    def __init__(self, data: PreparedData, train: csr_matrix) -> None:
        self._train = train
        self._rows = {split: data.rows(split) for split in (VAL, TEST)}

    def scores(self, coder: Coder, counts: csr_matrix, split: str) -> Floats:
        """[N] log-odds of the split's rows, whose users have events [U, I]."""
        known = coder(self._train)
        active = np.flatnonzero(np.diff(self._train.indptr))
        member = csr_matrix(
            (np.ones(active.size), (active, known[active])), shape=(self._train.shape[0], _CLASSES)
        )
        expected = np.asarray((self._train.T @ member).todense())
        size = np.asarray(member.sum(axis=0)).ravel()
        odds = event_model(False, None, _CLASSES).table(expected, size).evidence
        rows = self._rows[split]
        found = odds[rows["item"].to_numpy(), coder(counts)[rows["user"].to_numpy()]]
        return np.asarray(found, dtype=np.float64)

    def label(self, split: str) -> NDArray[np.int8]:
        """[N]."""
        return self._rows[split]["label"].to_numpy()

    def users(self, split: str) -> NDArray[np.str_]:
        """[N]."""
        return self._rows[split]["user_id"].to_numpy().astype(np.str_)


def main() -> None:
    """Print AUC by method and number of events, and draw it."""
    args = _arguments()
    data = PreparedData.load(args.prepared)
    train, support = Log.of(data, TRAIN).first(data.n_items), Log.of(data, SUPPORT)
    steps = [2**power for power in range(16) if 2**power <= int(support.place.max()) + 1]
    judge = Judge(data, train)
    vectors = bag_of_words(words(data.items))
    methods: dict[str, list[Coders]] = {
        "SVD k-means": _folded_in(train, support, steps, judge, args.seeds),
        "counts": [dict.fromkeys(steps, _mixture(train, None, seed)) for seed in range(args.seeds)],
        "words": [dict.fromkeys(steps, _mixture(train, vectors, seed)) for seed in range(args.seeds)],
    }
    label, users = judge.label(TEST), judge.users(TEST)
    print(f"{data.path}: {label.size} test rows of {np.unique(users).size} new users, {args.seeds} seeds")
    print("\n| events | " + " | ".join(methods) + " | words − SVD k-means | words − counts |")
    print("|---|" + "---|" * (len(methods) + 2))
    curves: dict[str, list[float]] = {name: [] for name in methods}
    for n in steps:
        counts = support.first(n)
        found = {
            name: np.stack([expit(judge.scores(coders[n], counts, TEST)) for coders in seeds])
            for name, seeds in methods.items()
        }
        cells = [f"{n}"]
        for name, scores in found.items():
            curves[name].append(float(np.mean([auc(label, score) for score in scores])))
            cells.append(f"{curves[name][-1]:.4f}")
        for other in ("SVD k-means", "counts"):
            gain = paired_bootstrap(users, label, found["words"], found[other]).auc
            cells.append(f"{gain.difference:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")
        print("| " + " | ".join(cells) + " |", flush=True)
    if args.figure:
        _draw(steps, curves, args.figure)


def _mixture(train: csr_matrix, vectors: Floats | None, seed: int) -> Coder:
    active = train[np.diff(train.indptr) > 0]
    return fit(active, _CLASSES, lambda: event_model(False, vectors, _CLASSES), seed).codes


def _folded_in(train: csr_matrix, support: Log, steps: list[int], judge: Judge, seeds: int) -> list[Coders]:
    """SVD k-means of every seed, its form chosen with the first one."""
    chosen: dict[int, int] = {}
    found: list[Coders] = []
    for seed in range(seeds):
        wanted = set(chosen.values()) or None
        coders = dict(_svd_kmeans(train, seed, wanted))
        for n in steps if not chosen else []:
            counts = support.first(n)
            chosen[n] = max(
                coders, key=lambda at: auc(judge.label(VAL), judge.scores(coders[at], counts, VAL))
            )
        found.append({n: coders[at] for n, at in chosen.items()})
    return found


def _svd_kmeans(train: csr_matrix, seed: int, wanted: set[int] | None) -> Iterator[tuple[int, Coder]]:
    """Every form of ``controls/kmeans.py``, by number; those of ``wanted`` alone, if given."""
    active = train[np.diff(train.indptr) > 0]
    met = np.maximum(np.asarray(active.sum(axis=0)).ravel(), 1.0)
    forms = [diags(np.ones_like(met)).tocsr(), diags(met**-0.5).tocsr()]
    leading = [TruncatedSVD(max(RANKS), random_state=seed).fit(active @ form).components_.T for form in forms]
    for at, (number, rank, scaled) in enumerate(product(range(len(forms)), RANKS, (True, False))):
        if wanted is not None and at not in wanted:
            continue
        yield at, _Nearest(active, forms[number] @ leading[number][:, :rank], scaled, seed)


class _Nearest:
    """The nearest centre of k-means.

    Args:
        counts: [U, I] events of the users who are clustered.
        weight: [I, R], a user's row times it being their vector.
        scaled: whether vectors have length 1.
        seed: of k-means.
    """

    def __init__(self, counts: csr_matrix, weight: Floats, scaled: bool, seed: int) -> None:
        self._weight, self._scaled = weight, scaled
        self._clusters = KMeans(_CLASSES, n_init=4, random_state=seed).fit(self._vectors(counts))

    def __call__(self, counts: csr_matrix) -> Codes:
        return np.asarray(self._clusters.predict(self._vectors(counts)), dtype=np.int64)

    def _vectors(self, counts: csr_matrix) -> Floats:
        found = np.asarray(counts @ self._weight)
        return np.asarray(normalize(found) if self._scaled else found)


def _draw(steps: list[int], curves: dict[str, list[float]], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
    for (name, aucs), marker in zip(curves.items(), "s^o", strict=True):
        axes.plot(steps, aucs, marker=marker, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(steps, [str(n) for n in steps])
    axes.set(xlabel="events of a new user", ylabel="test AUC")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prepared", help="folder of prepared data")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--figure", type=Path, help="where to draw the curves, .svg or .png")
    return parser.parse_args()


if __name__ == "__main__":
    main()
