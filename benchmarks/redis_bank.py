"""A bank in Redis: seconds to push it, memory, time of a read, what readers see while versions are swapped.

    python benchmarks/redis_bank.py [--users N] [--reads N] [--swaps N] [--readers N] [--layouts]

Starts Debian's redis-server on loopback. A read asks for the codes of 1,000 users drawn at random. While a
small bank is swapped again and again and every older version is deleted at once, processes of their own look
all of its users up; code of user u in version v is u + v, so that an answer with codes of two versions shows.
--layouts also measures what was not chosen: a key per user, read with MGET, and hashes of 100 users, read
with HGET in a transaction.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from queue import Queue
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from redis import Redis
from rich.console import Console
from rich.table import Table

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.serving.redis_store import Address, RedisBank, info, push

SIZES = np.array([4, 3])  # paper, section 3.1
WATCHED = np.array([97, 89])  # of the bank that is swapped: enough values to tell versions by
USERS_PER_READ, USERS_PER_HASH, SWAPPED_USERS = 1_000, 100, 500
BATCH = 5_000


class Measured(NamedTuple):
    """What a layout costs.

    Args:
        push_s: seconds to push it.
        memory: megabytes of the server.
        reads: seconds of every read.
        processor_s: seconds of this process's processor per read, whatever else the machine does.
    """

    push_s: float
    memory: float
    reads: list[float]
    processor_s: float


class Seen(NamedTuple):
    """Answers that a reader got; those of several versions; those without a user; versions."""

    answers: int
    mixed: int
    missing: int
    versions: int


def user_names(users: int) -> list[str]:
    return [f"user_{number}" for number in range(users)]


@contextmanager
def server() -> Iterator[int]:
    """redis-server on a free port, which is yielded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def write_bank(root: Path, codes: NDArray[np.int64], sizes: NDArray[np.int64]) -> FeatureBank:
    manifest = Manifest("bank", "synthetic", "synthetic", len(codes))
    nothing = np.empty(0, dtype=np.int64)
    path = FeatureBank.write(
        root, user_names(len(codes)), codes, ["hobby", "background"], sizes.tolist(), manifest, nothing
    )
    return FeatureBank.open(path)


def time_reads(read: Callable[[list[str]], object], users: int, reads: int) -> tuple[list[float], float]:
    """Seconds of each of ``reads`` reads, and seconds of the processor per read."""
    rng, taken, processor = np.random.default_rng(1), [], 0.0
    for _ in range(reads):
        asked = [f"user_{number}" for number in rng.integers(users, size=USERS_PER_READ)]
        start, busy = time.perf_counter(), time.process_time()
        read(asked)
        taken.append(time.perf_counter() - start)
        processor += time.process_time() - busy
    return taken, processor / reads


def memory(port: int) -> float:
    return float(Redis(port=port).info("memory")["used_memory"]) / 1e6


def measure_pages(bank: FeatureBank, port: int, users: int, reads: int) -> Measured:
    """What `userip bank push` does."""
    address = Address.parse(f"redis://127.0.0.1:{port}/pages")
    before, start = memory(port), time.perf_counter()
    push(bank, address)
    push_s = time.perf_counter() - start
    used = memory(port) - before
    reader = RedisBank(address)
    return Measured(push_s, used, *time_reads(reader.lookup, users, reads))


def measure_keys(codes: NDArray[np.int64], port: int, reads: int) -> Measured:
    """A key per user."""
    client = Redis(port=port)
    names = user_names(len(codes))
    before, start = memory(port), time.perf_counter()
    for at in range(0, len(codes), BATCH):
        rows = zip(names[at : at + BATCH], codes[at : at + BATCH].tolist(), strict=True)
        client.mset({f"{{keys}}:v:{name}": f"{row[0]},{row[1]}" for name, row in rows})
    push_s = time.perf_counter() - start
    used = memory(port) - before

    def read(asked: list[str]) -> NDArray[np.int64]:
        found = client.mget(["{keys}:current", *(f"{{keys}}:v:{name}" for name in asked)])[1:]
        return np.fromstring(b",".join(found), dtype=np.int64, sep=",")

    return Measured(push_s, used, *time_reads(read, len(codes), reads))


