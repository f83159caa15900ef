"""One small log in every format that a reader knows, and which of its files hold the events."""

from __future__ import annotations

import bz2
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.data import formats
from tests.data.formats import FORMATS, Event, Log, lines
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.movielens import GENRES, MovieLens100K
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.tabular import Tabular

LOG = Log(
    [
        Event(f"u{number % 5}", "pqrs"[number % 4], 1 + number % 5, 1_600_000_000 + number, review)
        for number, review in enumerate(
            ["Good, very good", None, 'So "so" it\'s', "naïve 🙂", "a\tb", "two"] * 2
        )
    ],
    {"p": "Pen & Ink", "q": "Quill (1995)", "r": "Rüler", "s": 'The "S"'},
)


class Written(NamedTuple):
    """A format that can be damaged.

    Args:
        write: writes a log into a folder and gives the reader of it.
        log: the file with the events, or the folder of such files.
        by_line: whether every line but those in ``header`` is an event whatever the others are.
        header: lines before the first event.
    """

    write: Callable[[Path, Log], Source]
    log: str
    by_line: bool = False
    header: int = 0


def movielens_100k(folder: Path, log: Log) -> Source:
    """The original layout."""
    flags = "|".join(["1", *"0" * (len(GENRES) - 1)])
    events = ["\t".join(map(str, event[:4])) for event in log.events]
    items = [
        f"{item}|{title.replace('|', ' ')}|01-Jan-1995||http://x|{flags}"
        for item, title in log.titles.items()
    ]
    users = [f"{user}|24|M|writer|85711" for user in sorted({event.user for event in log.events})]
    for name, rows in (("u.data", events), ("u.item", items), ("u.user", users)):
        (folder / name).write_bytes(("\n".join(rows) + "\n").encode("latin-1"))
    return MovieLens100K(str(folder))


def histories(folder: Path, log: Log) -> Source:
    """RecBole's sequential benchmark files."""
    of_user: dict[str, list[str]] = {}
    for event in log.events:
        of_user.setdefault(event.user, []).append(event.item)
    rows = [f"{user}\t{' '.join(items[:-1])}\t{items[-1]}" for user, items in of_user.items()]
    titles = [f"{item}\t{title}" for item, title in log.titles.items()]
    log_file = lines(
        folder / "log.tsv.gz", ["user_id:token\titem_id_list:token_seq\titem_id:token", *rows], str
    )
    return Histories(
        log_file, lines(folder / "items.tsv.gz", ["item_id:token\ttitle:token_seq", *titles], str)
    )


def packed(suffix: str) -> Callable[[Path, Log], Source]:
    """A log of one's own as packed CSV."""

    def write(folder: Path, log: Log) -> Source:
        formats.own_csv(folder, log)
        raw, file = (folder / "log.csv").read_bytes(), folder / f"log.csv{suffix}"
        (folder / "log.csv").unlink()
        if suffix == ".zip":
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("log.csv", raw)
        else:
            file.write_bytes({".bz2": bz2.compress, ".xz": lzma.compress}[suffix](raw))
        return Tabular(str(file), items_path=str(folder / "items.csv"))

    return write


_BY_LINE = {"amazon2014": 0, "amazon2018": 0, "amazon2023": 0, "yelp": 0, "own_json": 0, "movielens_1m": 0}
_BY_LINE |= {"recbole": 1, "movielens_csv": 1}
LOGS = {
    **{
        name: Written(
            form.write, "log" if name == "own_folder" else form.log, name in _BY_LINE, _BY_LINE.get(name, 0)
        )
        for name, form in FORMATS.items()
    },
    "movielens_100k": Written(movielens_100k, "u.data", by_line=True),
    "histories": Written(histories, "log.tsv.gz"),
    **{f"own_csv{suffix}": Written(packed(suffix), f"log.csv{suffix}") for suffix in (".bz2", ".xz", ".zip")},
}
