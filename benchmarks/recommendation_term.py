"""What the recommendation loss of Eq. 5 does to the catalogue engine's codes, by the weight of the loss.

    python benchmarks/recommendation_term.py PREPARED [--weights 0.1 1 10] [--seeds 5] [--columns title]

EM runs once per seed, and every weight goes on from its table; ``permuted`` learns labels that were dealt out
anew over the training rows, with the last weight. A row scores by the class of its user and its item, counted
again from who had what (``controls/affinity.py``). Differences are to EM alone, with the interval of a
bootstrap over users and seeds; validation rows choose. Joint codes, 12 classes, a bag of words as text.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.special import expit

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.codebooks import joint_starts
from userip_lightning.catalogue.em_search import Search, run
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.labelled_rows import LabelledRows
from userip_lightning.catalogue.recommendation import Recommendation, RecommendationTerm
from userip_lightning.catalogue.user_events import UserEvents, labelled_rows, user_events
from userip_lightning.controls.affinity import AffinityJudge, Codes
from userip_lightning.data.prepared import PreparedData
from userip_lightning.report.statistics.bootstrap import Interval, paired_bootstrap
from userip_lightning.report.statistics.metrics import auc
from userip_lightning.schema import TEST, VAL
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.source import BagOfWords
from userip_lightning.texts.vectors import text_vectors

_CLASSES = 12


def main() -> None:
    """Print a row per weight."""
    args = _arguments()
    prepared = PreparedData.load(args.prepared)
    events = user_events(prepared)
    vectors = text_vectors(BagOfWords(), joined_texts(prepared.items, args.columns, "--columns"), events)
    rows = labelled_rows(prepared, events.explicit)
    found: dict[str, list[Codes]] = {}
    for seed in range(args.seeds):
        began = perf_counter()
        starts = joint_starts(events.counts, _CLASSES, events.explicit, vectors, None, args.starts)
        table = run(Search(starts, seed), events.counts).table
        codes = table.codes(events.counts)
        found.setdefault("EM alone", []).append(codes)
        print(f"seed {seed}: EM {perf_counter() - began:.0f} s", flush=True)
        dealt = rows._replace(label=np.random.default_rng(seed).permutation(rows.label))
        trials = {f"weight {weight:g}": (weight, rows) for weight in args.weights}
        trials["permuted"] = (args.weights[-1], dealt)
        for name, (weight, taught) in trials.items():
            began = perf_counter()
            settings = Recommendation(weight, args.epochs, users=args.users)
            moved = _moved(table, events, taught, vectors, settings, seed).codes(events.counts)
            found.setdefault(name, []).append(moved)
            share = np.mean(moved != codes)
            print(f"seed {seed}: {name} {perf_counter() - began:.0f} s, {share:.1%} recoded", flush=True)
    judge = AffinityJudge(prepared)
    print(
        "\n| codes | validation AUC | against EM alone | test AUC | against EM alone |\n|---|---|---|---|---|"
    )
    judged = [
        (
            prepared.rows(split),
            {name: _scores(judge, prepared.rows(split), own) for name, own in found.items()},
        )
        for split in (VAL, TEST)
    ]
    for name in found:
        print(f"| {name} | " + " | ".join(_cells(part, scores, name) for part, scores in judged) + " |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared")
    parser.add_argument("--weights", nargs="+", type=float, default=[0.1, 1.0, 10.0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=3, help="of EM")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--users", type=int, default=256, help="of a step")
    parser.add_argument("--columns", nargs="+", default=["title"])
    return parser.parse_args()


def _moved(
    table: CodeTable,
    events: UserEvents,
    rows: LabelledRows,
    vectors: Floats | None,
    settings: Recommendation,
    seed: int,
) -> CodeTable:
    """As the engine's last epochs do it, all users in one block."""
    term = RecommendationTerm(
        events.counts, events.explicit, rows, table.log_share.size, vectors, settings, seed
    )
    term.start(table)
    optimizer = term.optimizer()
    torch.manual_seed(seed)
    for epoch in range(settings.epochs):
        for at, users in enumerate(term.steps(0, events.counts.shape[0], epoch)):
            optimizer.zero_grad()
            torch.autograd.backward(term.total(term.losses(users, (epoch, 0, at))))
            optimizer.step()
        term.judge()
    return term.table


def _scores(judge: AffinityJudge, rows: pl.DataFrame, codes: list[Codes]) -> Floats:
    """[S, N] probabilities."""
    item, user = rows["item"].to_numpy(), rows["user"].to_numpy()
    return np.stack([expit(judge.odds(own)[item, own[user]]) for own in codes])


def _cells(rows: pl.DataFrame, scores: dict[str, Floats], name: str) -> str:
    label: NDArray[np.int8] = rows["label"].to_numpy()
    figures = [auc(label, score) for score in scores[name]]
    spread = f"± {np.std(figures, ddof=1):.4f}" if len(figures) > 1 else ""
    against = "–"
    if name != "EM alone":
        users = rows["user_id"].to_numpy().astype(np.str_)
        found: Interval = paired_bootstrap(users, label, scores[name], scores["EM alone"], 500).auc
        against = f"{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
    return f"{np.mean(figures):.4f} {spread} | {against}"


if __name__ == "__main__":
    main()