def measure_hashes(codes: NDArray[np.int64], port: int, reads: int) -> Measured:
    """Hashes of about 100 users, which Redis keeps as lists without pointers."""
    client = Redis(port=port)
    client.config_set("hash-max-listpack-entries", 512)
    hashes = len(codes) // USERS_PER_HASH
    before, start = memory(port), time.perf_counter()
    fields: list[dict[str, str]] = [{} for _ in range(hashes)]
    for name, row in zip(user_names(len(codes)), codes.tolist(), strict=True):
        fields[crc32(name.encode()) % hashes][name] = f"{row[0]},{row[1]}"
    for at in range(0, hashes, BATCH // USERS_PER_HASH):
        pipe = client.pipeline(transaction=False)
        for number in range(at, min(hashes, at + BATCH // USERS_PER_HASH)):
            pipe.hset(f"{{hashes}}:v:{number}", mapping=fields[number])
        pipe.execute()
    push_s = time.perf_counter() - start
    used = memory(port) - before

    def read(asked: list[str]) -> NDArray[np.int64]:
        pipe = client.pipeline()
        pipe.get("{hashes}:current")
        for name in asked:
            pipe.hget(f"{{hashes}}:v:{crc32(name.encode()) % hashes}", name)
        return np.fromstring(b",".join(pipe.execute()[1:]), dtype=np.int64, sep=",")

    return Measured(push_s, used, *time_reads(read, len(codes), reads))


def watch(url: str, begun: Semaphore, over: Event, seen: Queue[Seen]) -> None:
    """Look all users up until it is over; ``begun`` is released after the first time."""
    bank, asked = RedisBank(url), user_names(SWAPPED_USERS)
    numbers = np.arange(SWAPPED_USERS)[:, None]
    answers = mixed = missing = 0
    versions: set[tuple[int, ...]] = set()
    while not over.is_set():
        codes = bank.lookup(asked)
        version = (codes - numbers) % WATCHED
        answers += 1
        if answers == 1:
            begun.release()
        missing += bool((codes == WATCHED).any())
        mixed += bool((version != version[0]).any())
        versions.add(tuple(version[0].tolist()))
    seen.put(Seen(answers, mixed, missing, len(versions)))


def swap(root: Path, port: int, swaps: int, readers: int) -> tuple[float, list[Seen]]:
    """Push ``swaps`` versions, each deleting the one before; returns seconds and what the readers saw."""
    address = Address.parse(f"redis://127.0.0.1:{port}/swapped")
    numbers = np.arange(SWAPPED_USERS)[:, None]
    banks = [write_bank(root, (numbers + version) % WATCHED, WATCHED) for version in range(10)]
    push(banks[-1], address)
    context = multiprocessing.get_context("spawn")
    begun, over, seen = context.Semaphore(0), context.Event(), context.Queue()
    processes = [
        context.Process(target=watch, args=(str(address), begun, over, seen)) for _ in range(readers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        begun.acquire()
    start = time.perf_counter()
    for number in range(swaps):
        push(banks[number % len(banks)], address, keep=1)
    taken = time.perf_counter() - start
    over.set()
    found: list[Seen] = [seen.get() for _ in processes]
    for process in processes:
        process.join()
    assert len(info(address).versions) == 1
    return taken, found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--reads", type=int, default=500, help="of 1,000 users each (default: %(default)s)")
    parser.add_argument("--swaps", type=int, default=1_000, help="(default: %(default)s)")
    parser.add_argument("--readers", type=int, default=4, help="processes (default: %(default)s)")
    parser.add_argument("--layouts", action="store_true", help="measure what was not chosen, too")
    given = parser.parse_args()
    if shutil.which("redis-server") is None:
        parser.error("redis-server is not installed; apt-get install redis-server")
    codes = np.random.default_rng(0).integers(0, SIZES, (given.users, 2))
    table = Table("layout", "push, s", "memory, MB", "bytes per user", "read p50, ms", "p99", "processor")
    with tempfile.TemporaryDirectory() as folder, server() as port:
        measured = {
            "pages of 16 users": measure_pages(
                write_bank(Path(folder) / "bank", codes, SIZES), port, given.users, given.reads
            )
        }
        if given.layouts:
            measured["a key per user"] = measure_keys(codes, port, given.reads)
            measured["hashes of 100 users"] = measure_hashes(codes, port, given.reads)
        for name, (push_s, used, reads, processor_s) in measured.items():
            p50, p99 = (1e3 * float(np.quantile(reads, part)) for part in (0.5, 0.99))
            row = (push_s, used, 1e6 * used / given.users, p50, p99, 1e3 * processor_s)
            table.add_row(name, *(f"{figure:.1f}" for figure in row))
        console = Console(width=120)
        console.print(table)
        Redis(port=port).flushall()
        taken, seen = swap(Path(folder) / "swapped", port, given.swaps, given.readers)
    answers, mixed, missing = (sum(one[place] for one in seen) for place in range(3))
    versions = min(one.versions for one in seen)
    console.print(
        f"{given.swaps:,} swaps of {SWAPPED_USERS} users in {taken:.1f} s under {given.readers} readers: "
        f"{answers:,} answers of at least {versions} versions each, {mixed} mixed, {missing} incomplete"
    )


if __name__ == "__main__":
    main()
