"""One-off cases of a size: a user with a million events, a line of a gigabyte; their time and memory."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

import numpy as np
import polars as pl
import yaml

from benchmarks.fuzz.case import Outcome, judge, raised
from userip_lightning.cli import main
from userip_lightning.data.sources.amazon2014 import Amazon2014
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.recbole import RecBole
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.tabular import Tabular

EVENTS = 1_000_000
#: Of a line without an end.
LINE = 1 << 30
_PIECE = 1 << 24
_SECONDS = 3600.0


def run_large(names: Iterable[str], work: Path, out: TextIO) -> int:
    """Run the cases of these names, or all, each in a process of its own; 1 if one is bad."""
    chosen = list(names) or list(LARGE)
    if unknown := sorted(set(chosen) - set(LARGE)):
        raise SystemExit(f"no large case {unknown[0]!r}; there are {', '.join(LARGE)}")
    bad = 0
    for name in chosen:
        folder = work / "large" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        begun = time.monotonic()
        outcome, peak = _alone(name, folder)
        bad += outcome.is_finding
        cost = f"{time.monotonic() - begun:.0f} s, peak {peak / 2**30:.2f} GiB"
        print(
            f"{name}: {outcome.verdict}, {cost}: {outcome.told}\n{outcome.trace}".rstrip(),
            file=out,
            flush=True,
        )
        shutil.rmtree(folder, ignore_errors=True)
    return int(bad > 0)


def _alone(name: str, folder: Path) -> tuple[Outcome, int]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(name, folder, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if ours.poll(_SECONDS):
            found: tuple[Outcome, int] = ours.recv()
            return found
        return Outcome("hangs", name, f"more than {_SECONDS:g} s"), 0
    except EOFError:
        process.join()
        return Outcome("died", name, f"exit code {process.exitcode}"), 0
    finally:
        process.kill()
        process.join()


def _work(name: str, folder: Path, connection: Connection) -> None:
    os.environ["USERIP_CACHE"] = str(folder / "cache")
    try:
        outcome = LARGE[name](folder)
    except BaseException as error:
        outcome = raised(name, error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    connection.send((outcome, peak))


def _write_events(file: Path) -> int:
    """One user with ``EVENTS`` events, and 2,000 with twenty each."""
    draw = np.random.default_rng(0)
    others = np.repeat(np.arange(1, 2001), 20)
    users = np.concatenate([np.zeros(EVENTS, dtype=np.int64), others])
    items = draw.integers(0, 5000, users.size)
    frame = pl.DataFrame({"user_id": users, "item_id": items, "rating": draw.integers(1, 6, users.size)})
    frame = frame.with_columns(
        timestamp=pl.int_range(pl.len()) + 1_000_000_000, title=pl.format("Item {}", "item_id")
    )
    frame.write_csv(file)
    return users.size


def _events_read(folder: Path) -> Outcome:
    """Into memory, with every check."""
    rows = _write_events(folder / "log.csv")
    source = Tabular(str(folder / "log.csv"))
    return judge(
        "read",
        lambda: source.read().events.group_by("user_id").len().sort("len")["len"].to_list(),
        lambda found: None if found == [20] * 2000 + [rows - 40_000] else f"other counts: {found[-3:]}",
        may_refuse=False,
    )


def _events_history(folder: Path) -> Outcome:
    """All of them in one line of a history."""
    items = " ".join(f"i{number % 5000}" for number in range(EVENTS))
    (folder / "log.tsv").write_text(
        f"user_id:token\titem_id_list:token_seq\titem_id:token\nu\t{items}\ti0\nv\ti1\ti2\n"
    )
    titles = "".join(f"i{number}\tItem {number}\n" for number in range(5000))
    (folder / "items.tsv").write_text(f"item_id:token\ttitle:token_seq\n{titles}")
    source = Histories(str(folder / "log.tsv"), str(folder / "items.tsv"))
    return judge(
        "read",
        lambda: source.read().events.height,
        lambda found: None if found == EVENTS + 3 else f"{found} events",
        may_refuse=False,
    )


def _events_fit(folder: Path) -> Outcome:
    """Codes of them all by the catalogue engine, the CTR models left out."""
    _write_events(folder / "log.csv")
    source = {
        "class_path": "userip_lightning.data.sources.tabular.Tabular",
        "init_args": {"path": str(folder / "log.csv")},
    }
    settings = {
        "experiment": "large",
        "seeds": [0],
        "data": {"source": source},
        "wandb": {"mode": "disabled"},
    }
    (folder / "large.yaml").write_text(yaml.safe_dump(settings))
    words = ["--config", str(folder / "large.yaml"), "--output", str(folder), "--stages", "catalogue"]
    return judge(
        "fit",
        lambda: main(["fit", *words]),
        lambda code: f"exit code {code}" if code else None,
        may_refuse=False,
    )


def _long_line(file: Path, before: bytes, filler: bytes) -> str:
    """A file whose last line has no end."""
    with gzip.open(file, "wb", compresslevel=1) if file.suffix == ".gz" else file.open("wb") as handle:
        handle.write(before)
        for _ in range(LINE // _PIECE):
            handle.write(filler * (_PIECE // len(filler)))
    return str(file)


def _line(
    name: str, before: bytes, filler: bytes, reader: Callable[[Path], Source]
) -> Callable[[Path], Outcome]:
    """A reader that meets such a line in its log."""

    def run(folder: Path) -> Outcome:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        _long_line(file, before, filler)
        return judge(
            "read", lambda: reader(file).read(max_bad_rows=10), lambda found: "a line of a gigabyte was read"
        )

    return run


def _own(file: Path) -> Source:
    return Tabular(str(file))


def _recbole(file: Path) -> Source:
    return RecBole(str(file.parent))


def _amazon(file: Path) -> Source:
    reviews = file.with_name("reviews.json")
    reviews.write_text('{"reviewerID": "a", "asin": "b", "overall": 5.0, "unixReviewTime": 1}\n')
    return Amazon2014(str(reviews), str(file))


_CSV = b"user_id,item_id,rating\nu,i,3\n"
LARGE: dict[str, Callable[[Path], Outcome]] = {
    "events_read": _events_read,
    "events_history": _events_history,
    "events_fit": _events_fit,
    "line_csv": _line("log.csv", _CSV, b"x", _own),
    "line_csv_quoted": _line("log.csv", _CSV + b'"', b"x,", _own),
    "line_csv_fields": _line("log.csv", _CSV, b"x,", _own),
    "line_header": _line("log.csv", b"", b"x,", _own),
    "line_tsv_gz": _line("log.tsv.gz", _CSV.replace(b",", b"\t"), b"x", _own),
    "line_json": _line("log.jsonl", b'{"user_id": "u", "item_id": "i"}\n{"user_id": "', b"x", _own),
    "line_json_array": _line("log.json", b"[", b'{"user_id": "u"},', _own),
    "line_recbole": _line("toy/toy.inter", b"user_id:token\titem_id:token\nu\ti\n", b"x", _recbole),
    "line_literal": _line("meta.json", b"{'asin': 'b', 'title': '", b"x", _amazon),
}
