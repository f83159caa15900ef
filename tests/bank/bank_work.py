"""What other processes do with a bank on disk while a test looks on."""

import time
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from queue import Queue
from typing import NamedTuple

import numpy as np

from tests.serving.banks import SIZES, ids
from userip_lightning.bank import FeatureBank
from userip_lightning.lock import sole_writer


class Seen(NamedTuple):
    """Answers of a reader: how many, of how many versions, how many mixed or incomplete; what was raised."""

    answers: int
    versions: int
    wrong: int
    failed: str


def watch(root: Path, users: int, begun: Semaphore, over: Event, seen: "Queue[Seen]") -> None:
    """Open the bank and look all users up, again and again."""
    asked, numbers = ids(users), np.arange(users)[:, None]
    answers = wrong = 0
    versions: set[tuple[int, ...]] = set()
    failed = ""
    while not over.is_set():
        try:
            codes = FeatureBank.open(root).lookup(asked)
        except Exception as error:
            failed = repr(error)
            break
        version = (codes - numbers) % np.array(SIZES)
        answers += 1
        if answers == 1:
            begun.release()
        wrong += bool((version != version[0]).any() or (codes == SIZES).any())
        versions.add(tuple(version[0].tolist()))
    seen.put(Seen(answers, len(versions), wrong, failed))


def hold(folder: Path, held: Event, let_go: Event) -> None:
    """Be the sole writer of a folder until told to let go."""
    with sole_writer(folder, "bank"):
        held.set()
        let_go.wait(60)


def hold_and_hang(folder: Path, held: Event) -> None:
    """Be the sole writer of a folder until killed."""
    with sole_writer(folder, "bank"):
        held.set()
        time.sleep(600)
