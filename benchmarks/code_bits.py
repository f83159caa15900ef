"""AUC of new users over the bits of their codes: joint and additive codebooks, SVD controls, the ceiling.

    python benchmarks/code_bits.py PREPARED [--sizes 4x3 8x8 ...] [--rows joint additive ...] [--text]

Codes are made from TRAIN and SUPPORT rows of an implicit log. A factorisation machine over the item and each
code learns from TRAIN rows, stops by validation rows and is judged on them; test rows choose nothing and are
printed beside. ``svd_vector`` hands it the vector that the SVD controls quantise: the ceiling.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize
from torch import Tensor, nn

from userip_lightning.catalogue.additive_table import additive_table, directions, nearest, residual_codebooks
from userip_lightning.catalogue.code_order import code_order, split_classes
from userip_lightning.catalogue.codebooks import MOST_JOINT, joint_starts
from userip_lightning.catalogue.em_search import Search, run
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.schema import TEST, TRAIN, VAL
from userip_lightning.texts.bag_of_words import bag_of_words

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Sizes = tuple[int, int]
_WIDTH, _L2, _RATE, _BATCH, _EPOCHS, _PATIENCE = 16, 1e-4, 0.005, 8192, 30, 3


class Judge(nn.Module):
    """logit = w_i + Σ_p w_p + <e_i, Σ_p e_p>, over the item and either codes or a vector of the user."""

    def __init__(self, items: int, sizes: list[int], width: int) -> None:
        super().__init__()
        self.item, self.item_bias = nn.Embedding(items, _WIDTH), nn.Embedding(items, 1)
        self.codes = nn.ModuleList(nn.Embedding(size, _WIDTH + 1) for size in sizes)
        self.vector = nn.Linear(width, _WIDTH) if width else None
        for table in (self.item, *self.codes):
            nn.init.normal_(table.weight, std=0.05)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, item: Tensor, user: Tensor) -> tuple[Tensor, Tensor]:
        """Items [B] and what is known of users, codes [B, P] or vectors [B, D] → logits [B], mean square."""
        own, logit = self.item(item), self.item_bias(item)[:, 0]
        square = own.square().sum(1)
        if self.vector is not None:
            return logit + (own * self.vector(user)).sum(1), square.mean()
        taste = torch.zeros_like(own)
        for p, table in enumerate(self.codes):
            found = table(user[:, p])
            taste, logit, square = taste + found[:, 1:], logit + found[:, 0], square + found.square().sum(1)
        return logit + (own * taste).sum(1), square.mean()


def auc(data: PreparedData, known: NDArray[np.generic], seed: int) -> tuple[float, float]:
    """Of validation and test rows, at the best epoch by validation; ``known``: codes [U, P] or vectors."""
    torch.manual_seed(seed)
    coded = np.issubdtype(known.dtype, np.integer)
    sizes = [int(part.max()) + 1 for part in known.T] if coded else []
    judge = Judge(data.n_items, sizes, 0 if coded else known.shape[1])
    user = torch.from_numpy(known if coded else known.astype(np.float32))
    parts = [_rows(data, split) for split in (TRAIN, VAL, TEST)]
    optimizer = torch.optim.Adam(judge.parameters(), lr=_RATE, fused=True)
    best, worse = (0.0, 0.0), 0
    for _ in range(_EPOCHS):
        for batch in torch.split(torch.randperm(len(parts[0][0])), _BATCH):
            who, item, label = (column[batch] for column in parts[0])
            logit, square = judge(item, user[who])
            loss = nn.functional.binary_cross_entropy_with_logits(logit, label.float()) + _L2 * square
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val, test = (roc_auc_score(label, judge(item, user[who])[0]) for who, item, label in parts[1:])
        best, worse = ((float(val), float(test)), 0) if val > best[0] else (best, worse + 1)
        if worse == _PATIENCE:
            break
    return best


def _rows(data: PreparedData, split: str) -> list[Tensor]:
    rows = data.rows(split)
    return [torch.from_numpy(rows[name].to_numpy().astype(np.int64)) for name in ("user", "item", "label")]


def joint(counts: csr_matrix, sizes: Sizes, text: Floats | None, strength: float | None, seed: int) -> Codes:
    """The joint engine, one start; the judge sees one code field, which says all that two would."""
    start = run(Search(joint_starts(counts, sizes[0] * sizes[1], False, text, strength, 1), seed), counts)
    return start.table.codes(counts)[:, None]


def split_joint(
    counts: csr_matrix, sizes: Sizes, text: Floats | None, strength: float | None, seed: int
) -> Codes:
    """The same classes as the bank has them, a field per profile."""
    table = run(
        Search(joint_starts(counts, sizes[0] * sizes[1], False, text, strength, 1), seed), counts
    ).table
    order = code_order(table.evidence, {"one": sizes[0], "two": sizes[1]})
    return split_classes(np.argsort(order)[table.codes(counts)], sizes)


def additive(
    counts: csr_matrix, sizes: Sizes, text: Floats | None, strength: float | None, seed: int
) -> Codes:
    """The additive engine, one start."""
    start = run(Search(joint_starts(counts, MOST_JOINT, False, text, strength, 1), seed), counts)
    return split_classes(additive_table(start.table, counts, sizes, seed).codes(counts), sizes)


def svd_vectors(counts: csr_matrix, seed: int, rank: int) -> Floats:
    """[U, R] of length 1. Columns are scaled by 1/√popularity, as strong a control as we know."""
    scale = 1 / np.sqrt(np.asarray(counts.sum(axis=0)).ravel() + 1)
    weighted = counts.multiply(scale[None]).tocsr()
    return np.asarray(normalize(TruncatedSVD(rank, random_state=seed).fit_transform(weighted)))


def svd_joint(vectors: Floats, sizes: Sizes, seed: int) -> Codes:
    """k-means of whole vectors."""
    found = KMeans(sizes[0] * sizes[1], n_init=1, max_iter=50, random_state=seed).fit(vectors)
    return found.labels_.astype(np.int64)[:, None]


def svd_additive(vectors: Floats, sizes: Sizes, seed: int) -> Codes:
    """The engine's own codebooks, of SVD vectors in place of places among classes."""
    return split_classes(nearest(vectors, directions(residual_codebooks(vectors, sizes, seed))), sizes)


