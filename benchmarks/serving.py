"""Seconds per 10,000 instances from ids to scores (the paper's Table 6): DCN alone, with codes, with vectors.

    python benchmarks/serving.py [--users N] [--items N] [--dim D] [--rounds N] [--bank FOLDER]

A request names users and items by strings. Inside the timer: finding the user and the items, fetching codes
from a bank (or, as KAR does, the user's dense vectors from a memory-mapped matrix), the network and the
sigmoid. The three take turns, every turn asks for other users, the files are in the page cache, and the
median turn counts; time is the processor time of this process, in one thread. The bank's order numbers the
users, so that one search gives both embedding row and codes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.keys import KeyIndex
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.schema import FeatureSchema, Field

SIZES = {"hobby": 4, "background": 3}  # paper, section 3.1
INSTANCES = 10_000


class Request(NamedTuple):
    """What a client sends: one user per item, or one user for all items."""

    users: list[str]
    items: list[str]


class Servers(NamedTuple):
    """The three ways to score a request."""

    plain: Callable[[Request], torch.Tensor]
    codes: Callable[[Request], torch.Tensor]
    vectors: Callable[[Request], torch.Tensor]


def user_names(numbers: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.char.add("user_", numbers.astype(np.str_))


def build_bank(folder: Path, users: int) -> FeatureBank:
    """A bank of random codes, written once."""
    if not FeatureBank.exists(folder):
        codes = np.random.default_rng(0).integers(0, list(SIZES.values()), (users, len(SIZES)))
        manifest = Manifest("bank", "synthetic", "synthetic", users)
        nothing = np.empty(0, dtype=np.int64)
        names = user_names(np.arange(users))
        FeatureBank.write(folder, names, codes, list(SIZES), list(SIZES.values()), manifest, nothing)
    return FeatureBank.open(folder)


def build_vectors(file: Path, users: int, dim: int) -> NDArray[np.float32]:
    """[users + 1, dim], memory-mapped; row 0 is zero."""
    vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(users + 1, dim))
    rng = np.random.default_rng(0)
    for start in range(1, users + 1, 100_000):
        block = vectors[start : start + 100_000]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32)
    return np.load(file, mmap_mode="r")


def build_servers(bank: FeatureBank, items: KeyIndex, n_items: int, vectors: NDArray[np.float32]) -> Servers:
    """Networks with untrained weights, which cost what trained ones cost."""
    users = len(vectors)
    ids = (Field("user_id", users), Field("item_id", n_items + 1))
    coded = tuple(Field(f"code_{name}", size + 1) for name, size in SIZES.items())
    plain = DCN(FeatureSchema(ids)).eval()
    with_codes = DCN(FeatureSchema((*ids, *coded))).eval()
    with_vectors = DCN(FeatureSchema((*ids, Field("z", users, vectors)))).eval()

    def fields(
        request: Request, more: Callable[[NDArray[np.int64]], list[NDArray[np.int64]]]
    ) -> torch.Tensor:
        places = bank.find(request.users)
        found = items.find(np.asarray(request.items, dtype=np.str_)) + 1
        columns = [places + 1, found, *more(places)]
        return torch.from_numpy(np.stack(np.broadcast_arrays(*columns), axis=1))

    return Servers(
        lambda request: plain(fields(request, lambda places: [])).sigmoid(),
        lambda request: with_codes(fields(request, lambda places: list(bank.codes(places).T))).sigmoid(),
        lambda request: with_vectors(fields(request, lambda places: [places + 1])).sigmoid(),
    )


def requests(rng: np.random.Generator, users: int, items: int, candidates: int) -> list[Request]:
    """``INSTANCES`` in all: one request of as many users, or requests of one user with its candidates."""
    if candidates == INSTANCES:
        drawn = user_names(rng.integers(users, size=INSTANCES)).tolist()
        return [
            Request(drawn, np.char.add("item_", rng.integers(items, size=INSTANCES).astype(str)).tolist())
        ]
    return [
        Request(
            user_names(rng.integers(users, size=1)).tolist(),
            np.char.add("item_", rng.integers(items, size=candidates).astype(str)).tolist(),
        )
        for _ in range(INSTANCES // candidates)
    ]


def measure(servers: Servers, users: int, items: int, candidates: int, rounds: int) -> list[float]:
    """Median seconds per 10,000 instances of every server."""
    rng = np.random.default_rng(1)
    times: list[list[float]] = [[] for _ in servers]
    with torch.inference_mode():
        for turn in range(rounds + 1):
            for server, taken in zip(servers, times, strict=True):
                asked = requests(rng, users, items, candidates)
                start = time.process_time()
                for request in asked:
                    server(request).tolist()
                if turn:  # the first turn warms up
                    taken.append(time.process_time() - start)
    return [statistics.median(taken) for taken in times]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=10_000_000, help="in the bank (default: %(default)s)")
    parser.add_argument("--items", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--dim", type=int, default=64, help="of a dense vector (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="turns (default: %(default)s)")
    parser.add_argument("--bank", type=Path, help="where to keep the bank for the next time")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bank = build_bank(given.bank or Path(folder) / "bank", given.users)
        vectors = build_vectors(Path(folder) / "vectors.npy", given.users, given.dim)
        names = np.char.add("item_", np.arange(given.items).astype(str))
        items, _ = KeyIndex.build(names)
        servers = build_servers(bank, items, given.items, vectors)
        title = f"seconds per 10,000 instances, {given.users:,} users, torch {torch.__version__}, one thread"
        table = Table("request", "DCN", "DCN + codes", f"DCN + vectors of {given.dim}", title=title)
        for candidates, label in ((INSTANCES, "10,000 users, one item each"), (100, "one user, 100 items")):
            plain, codes, dense = measure(servers, given.users, given.items, candidates, given.rounds)
            row = (f"{codes:.4f} ({codes / plain:.2f}x)", f"{dense:.4f} ({dense / plain:.2f}x)")
            table.add_row(label, f"{plain:.4f}", *row)
    table.add_row("the paper, its own data and hardware", "0.93", "1.21 (1.30x)", "KAR 4.78 (5.14x)")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
