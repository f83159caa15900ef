"""Part of a table: what `--datasets`, `--splits` and `--methods` leave of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from userip_lightning.errors import InputError
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.settings import Study
from userip_lightning.reproduce.tables import Block, TableName, rows_of


class Choice(NamedTuple):
    """Names to keep; None keeps all.

    Args:
        datasets: of the study.
        splits: of the study.
        methods: labels of rows, or of networks with all their rows.
        layers: of the language model, from 1, whose attention figure 7 shows.
    """

    datasets: Sequence[str] | None = None
    splits: Sequence[str] | None = None
    methods: Sequence[str] | None = None
    layers: Sequence[int] | None = None


def chosen_rows(
    table: TableName,
    study: Study,
    choice: Choice,
    baselines: Mapping[str, Baseline] = MappingProxyType({}),
) -> list[Row]:
    """The rows of a table, block by block; ``baselines`` as in :func:`rows_of`.

    Raises:
        InputError: a name that the study does not know, or two rows of a block with one label.
    """
    datasets = kept("datasets", choice.datasets, list(study.dataset_files))
    splits = kept("splits", choice.splits, list(study.split_rules))
    rows = [
        row
        for dataset in datasets
        for split in splits
        for fields in study.fields
        for row in rows_of(table, study, Block(dataset, split, fields), baselines)
    ]
    _refuse_twins(rows)
    if choice.methods is None:
        return rows
    labels = dict.fromkeys(name for row in rows for name in (row.network, row.method) if name is not None)
    methods = kept("methods", choice.methods, list(labels))
    rows = [row for row in rows if row.method in methods or row.network in methods]
    present = {row.method for row in rows}
    return [row if row.against in present else row._replace(against=None) for row in rows]


def _refuse_twins(rows: Sequence[Row]) -> None:
    """Two rows of one label would get one outcome: that of the one that was started last."""
    known: set[str] = set()
    for row in rows:
        if row.label in known:
            raise InputError(
                f"{row.method!r} names two rows of a table; give every one of networks, references, "
                "baselines and not_run a label of its own."
            )
        known.add(row.label)


def kept(name: str, wanted: Sequence[str] | None, known: Collection[str]) -> list[str]:
    """Names that the command line leaves of a study's, in the study's order.

    Args:
        name: of the option.
        wanted: what was given; None keeps all.
        known: the study's.

    Raises:
        InputError: a name that the study does not know.
    """
    unknown = [value for value in wanted or () if value not in known]
    if unknown:
        raise InputError(f"--{name}: {unknown[0]!r} is not in this study; it has {', '.join(known)}.")
    return [value for value in known if wanted is None or value in wanted]
