"""What a study hands to its report: one entry per method and block, naming runs that lie on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from userip_lightning.atomic import write_errors, write_text
from userip_lightning.errors import InputError

Group = Literal["reference", "network", "userip", "control", "llm"]
#: Entries that agree in these fields are judged on the same rows and stand in one table.
BLOCK = ("dataset", "split", "fields")
FILE = "entries.json"


class Entry(NamedTuple):
    """One method of one block.

    Args:
        dataset: name of the data; the paper's figures are known for clothing, movies, games and yelp.
        split: how the rows were split, e.g. ``random``, ``temporal``, ``cold_users``.
        fields: what the network sees besides the codes, e.g. ``ids``, ``rich``.
        method: row label, unique in its block, e.g. ``DCN``, ``UserIP-DCN``, ``DCN + shuffled``.
        group: what kind of row it is.
        network: the network behind the row, e.g. ``DCN``; None for references and LLM rows.
        against: the method of the same block that it is compared with; None for no comparison.
        runs: ctr artifact folders relative to the study's root, one per seed, the same seeds in the same
            order in one block; a part may have the first of them only.
        failed: one sentence, where the row was meant to be measured and could not be.
        not_run: one sentence, why it was not tried.
        chosen: hyper-parameters chosen on validation.
        sizes: codebook size of every profile; empty where the row has no codes, or a control those of the
            codes that it controls.
        validation_auc: of the chosen hyper-parameters.
        seconds: training and scoring time of all runs.
        note: one sentence about how the row was measured, printed under its table.
        part: judged on a stated part of the block's rows, or with the first of its seeds only.
        control: which control, where the row is one.
        codes: label of the codes that it reads, where they are not those that controls were made for.
        left_out: whether it was not run because it would show nothing, as a control that repeats the codes.
    """

    dataset: str
    split: str
    fields: str
    method: str
    group: Group
    network: str | None
    against: str | None
    runs: tuple[str, ...]
    failed: str | None = None
    not_run: str | None = None
    chosen: Mapping[str, float] = {}
    sizes: Mapping[str, int] = {}
    validation_auc: float | None = None
    seconds: float | None = None
    note: str | None = None
    part: bool = False
    control: str | None = None
    codes: str | None = None
    left_out: bool = False

    @property
    def block(self) -> tuple[str, str, str]:
        """Dataset, split and fields."""
        return self.dataset, self.split, self.fields


def write_entries(folder: Path, entries: Sequence[Entry]) -> None:
    """Write ``entries.json`` in one step.

    Raises:
        InputError: the entries contradict each other (see :func:`check_entries`), or the disk is full.
    """
    check_entries(entries, str(folder / FILE))
    records = [
        {**entry._asdict(), "chosen": dict(entry.chosen), "sizes": dict(entry.sizes)} for entry in entries
    ]
    with write_errors(folder / FILE):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, json.dumps(records, indent=1, ensure_ascii=False) + "\n")


def check_entries(entries: Sequence[Entry], source: str) -> None:
    """Refuse entries that contradict each other; ``source`` opens the message.

    Raises:
        InputError: a method occurs twice in its block, is compared with one that is not there, or has
            neither runs nor a reason for having none.
    """
    known: set[tuple[str, ...]] = set()
    for entry in entries:
        name = f"{source}: {entry.method!r} of {' / '.join(entry.block)}"
        if (*entry.block, entry.method) in known:
            raise InputError(f"{name} occurs twice; give every method of a block its own label.")
        if not (entry.runs or entry.failed or entry.not_run):
            raise InputError(
                f"{name} has no runs; name them, or say in failed or not_run why there are none."
            )
        known.add((*entry.block, entry.method))
    for entry in entries:
        if entry.against is not None and (*entry.block, entry.against) not in known:
            raise InputError(
                f"{source}: {entry.method!r} of {' / '.join(entry.block)} is compared with "
                f"{entry.against!r}, which is not in that block; add it or set against to null."
            )
