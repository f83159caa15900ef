"""Which rows each table and figure of the paper has, in one block: a dataset, a split and a set of fields.

Table 2: every network without and with codes, and the language-model baselines. Table 3: continuous
profiles in place of codes. Table 4: codes that were trained with one surrogate, fed to other networks.
Figures 5 and 6: a growing codebook. The tables also have what the paper leaves out: references that no
network may lose to, and controls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from jsonargparse.typing import Path_fr

from userip_lightning.errors import Unavailable
from userip_lightning.pipeline.engine_controls import of_engine
from userip_lightning.report.paper import WITHOUT_CODES
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.networks import knowledge_net
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.settings import FieldSet, Study

TableName = Literal["table2", "table3", "table4", "fig5", "fig6"]
#: Figures whose codes the study's ``sweep_engine`` makes.
SWEEPS: tuple[TableName, ...] = ("fig5", "fig6")
POPULARITY = "item popularity"
Nets = Mapping[str, Path_fr | dict[str, Any]]
#: The profiles whose codebooks grow in figures 5 and 6.
HOBBY, BACKGROUND = "hobby", "background"


class Block(NamedTuple):
    """Rows that are judged on the same data and see the same fields."""

    dataset: str
    split: str
    fields: FieldSet


def rows_of(
    table: TableName, study: Study, block: Block, baselines: Mapping[str, Baseline] = MappingProxyType({})
) -> list[Row]:
    """The rows of one block, in the order of the table.

    Args:
        table: which one.
        study: its settings, as :func:`~userip_lightning.reproduce.networks.read_networks` gives them.
        block: where the rows belong.
        baselines: label to the settings of the language-model baselines, as read.

    Raises:
        InputError: a baseline's network that the study does not have.
        Unavailable: continuous profiles of an engine that infers none.
    """
    nets = study.networks
    first = {study.control_network: nets[study.control_network]}
    match table:
        case "table2":
            rows = [*_references(study, block), *_pairs(block, nets), *_further(study, block, first)]
            rows += _controls(study, block, first)
            return [*rows, *_baselines(study, block, baselines), *_not_run(study, block)]
        case "table3":
            _require_profiles(study)
            rows = [*_references(study, block), *_pairs(block, first), *_vectors(block, first)]
            return [*rows, *_controls(study, block, first)]
        case "table4":
            rows = [*_references(study, block), *_pairs(block, {**first, **nets})]
            return [*rows, *_controls(study, block, first)]
        case "fig5":
            return _sweep(study, block, first, HOBBY)
        case "fig6":
            return _sweep(study, block, first, BACKGROUND)


def _references(study: Study, block: Block) -> list[Row]:
    trained = (Row(*block, name, "reference", net=net) for name, net in study.references.items())
    return [Row(*block, POPULARITY, "reference"), *trained]


def _pairs(block: Block, nets: Nets) -> Iterable[Row]:
    """Every network without and with codes."""
    for name, net in nets.items():
        yield Row(*block, name, "network", name, net=net)
        yield Row(*block, f"UserIP-{name}", "userip", name, name, net, "codes")


def _further(study: Study, block: Block, nets: Nets) -> list[Row]:
    """One network with codes that are made another way."""
    ((name, net),) = nets.items()
    return [
        Row(*block, label, "userip", name, name, net, "codes", codes=label) for label in study.further_codes
    ]


def _controls(study: Study, block: Block, nets: Nets) -> list[Row]:
    return [
        Row(*block, f"{name} + {control.replace('_', ' ')}", "control", name, name, net, control)
        for name, net in nets.items()
        for control in of_engine(study.controls, study.engine)
    ]


def _require_profiles(study: Study) -> None:
    if study.engine == "catalogue":
        raise Unavailable(
            "engine: table3 is about continuous profiles, and the engine catalogue infers none; set per_user."
        )


def _vectors(block: Block, nets: Nets) -> list[Row]:
    ((name, net),) = nets.items()
    method = WITHOUT_CODES if name == "DCN" else f"{name} + z"
    return [Row(*block, method, "userip", name, name, net, "z")]


def _baselines(study: Study, block: Block, baselines: Mapping[str, Baseline]) -> Iterable[Row]:
    """Language-model baselines, each compared with the control network alone."""
    chosen = study.baseline_splits
    reason = None
    if chosen is not None and block.split not in chosen:
        where = f"under {', '.join(chosen)} alone" if chosen else "under no split"
        reason = f"This study runs it {where} (baseline_splits); add {block.split}."
    for name, baseline in baselines.items():
        row = Row(*block, name, "llm", against=study.control_network, baseline=baseline, not_run=reason)
        if baseline.method == "kar":
            net = knowledge_net(study, name, baseline)
            row = row._replace(net=net, reads="knowledge", against=baseline.network or study.control_network)
        yield row


def _not_run(study: Study, block: Block) -> list[Row]:
    return [Row(*block, name, "llm", not_run=reason) for name, reason in study.not_run.items()]


def _sweep(study: Study, block: Block, nets: Nets, profile: str) -> list[Row]:
    """One network without codes, and with codebooks of one profile that grow."""
    ((name, net),) = nets.items()
    grown = [
        Row(
            *block,
            f"UserIP-{name}, {profile} {size}",
            "userip",
            name,
            name,
            net,
            "codes",
            grown=((profile, size),),
        )
        for size in study.sweep
    ]
    return [Row(*block, name, "network", name, net=net), *grown]
