"""The YAML file of a language-model baseline: which method, and its sections.

``method: pepler`` and ``method: rella`` have the sections ``model``, ``data`` and ``trainer`` of a stage;
``method: kar`` has ``knowledge``, ``adaptor``, the name of the ``network`` that gets the knowledge, and
``shuffled``, which makes it a control.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

import yaml
from jsonargparse import ArgumentParser
from jsonargparse.typing import Path_fr

from userip_lightning.errors import InputError
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.pipeline.named_settings import named_settings
from userip_lightning.pipeline.process_layout import process_count

Method = Literal["kar", "pepler", "rella"]


class Baseline(NamedTuple):
    """Settings of one baseline, JSON values with every default spelled out.

    Args:
        method: which one.
        seeds: how many of the study's seeds it is trained with; None for all.
        network: of the study that reads KAR's knowledge; None for the study's control network.
        sections: name to settings.
    """

    method: Method
    seeds: int | None
    network: str | None
    sections: dict[str, Any]


def read_baseline(label: str, given: Path_fr | Sequence[Path_fr] | dict[str, object]) -> Baseline:
    """Read the settings of a baseline.

    Args:
        label: in the study, for messages.
        given: its file, several, the later ones win, or the settings themselves.

    Raises:
        InputError: no such method, a number of seeds below 1, or a Trainer of several processes.
        argparse.ArgumentError: an unknown key, or a value of another type.
    """
    files = [] if isinstance(given, dict) else [given] if isinstance(given, Path_fr) else list(given)
    method = _method(label, given if isinstance(given, dict) else _joined(files))
    parser = _parser(method)
    if isinstance(given, dict):
        config = parser.parse_object(given)
    else:
        config = parser.parse_args([word for file in files for word in ("--config", file.absolute)])
    values = json.loads(parser.dump(config, format="json", skip_unset=False, skip_validation=True))
    seeds = values.pop("seeds")
    if seeds is not None and seeds < 1:
        raise InputError(f"baselines.{label}: seeds is {seeds}; give a number from 1 up, or null for all.")
    _refuse_processes(label, values.get("trainer"))
    values = {key: value for key, value in values.items() if key not in ("config", "method")}
    return Baseline(method, seeds, values.pop("network", None), values)


def _joined(files: Sequence[Path_fr]) -> dict[str, object]:
    """The top level of all files, as far as it is needed to know the method."""
    top: dict[str, object] = {}
    for file in files:
        top |= _mapping(file)
    return top


def _mapping(file: Path_fr) -> dict[str, object]:
    try:
        return dict(yaml.safe_load(Path(file.absolute).read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, TypeError, ValueError, KeyError, AttributeError) as error:  # by its tags
        reason = " ".join(str(error).split())
        raise InputError(f"{file.absolute}: no YAML mapping ({reason}); see configs/baselines.") from None


def _method(label: str, values: dict[str, object]) -> Method:
    method = values.get("method")
    if method not in get_args(Method):
        raise InputError(
            f"baselines.{label}: method is {method!r}; give one of {', '.join(get_args(Method))}, as the "
            "files in configs/baselines do."
        )
    return cast(Method, method)


def _refuse_processes(label: str, trainer: object) -> None:
    """Lightning would start the others by the command line, which is that of the whole study."""
    count = 1 if trainer is None else process_count(named_settings(trainer, f"baselines.{label}: trainer"))
    if count > 1:
        raise InputError(
            f"baselines.{label}: trainer asks for {count} processes, but a baseline runs in one; set devices "
            "and num_nodes to 1."
        )


def _parser(method: Method) -> ArgumentParser:
    # Imported here: peft and transformers take seconds, and a study may have no baseline.
    if method == "kar":
        parser = _kar_parser()
    else:
        from userip_lightning.pipeline.baseline_stages import PEPLER, RELLA
        from userip_lightning.pipeline.stages import stage_parser

        stage = PEPLER if method == "pepler" else RELLA
        parser = stage_parser(stage, stage.filled)
    parser.add_argument("--config", action="config")
    parser.add_argument("--method", type=Method)
    parser.add_argument("--seeds", type=int | None, default=None)
    return parser


def _kar_parser() -> ArgumentParser:
    from userip_lightning.baselines.kar.knowledge import Knowledge
    from userip_lightning.baselines.kar.network import KnowledgeNet

    parser = FreshClassParser(exit_on_error=False, allow_abbrev=False)
    parser.add_class_arguments(Knowledge, "knowledge", sub_configs=True)
    parser.add_class_arguments(KnowledgeNet, "adaptor", sub_configs=True, skip={"schema", "net"})
    parser.add_argument("--network", type=str | None, default=None)
    parser.add_argument("--shuffled", type=bool, default=False)
    return parser
