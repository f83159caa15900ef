"""A whole study, judged block by block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning.report.block import Block, judge_block
from userip_lightning.report.block_runs import blocks_of
from userip_lightning.report.codes import CodesVerdict
from userip_lightning.report.entries import Entry, check_entries
from userip_lightning.report.row import SCHEMA


class Study(NamedTuple):
    """What a study found."""

    replicates: int  #      of the bootstrap
    blocks: tuple[Block, ...]
    table: pl.DataFrame  #  the blocks' tables, one below the other
    contrasts: pl.DataFrame  # of every row with codes: dataset, split, fields, method, against, deltas, p


def judge_study(entries: Sequence[Entry], root: Path, replicates: int = 1000) -> Study:
    """Judge all entries on the test rows of their runs.

    Args:
        entries: of any number of blocks.
        root: what their runs are relative to.
        replicates: of the bootstrap.

    Raises:
        InputError: entries contradict each other; a run that cannot be judged is a failed row instead.
    """
    check_entries(entries, "the study's entries")
    blocks = tuple(judge_block(part, root, replicates) for part in blocks_of(entries))
    contrasts = [
        _named(block, found) for block in blocks for found in block.verdicts if found.contrasts.width
    ]
    return Study(
        replicates,
        blocks,
        pl.concat([block.table for block in blocks]) if blocks else pl.DataFrame(schema=SCHEMA),
        pl.concat(contrasts) if contrasts else pl.DataFrame(),
    )


def _named(block: Block, found: CodesVerdict) -> pl.DataFrame:
    names = {
        "dataset": block.dataset,
        "split": block.split,
        "fields": block.fields,
        "method": found.method,
    }
    return found.contrasts.select(*(pl.lit(value).alias(name) for name, value in names.items()), pl.all())
