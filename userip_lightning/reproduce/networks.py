"""The study's networks, by class or from their files, with every default spelled out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse.typing import Path_fr

from userip_lightning.ctr.module import CTRModule
from userip_lightning.data.splits import Split
from userip_lightning.errors import InputError
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.settings import Study

#: The network around a network that adapts the knowledge of KAR; a name, for its import is not needed here.
_KNOWLEDGE_NET = "userip_lightning.baselines.kar.network.KnowledgeNet"


def read_networks(study: Study) -> Study:
    """The study with every network, reference and split as class_path and all init_args.

    Raises:
        argparse.ArgumentError: there is no such class, or it does not take what it is given.
        InputError: a network's file is not there.
    """
    return replace(
        study,
        networks=_networks(study.networks),
        references=_networks(study.references),
        split_rules={name: _split(rule) for name, rule in study.split_rules.items()},
    )


def knowledge_net(study: Study, label: str, baseline: Baseline) -> dict[str, Any]:
    """The network of a KAR row: one of the study's with the adaptor in front, as class_path and init_args.

    Args:
        study: as :func:`read_networks` gives it.
        label: of the row, for messages.
        baseline: its settings.

    Raises:
        InputError: a network that the study does not have.
    """
    name = baseline.network or study.control_network
    if name not in study.networks:
        raise InputError(
            f"baselines.{label}: network {name!r} is not among the study's ({', '.join(study.networks)}); "
            "name one of them."
        )
    return {
        "class_path": _KNOWLEDGE_NET,
        "init_args": {"net": study.networks[name], **baseline.sections["adaptor"]},
    }


def _networks(
    networks: Mapping[str, Path_fr | str | dict[str, object]],
) -> dict[str, Path_fr | str | dict[str, object]]:
    parser = FreshClassParser(exit_on_error=False)
    parser.add_class_arguments(CTRModule, "model", sub_configs=True)
    return {
        name: _spelled_out(parser, {"model": {"net": _given(name, net)}})["model"]["net"]
        for name, net in networks.items()
    }


def _given(name: str, net: Path_fr | str | dict[str, object]) -> str | dict[str, object]:
    if isinstance(net, Path_fr):
        return str(net.absolute)
    if isinstance(net, str) and not all(part.isidentifier() for part in net.split(".")):
        raise InputError(
            f"networks.{name}: {net!r} is no file and no name of a class; give one, such as PNN, or a file."
        )
    return net


def _split(rule: str | dict[str, object]) -> dict[str, object]:
    parser = FreshClassParser(exit_on_error=False)
    parser.add_argument("--split", type=Split)
    split: dict[str, object] = _spelled_out(parser, {"split": rule})["split"]
    return split


def _spelled_out(parser: ArgumentParser, values: dict[str, object]) -> Any:
    return json.loads(
        parser.dump(parser.parse_object(values), format="json", skip_unset=False, skip_validation=True)
    )
