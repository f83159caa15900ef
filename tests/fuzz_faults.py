"""A kind of cases whose ends are known: everything that the harness has to notice."""

import os
import time
from pathlib import Path

from benchmarks.fuzz.case import Kind, Outcome, judge
from userip_lightning.errors import InputError


def _raise(error: Exception) -> None:
    raise error


ENDS = {
    "right": lambda: 7,
    "refused": lambda: _raise(InputError("bank: no such thing; make one.")),
    "wrong": lambda: 8,
    "traceback": lambda: [][0],
    "sentence": lambda: _raise(InputError("no such thing")),
    "died": os.abort,
    "hangs": lambda: time.sleep(3600),
    "memory": lambda: bytearray(4 << 30),
}


class Faults(Kind):
    """The seed is the place in ``ENDS``."""

    name = "faults"

    def open(self, folder: Path) -> None:
        self.word = (folder / "word").read_text()

    def build(self, folder: Path) -> None:
        (folder / "word").write_text("built")

    def run(self, seed: int, scratch: Path) -> Outcome:
        (scratch / "input").write_text(self.word)
        return judge("nothing", list(ENDS.values())[seed], lambda found: None if found == 7 else f"{found}")
