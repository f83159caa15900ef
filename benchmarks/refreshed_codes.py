"""Does a CTR model that nobody retrains gain from codes that follow what users did since?

    python benchmarks/refreshed_codes.py HISTORIES ITEMS FOLDER [--seeds 5]

Reads histories in the layout of ``data/sources/histories.py`` and cuts each in two: the early half of
everybody's titles is the log that `userip fit` learns codes and a CTR model from, the late half is what
comes afterwards.
One fifth of the users are new to the CTR model (their early half supports codes alone), and their last title,
which neither half has, is what is judged. `userip refresh` then adds the late halves to the bank: once with
the codebooks as they are, once with codebooks that EM moves on (``--codebooks rematch``). Printed are who
moved, and the AUC of the same CTR models with the codes before and after.

FOLDER takes the log, the experiment and the banks, and can be deleted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.cli import main as userip
from userip_lightning.ctr.export import MODEL
from userip_lightning.data.sources.histories import Histories
from userip_lightning.pipeline.config import experiment_parser, parse_experiment, prepare
from userip_lightning.pipeline.plan import Job, make_plan
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.training import instantiate, make_trainer
from userip_lightning.report.predictions import Predictions, read_predictions
from userip_lightning.report.statistics.bootstrap import paired_bootstrap
from userip_lightning.report.statistics.metrics import auc
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

_NEW = 0.2


def main() -> None:
    """Fit, refresh, judge."""
    args = _arguments()
    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    _write_log(Histories(args.histories, args.items), folder)
    words = ["--config", "configs/games_histories.yaml", "--config", str(_settings(folder, args))]
    if userip(["fit", *words]):
        raise SystemExit("fit failed")
    for codebooks in ("keep", "rematch"):
        for seed in range(args.seeds):
            bank = folder / codebooks / f"seed{seed}"
            told = ["--seed", str(seed), "--codebooks", codebooks, "--bank", str(bank)]
            if userip(["refresh", str(folder / "halves"), "--events", str(folder / "late.parquet"), *told]):
                raise SystemExit("refresh failed")
    _judge(words, folder, args.seeds)


def _write_log(source: Histories, folder: Path) -> None:
    """``early.parquet`` with the rows that are judged, ``late.parquet``, ``items.parquet``."""
    log = source.read()
    events = log.events.sort("user_id", "timestamp").with_columns(
        place=pl.int_range(pl.len()).over("user_id"), length=pl.len().over("user_id")
    )
    users = events["user_id"].unique().sort()
    group = np.random.default_rng(0).permutation(users.len()) / users.len()
    new = (
        pl.when(pl.col("group") < _NEW / 2).then(pl.lit(VAL)).when(pl.col("group") < _NEW).then(pl.lit(TEST))
    )
    events = events.join(pl.DataFrame({"user_id": users, "group": group}), on="user_id").with_columns(
        judge=new
    )
    last = (pl.col("place") == pl.col("length") - 1) & pl.col("judge").is_not_null()
    early = pl.col("place") < pl.col("length") // 2
    split = (
        pl.when(last)
        .then(pl.col("judge"))
        .when(early & pl.col("judge").is_null())
        .then(pl.lit(TRAIN))
        .when(early)
        .then(pl.lit(SUPPORT))
    )
    events = events.with_columns(given_split=split)
    columns = ["user_id", "item_id", "timestamp"]
    events.drop_nulls("given_split").select(*columns, "given_split").write_parquet(folder / "early.parquet")
    events.filter(pl.col("given_split").is_null()).select(columns).write_parquet(folder / "late.parquet")
    log.items.write_parquet(folder / "items.parquet")


def _settings(folder: Path, args: argparse.Namespace) -> Path:
    """What differs from ``configs/games_histories.yaml``."""
    file = folder / "halves.yaml"
    source = {"path": str(folder / "early.parquet"), "items_path": str(folder / "items.parquet")}
    settings = {
        "experiment": "halves",
        "output": str(folder),
        "controls": [],
        "seeds": list(range(args.seeds)),
        "wandb": {"mode": "disabled"},
        "data": {
            "k_core": 2,  # half a history is short
            "source": {"class_path": "userip_lightning.data.sources.tabular.Tabular", "init_args": source},
            "split": {"class_path": "userip_lightning.data.column_split.ColumnSplit"},
        },
        "catalogue": {"data": {"text": {"class_path": "userip_lightning.texts.source.BagOfWords"}}},
    }
    file.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    return file


def _judge(words: list[str], folder: Path, seeds: int) -> None:
    """Print what the CTR models make of every bank."""
    experiment = parse_experiment(experiment_parser("fit", ""), words)
    prepared = prepare(experiment, print)
    key = json.loads((prepared / "manifest.json").read_text(encoding="utf-8"))["config_hash"]
    jobs = [job for job in make_plan(experiment, prepared, key).ctr if job.variant == "codes"]
    found: dict[str, list[Path]] = {"as fitted": [job.target for job in jobs]}
    for codebooks in ("keep", "rematch"):
        found[codebooks] = [
            _tested(job, folder / codebooks / f"seed{job.seed}", folder / "tests" / codebooks) for job in jobs
        ]
    judged = read_predictions(found, TEST)
    before = judged["as fitted"]
    print(f"\n{before.label.size} test rows of {np.unique(before.users).size} users, {seeds} seeds")
    print("| codes | test AUC | over those of the fit |\n|---|---|---|")
    for name, predictions in judged.items():
        print(f"| {name} | {_mean(predictions):.4f} | {_gain(predictions, before)} |")


def _tested(job: Job, bank: Path, folder: Path) -> Path:
    """Where the predictions of a finished run with another bank are."""
    target = folder / f"seed{job.seed}"
    with quiet():
        module, data, arguments = instantiate(job._replace(filled={**job.filled, "data.bank": str(bank)}))
        trainer = make_trainer({**arguments, "enable_checkpointing": False}, [], [])
        trainer.test(module, datamodule=data, ckpt_path=job.target / MODEL, verbose=False)
        module.export(target)  # type: ignore[operator]  # every stage's module has it
    return target


def _mean(found: Predictions) -> float:
    return float(np.mean([auc(found.label, score) for score in found.scores]))


def _gain(found: Predictions, before: Predictions) -> str:
    if found is before:
        return "–"
    gain = paired_bootstrap(found.users, found.label, found.scores, before.scores).auc
    return f"{gain.difference:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("histories", help="user_id, item_id_list, item_id; tab-separated")
    parser.add_argument("items", help="item_id, title; tab-separated")
    parser.add_argument("folder", type=Path, help="takes everything that is made")
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
