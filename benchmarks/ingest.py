"""How time and memory of preparation grow with a log, and how fast it is read beside pandas.

    python benchmarks/ingest.py [--gigabytes 0.5 1 2 5] [--part 0.5] [--folder FOLDER]

A synthetic log in the shape of the Amazon reviews of 2018 (JSON lines, 600 bytes each, with product metadata)
is written for every size and prepared with the default settings: duplicates dropped, 4-core, random split,
labels by rating. Nearly everything survives the filter, which is the most that memory can be asked for. Every
figure comes from a process of its own; peak memory is its largest resident set.

The readers of one part take turns, three times: ours reads, checks and writes Parquet; pandas parses into
memory, at once or in chunks (pip install pandas; left out where it is missing).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.amazon2018 import Amazon2018
from userip_lightning.data.sources.planted_files import write_planted
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.stored_log import store

ROWS_PER_USER, BYTES_PER_ROW, ITEMS_PER_TOPIC = 8, 604, 25_000
CHUNK, ROUNDS = 100_000, 3


class Cost(NamedTuple):
    """What one run took: wall and processor time in seconds, largest resident set in bytes."""

    seconds: float
    processor: float
    peak: int


def timed(work: Callable[[Path], None], folder: Path) -> Cost:
    """Run in this process, which has done nothing else."""
    start, before = time.perf_counter(), time.process_time()
    work(folder)
    seconds, processor = time.perf_counter() - start, time.process_time() - before
    return Cost(seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def alone(work: Callable[[Path], None], folder: Path) -> Cost:
    """Run in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(timed, work, folder).result()


def quiet(_: str) -> None:
    """Nobody listens."""


def write(folder: Path) -> None:
    """A log of as many gigabytes as the folder's name says."""
    users = round(float(folder.name) * 1e9 / BYTES_PER_ROW / ROWS_PER_USER)
    source = Planted(users=users, rows_per_user=ROWS_PER_USER, items_per_topic=ITEMS_PER_TOPIC)
    folder.mkdir()
    write_planted(source, folder, "amazon", report=quiet)


def source(folder: Path) -> Amazon2018:
    """The log's reader."""
    return Amazon2018(str(folder / "reviews.jsonl"), str(folder / "meta.jsonl"))


def prepare(folder: Path) -> None:
    """All of `userip data prepare`, without the program's start."""
    with TemporaryDirectory(dir=folder) as cache:
        Preparation(source(folder), duplicates="drop").run(cache, quiet)


def ours(folder: Path) -> None:
    """Read, check and store as Parquet."""
    with TemporaryDirectory(dir=folder) as work, Rejects() as rejects:
        store(Amazon2018(str(folder / "reviews.jsonl")), Path(work), rejects, quiet)


def pandas_at_once(folder: Path) -> None:
    """One data frame."""
    import pandas

    pandas.read_json(folder / "reviews.jsonl", lines=True)


def pandas_in_chunks(folder: Path) -> None:
    """Data frames that are thrown away."""
    import pandas

    for _ in pandas.read_json(folder / "reviews.jsonl", lines=True, chunksize=CHUNK):
        pass


@contextmanager
def log_of(folder: Path, gigabytes: float) -> Iterator[tuple[Path, int]]:
    """A log that is there as long as it is needed, and the size of its reviews in bytes."""
    log = folder / f"{gigabytes:g}"
    alone(write, log)
    yield log, (log / "reviews.jsonl").stat().st_size
    rmtree(log)


def row(name: str, nbytes: int, cost: Cost) -> tuple[str, ...]:
    """Figures of a run, or the median and the highest peak of several."""
    seconds, processor = cost.seconds, cost.processor
    speed, peak = nbytes / 1e6 / seconds, cost.peak / 2**30
    return name, f"{seconds:.1f}", f"{processor:.1f}", f"{speed:.0f}", f"{peak:.2f}"


HEADER = ("seconds", "processor seconds", "MB/s", "peak GiB")


def growth(folder: Path, gigabytes: Sequence[float]) -> Table:
    """Preparation by size."""
    table = Table("reviews", *HEADER, title="preparation")
    for size in gigabytes:
        with log_of(folder, size) as (log, nbytes):
            table.add_row(*row(f"{nbytes / 1e9:.2f} GB", nbytes, alone(prepare, log)))
    return table


def contest(folder: Path, size: float) -> Table:
    """Readers of one part, in turns."""
    works = [ours, *([pandas_at_once, pandas_in_chunks] if find_spec("pandas") else [])]
    with log_of(folder, size) as (log, nbytes):
        rounds = [[alone(work, log) for work in works] for _ in range(ROUNDS)]
    table = Table("reader", *HEADER, title=f"{nbytes / 1e9:.2f} GB of reviews, median of {ROUNDS}")
    for work, costs in zip(works, zip(*rounds, strict=True), strict=True):
        seconds, processor, _ = map(median, zip(*costs, strict=True))
        table.add_row(*row(work.__name__, nbytes, Cost(seconds, processor, max(cost.peak for cost in costs))))
    return table


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Time and memory of preparing a log.")
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.5, 1.0, 2.0, 5.0])
    parser.add_argument("--part", type=float, default=0.5, help="gigabytes that the readers share; 0: none")
    parser.add_argument("--folder", type=Path, help="where the logs go; a temporary folder by default")
    given = parser.parse_args()
    with TemporaryDirectory(dir=given.folder) as folder:
        if given.part:
            Console().print(contest(Path(folder), given.part))
        Console().print(growth(Path(folder), given.gigabytes))


if __name__ == "__main__":
    main()
