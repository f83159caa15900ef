"""What codes cost where they are served: after one more event, for a whole log, at start, in memory.

    POLARS_MAX_THREADS=1 python benchmarks/online.py [--users 1000000] [--events 10] [--items 100000]

The table has 4 × 3 joint codes and random figures. Online: ``update`` and ``code`` of one user after another
event of a random item, wall time. Batch: ``codes`` of a log in random order, so that neighbouring rows are of
different users; ids are strings; seconds are those of the processor, all threads together. Start: a new
process that imports the Profiler, or also loads this table and codes one event, seconds of the processor; the
least of five.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns, process_time

import numpy as np
import polars as pl

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.serving import Profiler

_SIZES, _CLASSES = (4, 3), 12
_CLOCK = "import time; begun = time.process_time(); "
_TOLD = "; took = time.process_time() - begun; import psutil; print(took, psutil.Process().memory_info().rss)"
_IMPORT = "from userip_lightning.serving import Profiler"
_LOAD = f"{_IMPORT}; p = Profiler.load(%r); s = p.start(); p.update(s, 'item-1'); p.code(s)"


def main() -> None:
    """Print a row per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10, help="of every user")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--updates", type=int, default=200_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _write_bank(Path(folder), args.items)
        print("| what | figure |\n|---|---|")
        for name, program in (("import", _IMPORT), ("import, load, first code", _LOAD % folder)):
            seconds, size = _start(program)
            print(f"| {name} | {seconds:.2f} s, {size / 2**20:.0f} MiB resident |", flush=True)
        profiler = Profiler.load(folder)
        p50, p99 = _online(profiler, args.updates)
        print(f"| update and code, one user | p50 {p50:.1f} µs, p99 {p99:.1f} µs |", flush=True)
        seconds = _batch(profiler, args.users, args.events)
        rate = args.users * args.events / seconds / 1e6
        print(f"| codes of {args.users:,} users × {args.events} | {seconds:.1f} s, {rate:.2f} M events/s |")


def _write_bank(root: Path, items: int) -> None:
    evidence = rounded(np.random.default_rng(0).normal(size=(items, _CLASSES)))
    manifest = Manifest("bank", "random", "random", 1, extra={"events": "items", "codebooks": "joint"})
    arrays = {
        "evidence": evidence.astype(np.float32),
        "log_share": np.zeros(_CLASSES, dtype=np.float32),
        "item_ids": np.array([f"item-{item}" for item in range(items)]),
    }
    codes, nothing = np.zeros((1, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    FeatureBank.write(root, ["somebody"], codes, ("hobby", "background"), _SIZES, manifest, nothing, arrays)


def _start(program: str) -> tuple[float, int]:
    """Seconds of the processor and resident bytes of a new process, the least of five."""
    words = [sys.executable, "-c", _CLOCK + program + _TOLD]
    runs = [
        subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() for _ in range(5)
    ]
    return min(float(seconds) for seconds, _ in runs), min(int(size) for _, size in runs)


def _online(profiler: Profiler, updates: int) -> tuple[float, float]:
    """Microseconds of an update and the code after it, median and 99th percentile."""
    state, took = profiler.start(), np.empty(updates)
    drawn = np.random.default_rng(1).integers(len(profiler.items), size=updates)
    profiler.update(state, "item-0")
    for at, item in enumerate([f"item-{item}" for item in drawn]):
        begun = perf_counter_ns()
        profiler.update(state, item)
        profiler.code(state)
        took[at] = perf_counter_ns() - begun
    p50, p99 = np.percentile(took, (50, 99)) / 1e3
    return float(p50), float(p99)


def _batch(profiler: Profiler, users: int, events: int) -> float:
    """Seconds for a log of so many users with so many events each."""
    rng = np.random.default_rng(2)
    log = pl.DataFrame(
        {
            "user_id": rng.permutation(np.repeat(np.arange(users), events)),
            "item_id": rng.integers(len(profiler.items), size=users * events),
        }
    )
    log = log.select(
        user_id="user-" + pl.col("user_id").cast(pl.String),
        item_id="item-" + pl.col("item_id").cast(pl.String),
    )
    begun = process_time()
    assert profiler.codes(log).height == users
    return process_time() - begun


if __name__ == "__main__":
    main()