ENGINES = {"joint": joint, "split_joint": split_joint, "additive": additive}
CONTROLS: dict[str, Callable[[Floats, Sizes, int], Codes]] = {
    "svd_joint": svd_joint,
    "svd_additive": svd_additive,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("prepared")
    parser.add_argument("--sizes", nargs="+", default=["4x3", "8x8", "16x16", "64x64"])
    parser.add_argument("--rows", nargs="+", default=["svd_vector", *ENGINES, *CONTROLS])
    parser.add_argument("--text", action="store_true", help="a bag of words as the engines' prior")
    parser.add_argument("--strength", type=float, help="beta")
    parser.add_argument("--rank", type=int, default=16, help="of the SVD")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = PreparedData.load(args.prepared)
    counts, text = user_events(data).counts, bag_of_words(words(data.items)) if args.text else None
    vectors = svd_vectors(counts, args.seed, args.rank)
    if "svd_vector" in args.rows:
        print("svd_vector: val {:.4f}, test {:.4f}".format(*auc(data, vectors, args.seed)), flush=True)
    for spelled in args.sizes:
        one, two = (int(size) for size in spelled.split("x"))
        for row in args.rows:
            start = perf_counter()
            if row in ENGINES:
                codes = ENGINES[row](counts, (one, two), text, args.strength, args.seed)
            elif row in CONTROLS:
                codes = CONTROLS[row](vectors, (one, two), args.seed)
            else:
                continue
            took = perf_counter() - start
            val, test = auc(data, codes, args.seed)
            used = len(np.unique(codes, axis=0))
            print(f"{row} {spelled} ({np.log2(one * two):.1f} bits, {used} used):", end=" ")
            print(f"val {val:.4f}, test {test:.4f}, made in {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
