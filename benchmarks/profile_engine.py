"""The engine of stage 1 at speed and at scale, beside the loop one would write with transformers.

    python benchmarks/profile_engine.py [--parts speed growth quality ranks] [--quick] [--threads N]

- speed: target tokens per second on MovieLens-100K, engine and plain loop in turns, and where the time goes
- growth: step time and resident memory at 1 thousand, 100 thousand and 10 million users
- quality: held-out likelihood after as many target tokens
- ranks: two processes against one

"floor / time" is the share of the time that multiplying alone would take: 4 floating-point operations per
weight of the blocks and token of the prompts, padding left out and names left in, and per weight of the
vocabulary and target token, at the rate measured beside it. With ``--threads 1`` times are processor times.

``--quick`` shows that every part runs; its figures are noise.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import transformers
from engine_data import read
from engine_growth import growth_table
from engine_quality import quality_table
from engine_ranks import ranks_table
from engine_speed import speed_tables
from rich.console import Console
from rich.table import Table

from userip_lightning.lm.prompt import DEFAULT_PROMPT
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.quiet import quiet

PARTS = ("speed", "growth", "quality", "ranks")


class Sizes(NamedTuple):
    """How much is measured."""

    speed_users: int
    rounds: int
    growth: tuple[int, ...]
    steps: int
    quality_users: int
    epochs: int
    rates: tuple[float, ...]
    rank_users: int
    rank_epochs: int


FULL = Sizes(64, 5, (1_000, 100_000, 10_000_000), 8, 64, 8, (0.003, 0.01, 0.03), 64, 2)
QUICK = Sizes(16, 1, (1_000, 10_000), 2, 8, 1, (0.01,), 32, 1)


def tables(part: str, sizes: Sizes, lm: LMSource, folder: Path) -> Iterator[Table]:
    """What ``part`` measures."""
    if part == "speed":
        corpus = read(folder, DEFAULT_PROMPT, print)
        yield from speed_tables(corpus, lm, sizes.speed_users, sizes.rounds, folder)
    elif part == "growth":
        prepared = read(folder, DEFAULT_PROMPT, print).prepared
        yield growth_table(prepared, sizes.growth, lm, sizes.steps)
    elif part == "quality":
        corpus = read(folder, DEFAULT_PROMPT, print, sizes.quality_users)
        yield quality_table(corpus, lm, sizes.epochs, sizes.rates, folder)
    else:
        corpus = read(folder, DEFAULT_PROMPT, print, sizes.rank_users)
        yield ranks_table(corpus, lm, sizes.rank_epochs, folder)


def main() -> None:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="(default: all)")
    parser.add_argument("--quick", action="store_true", help="as small as it goes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="(default: %(default)s)")
    parser.add_argument("--lm", default=LMSource().name, help="hub name or folder (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    console = Console(width=160)
    console.print(f"torch {torch.__version__}, transformers {transformers.__version__}, {given.lm}")
    for part in given.parts:
        with tempfile.TemporaryDirectory() as folder, quiet():
            for table in tables(part, QUICK if given.quick else FULL, LMSource(given.lm), Path(folder)):
                console.print(table)


if __name__ == "__main__":
    main()
