"""How good the codes of every method are: by affinity, or by a CTR model.

Judged are the rows of users with a training or shown event: of the others no method knows anything. Under a
random split that thins the log, these are nearly all users.

The affinity judge gives log-odds (``controls/affinity.py``). These, like the scores of a CTR model, are
calibrated on validation rows of such users, so that Logloss means something. Cold items have no counts, so
every method tells them apart by a text: that of its codes, or the items' words where its codes read none or
another item's. What is compared is what codes know of users.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.controls.affinity import Affinity, AffinityJudge, Codes, Odds, counted_fields
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.pipeline.training import instantiate
from userip_lightning.report.predictions import Predictions, read_predictions
from userip_lightning.report.regime import Contender
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.calibration import calibrated
from userip_lightning.reproduce.regimes.methods import REFERENCE, Method
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL
from userip_lightning.texts.bag_of_words import bag_of_words


def by_affinity(methods: Sequence[Method], prepared: PreparedData, cold_items: bool) -> list[Contender]:
    """Judge by how well code and item tell the labels.

    Args:
        methods: with their banks.
        prepared: the data.
        cold_items: whether the judged items have no training event.

    Raises:
        InputError: a bank is damaged, the judged rows have one label, or there are too few words.
    """
    seeds = max(len(method.banks) for method in methods)
    counts = AffinityJudge(prepared).odds
    if not cold_items:
        return [_contender(method, counts, prepared, seeds) for method in methods]
    by_words = AffinityJudge(prepared, bag_of_words(words(prepared.items))).odds

    def judged(method: Method) -> Contender:
        if method.group in ("words", "language model") and method.text is not None:
            return _contender(method, AffinityJudge(prepared, _vectors(method)).odds, prepared, seeds)
        if method.name == REFERENCE:
            return _contender(method, counts, prepared, seeds)
        if method.group in ("no text", "permuted text"):
            method = method._replace(name=f"{method.name} + words")
        return _contender(method, by_words, prepared, seeds)

    return [judged(method) for method in methods]


def by_ctr(methods: Sequence[Method], prepared: PreparedData) -> list[Contender]:
    """Judge by the CTR runs of every method.

    Raises:
        InputError: a run is damaged or cannot be compared, or the judged rows have one label.
    """
    runs = {method.name: method.runs for method in methods}
    known = _known(prepared)
    for split in (VAL, TEST):
        _rows(prepared, split, known)  # refuses rows of one label
    val, test = (read_predictions(runs, split, known) for split in (VAL, TEST))
    return [
        Contender(method.name, method.group, _mean_auc(val[method.name]), test[method.name])
        for method in methods
    ]


def _contender(method: Method, odds: Odds, prepared: PreparedData, seeds: int) -> Contender:
    known = _known(prepared)
    val, test = (_rows(prepared, split, known) for split in (VAL, TEST))
    label = val["label"].to_numpy()
    aucs, scores = [], []
    for codes in _codes(method, prepared) or [np.zeros((prepared.n_users, 1), dtype=np.int64)]:
        affinity = Affinity(odds, codes)
        seen, judged = (affinity.of(part["user"].to_numpy(), part["item"].to_numpy()) for part in (val, test))
        aucs.append(metrics.auc(label, seen))
        scores.append(calibrated(seen, label, judged))
    if len(scores) < seeds:  # without codes there is nothing to draw
        scores = scores * seeds
    users = test["user_id"].to_numpy().astype(np.str_)
    shown = np.stack(scores)
    predictions = Predictions(users, test["label"].to_numpy(), shown, shown)
    return Contender(method.name, method.group, float(np.mean(aucs)), predictions)


def _codes(method: Method, prepared: PreparedData) -> list[Codes]:
    """Of every seed, [U, F]."""
    users = prepared.users["user_id"].to_numpy().astype(np.str_)
    banks = [FeatureBank.open(folder) for folder in method.banks]
    return [counted_fields(bank.lookup(users), bank.sizes) for bank in banks]


def _vectors(method: Method) -> Floats | None:
    """[I, D] of the method's source of text."""
    assert method.text is not None
    data = instantiate(method.text).data
    assert isinstance(data, CatalogueDataModule)
    data.setup("fit")
    return data.vectors


def _known(prepared: PreparedData) -> pl.Series:
    """Ids of the users who are judged."""
    return prepared.rows(TRAIN, SUPPORT)["user_id"].unique()


def _rows(prepared: PreparedData, split: str, known: pl.Series) -> pl.DataFrame:
    rows = prepared.rows(split).filter(pl.col("user_id").is_in(known.implode()))
    _expect_both(rows["label"].to_numpy(), split)
    return rows


def _mean_auc(found: Predictions) -> float:
    return float(np.mean([metrics.auc(found.label, score) for score in found.scores]))


def _expect_both(label: NDArray[np.int8], split: str) -> None:
    if np.unique(label).size < 2:
        raise InputError(
            f"{split} rows of users with a training or shown event: {label.size} rows and not both labels "
            "among them, which no AUC can be made from; keep more users in train, or another split."
        )
