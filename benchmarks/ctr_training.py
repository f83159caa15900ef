"""Training and scoring throughput of DCN and DeepFM on MovieLens-100K, here and in three other libraries.

    python benchmarks/ctr_training.py [--rounds N] [--batches 128 4096] [--users 1000 100000 10000000]

Every library trains with its own loop and its own loader, ours through Lightning's Trainer; all take turns in
one process and in one thread, and the best turn of each counts. Time is the processor time of this process,
which on an idle machine is wall time and on a shared one leaves out what others do. With ``--users`` a second
table shows what a training step costs as the embedding table grows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from contender import Contender, Library, Network, Rows
from ctr_peers import peers
from lightning.pytorch import Trainer
from ml100k import prepare, training_rows
from rich.console import Console
from rich.table import Table
from table_growth import growth_table

from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.networks.deepfm import DeepFM
from userip_lightning.pipeline.quiet import quiet

NETWORKS: tuple[Network, ...] = ("DCN", "DeepFM")


class Ours:
    """CTRModule and CTRDataModule in a Trainer, as `userip fit` has them, without loggers and checkpoints."""

    def __init__(self, network: Network, rows: Rows, batch_size: int) -> None:
        self.module = CTRModule(DCN if network == "DCN" else DeepFM)
        self.data = CTRDataModule(str(rows.prepared), batch_size=batch_size)
        self.rows = CTRDataModule(str(rows.prepared), batch_size=batch_size).train_dataloader()

    def train(self, epochs: int) -> None:
        _trainer(epochs).fit(self.module, self.data)

    def score(self) -> None:
        _trainer(1).predict(self.module, self.rows)


def _trainer(epochs: int) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,  # the others do not validate either
    )


def seconds(work: Callable[[], None]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(contenders: list[Contender], epochs: int, rounds: int) -> list[tuple[float, float]]:
    """Best seconds of training and of scoring per contender; the first turn of each does not count."""
    best = [(float("inf"), float("inf"))] * len(contenders)
    for turn in range(rounds + 1):
        for at, contender in enumerate(contenders):
            train = seconds(partial(contender.train, epochs if turn else 1))
            score = seconds(contender.score)
            if turn:
                best[at] = (min(best[at][0], train), min(best[at][1], score))
    return best


def throughput_table(libraries: list[Library], rows: Rows, batches: list[int], rounds: int) -> Table:
    """Samples per second of every library, network and batch size."""
    table = Table("batch", "network", "library", "train, 1000/s", "score, 1000/s", "ours is")
    there = [library for library in libraries if library.build is not None]
    for batch_size in batches:
        epochs = max(1, batch_size // 512)  # long enough for a clock, where a step has many rows
        for network in NETWORKS:
            contenders = [library.build(network, rows, batch_size) for library in there if library.build]
            best = measure(contenders, epochs, rounds)
            count = len(rows.label)
            for library, (train, score) in zip(there, best, strict=True):
                ratio = f"{train / best[0][0]:.1f}x, {score / best[0][1]:.1f}x"
                figures = (f"{count * epochs / train / 1e3:.0f}", f"{count / score / 1e3:.0f}", ratio)
                table.add_row(str(batch_size), network, library.name, *figures)
    for library in libraries:
        if library.build is None:
            table.add_row("", "", library.name, f"not run: {library.install}", "", "")
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of every library (default: %(default)s)")
    parser.add_argument("--batches", type=int, nargs="*", default=[128, 4096], help="rows per step")
    parser.add_argument("--users", type=int, nargs="*", default=[], help="also: table sizes to step through")
    given = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    ours = Library(f"ours, lightning {version('lightning')}", "", Ours)
    with tempfile.TemporaryDirectory() as folder, quiet():
        if given.batches:
            rows = training_rows(prepare(Path(folder), report=print))
            console.print(f"torch {torch.__version__}, one thread, {len(rows.label)} rows, 2 fields")
            console.print(throughput_table([ours, *peers()], rows, given.batches, given.rounds))
        if given.users:
            console.print(growth_table(given.users, given.rounds))


if __name__ == "__main__":
    main()
