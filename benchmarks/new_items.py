"""New items: rows from texts alone, added after the fit, beside an engine that had the items all along.

    python benchmarks/new_items.py PREPARED [--columns title] [--encoder] [--seeds 3]

PREPARED is a log with ``ColdItems`` as its split, so that no training event names an item of the test rows.
The catalogue engine is fitted twice: with all items, and with those alone that a training event names, whose
bank gets the others by ``Profiler.add_items`` afterwards. A test row scores by what its item says for the
class of its user; 0.5 is chance, and what a table without text has.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from lightning.pytorch import Trainer

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.data.prepared import PreparedData
from userip_lightning.report.statistics.metrics import auc
from userip_lightning.schema import SUPPORT, TEST, TRAIN
from userip_lightning.serving import Profiler
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.language_model import SentenceEncoder
from userip_lightning.texts.source import BagOfWords
from userip_lightning.texts.vectors import fitted_texts

_EPOCHS = 35


class WarmItems(CatalogueDataModule):
    """The log as if its catalogue had the items alone that a training event names."""

    def setup(self, stage: str) -> None:
        """As :class:`CatalogueDataModule`; the texts of other items are never read."""
        if hasattr(self, "events"):
            return
        super().setup(stage)
        warm = np.asarray(self.events.counts.sum(axis=0)).ravel() > 0
        self.events = self.events._replace(counts=self.events.counts[:, warm])
        self.item_ids = self.item_ids[warm]
        items = PreparedData.load(self.prepared_path).items.filter(pl.Series(warm))
        texts = joined_texts(items, self.columns, "--columns")
        self.vectors, self.readers = fitted_texts(self.text, texts)


def main() -> None:
    """Print a row per way of knowing the items."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared")
    parser.add_argument("--columns", nargs="+", default=["title"])
    parser.add_argument("--encoder", action="store_true", help="sentence vectors in place of a bag of words")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    text = SentenceEncoder() if args.encoder else BagOfWords()
    ways = {
        "all items": CatalogueDataModule,
        "warm items, others added": WarmItems,
    }
    prepared = PreparedData.load(args.prepared)
    train = prepared.rows(TRAIN, SUPPORT).filter("logged")
    test = prepared.rows(TEST).filter(pl.col("user").is_in(train["user"].unique().implode()))
    new = prepared.items.join(train.select("item").unique(), on="item", how="anti")
    users = test["user"].n_unique()
    print(f"{test.height} test rows of {users} users; {new.height} of {prepared.n_items} items unseen\n")
    print("| fitted with | test AUC | ± over seeds | add_items, s |\n|---|---|---|---|", flush=True)
    for name, kind in ways.items():
        found, seconds = [], 0.0
        for seed in range(args.seeds):
            with TemporaryDirectory() as folder:
                data = kind(str(prepared.path), text, args.columns, seed=seed)
                profiler = Profiler.load(_bank(data, seed, Path(folder)))
                if kind is WarmItems:
                    begun = time.perf_counter()
                    profiler.add_items(new)
                    seconds = time.perf_counter() - begun
                found.append(auc(test["label"].to_numpy(), _scores(profiler, train, test)))
        spread = f"{np.std(found, ddof=1):.4f}" if len(found) > 1 else "–"
        print(f"| {name} | {np.mean(found):.4f} | {spread} | {seconds:.2f} |", flush=True)


def _bank(data: CatalogueDataModule, seed: int, folder: Path) -> Path:
    module = CatalogueModule(codebooks="joint", seed=seed)
    trainer = Trainer(
        max_epochs=_EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    trainer.fit(module, datamodule=data)
    return module.export(folder / "bank")


def _scores(profiler: Profiler, train: pl.DataFrame, test: pl.DataFrame) -> Floats:
    """[N]: what a row's item says for the codes of its user, nats."""
    codes = profiler.codes(train.select("user_id", "item_id"))
    own = test.select("user_id").join(codes, on="user_id", how="left", maintain_order="left")
    combination = np.ravel_multi_index(own.select(profiler.names).to_numpy().T, profiler.sizes)
    rows = profiler.items.find(test["item_id"])
    said = np.stack([profiler.sums.nats(rows, c) for c in range(profiler.sums.combinations)], axis=1)
    return np.asarray(said[np.arange(len(rows)), combination])


if __name__ == "__main__":
    main()
