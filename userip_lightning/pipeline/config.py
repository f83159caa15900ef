"""One configuration for all stages: the parser of `userip fit` and what it yields."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml
from jsonargparse import ActionParser, ArgumentParser

from userip_lightning.artifact import stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.data.preparation import Preparation
from userip_lightning.errors import InputError
from userip_lightning.pipeline.code_version import code_hash, named_modules
from userip_lightning.pipeline.data_location import locate_data
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.pipeline.local_paths import absolute
from userip_lightning.pipeline.named_settings import named_settings
from userip_lightning.pipeline.profiles import DEFAULT, UNTOLD, declared, filled, refuse_part, without_copies
from userip_lightning.pipeline.settings import (
    ENGINES,
    STAGE_NAMES,
    Engine,
    Selection,
    Settings,
    StageName,
    WandbSettings,
)
from userip_lightning.pipeline.stages import TRAINED, stage_parser
from userip_lightning.progress_bars import piece

#: Arguments of Preparation that the experiment decides.
DATA_FILLED = frozenset({"seed"})
#: What a configuration that is kept says nothing of, or says apart.
_OF_THIS_COMMAND = ("config", "output", "stages")


class Experiment(NamedTuple):
    """A parsed configuration.

    Args:
        settings: of the experiment itself.
        stages: the stages to go through, in order.
        data: arguments of Preparation, JSON values.
        sections: stage name to its ``{model, data, trainer}``, JSON values with every default spelled out,
            and with what the profiles tell it.
        merged: all of it but ``output`` as YAML; another run can start from it.
    """

    settings: Settings
    stages: tuple[StageName, ...]
    data: dict[str, Any]
    sections: dict[str, dict[str, Any]]
    merged: str

    @property
    def written(self) -> str:
        """The YAML file that lies in the experiment's folder: from wherever a command starts with it, it
        finds the same files and the same folder."""
        return self.merged + _yaml({"output": str(Path(self.settings.output).absolute())})


def settings_hash(written: str) -> str:
    """Hash of a configuration as YAML, wherever its experiment lies.

    Raises:
        InputError: no YAML mapping.
    """
    try:
        values = dict(yaml.safe_load(written))
    except (yaml.YAMLError, TypeError, ValueError):
        raise InputError("the configuration is no YAML mapping; fit the experiment again.") from None
    values.pop("output", None)
    return stable_hash(values)


@cache
def experiment_parser(command: str, description: str, with_sections: bool = True) -> ArgumentParser:
    """:func:`new_parser`, built once, as a study parses a dozen configurations; add nothing to it."""
    return new_parser(command, description, with_sections)


def new_parser(command: str, description: str, with_sections: bool = True) -> ArgumentParser:
    """The parser of ``userip fit`` and ``userip test``.

    Args:
        command: name of the command.
        description: text above its help.
        with_sections: False leaves the hundreds of settings of the stages out, for a help page one can read.
    """
    parser = FreshClassParser(
        prog=f"userip {command}", description=description, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("-c", "--config", action="config", help="YAML file; give several, the later ones win")
    parser.add_argument(
        "--stages",
        default=",".join(STAGE_NAMES),
        type=str,
        help="comma-separated stages to go through, the earlier ones must have been run",
    )
    parser.add_class_arguments(Settings, None)
    parser.set_defaults({"profiles": DEFAULT})
    parser.add_class_arguments(Preparation, "data", sub_configs=True, skip=set(DATA_FILLED))
    for stage in TRAINED:
        if with_sections:
            section = ActionParser(parser=stage_parser(stage, stage.filled))
            parser.add_argument(f"--{stage.name}", action=section)
        else:
            parser.add_argument(
                f"--{stage.name}",
                metavar="SECTION",
                help=f"section or YAML file with model, data and trainer, also dotted "
                f"(--{stage.name}.trainer.max_epochs 3); `userip {stage.name} fit --help` lists its settings",
            )
    if with_sections:
        parser.set_defaults(UNTOLD)
    return parser


def parse_experiment(parser: ArgumentParser, arguments: Sequence[str]) -> Experiment:
    """Parse a command line.

    Raises:
        argparse.ArgumentError: an unknown key or a value of another type.
        InputError: an unknown stage, a name that YAML has not read as text, a group that is one value, or
            profiles that cannot be.
    """
    refuse_part(arguments)
    config = parser.parse_args(list(arguments))
    _refuse_bare_keys(config.as_dict())
    values = absolute(json.loads(parser.dump(config, format="json", skip_unset=False, skip_validation=True)))
    profiles = declared(values, config.engine)
    names = {setting.name for setting in fields(Settings)} - {"profiles", "selection", "wandb"}
    settings = Settings(
        **{name: config[name] for name in names},
        profiles=profiles,
        selection=Selection(**named_settings(config.selection, "selection")),
        wandb=WandbSettings(**named_settings(config.wandb, "wandb")),
    )
    kept = without_copies(values, profiles)
    return Experiment(
        settings=_checked(settings),
        stages=_stage_names(config.stages, settings.engine),
        data=values["data"],
        sections=filled({stage.name: values[stage.name] for stage in TRAINED}, profiles),
        merged=_yaml({key: value for key, value in kept.items() if key not in _OF_THIS_COMMAND}),
    )


def prepare(experiment: Experiment, report: Callable[[str], None]) -> Path:
    """Prepare the data, a look-up where this code has done it before; ``report`` is told what is done.

    Returns:
        The folder of the prepared artifact.

    Raises:
        InputError: the log is missing or cannot be used.
    """
    code = code_hash([Preparation.__module__, *named_modules(experiment.data)])
    with piece("preparing data"):
        return preparation(experiment, report).run(cache_root(), report=report, code=code)


def preparation(experiment: Experiment, report: Callable[[str], None]) -> Preparation:
    """Instantiate the data section with the experiment's seed; ``report`` is told what is fetched for it."""
    parser = FreshClassParser(exit_on_error=False)
    parser.add_class_arguments(Preparation, "data", sub_configs=True)
    data = {**locate_data(experiment.data, report), "seed": experiment.settings.seed}
    return cast(Preparation, parser.instantiate(parser.parse_object({"data": data})).data)


def _refuse_bare_keys(values: Any, above: str = "") -> None:
    """Refuse names such as ``no``, which YAML reads as false where it has no quotes."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if key is None or isinstance(key, (bool, float)):
            raise InputError(
                f"{above}: the name {key} is no text; put it in quotes, for YAML reads no, yes, on and off "
                "as true or false."
            )
        if isinstance(value, (dict, list)):
            _refuse_bare_keys(value, f"{above}.{key}".lstrip("."))


def _checked(settings: Settings) -> Settings:
    for name, seeds in (("seeds", settings.seeds), ("profile_seeds", settings.profile_seeds)):
        if not seeds or len(set(seeds)) < len(seeds):
            raise InputError(f"{name}: {seeds} given, one or more different integers were expected.")
    if settings.workers < 1:
        raise InputError(f"workers: {settings.workers} given, a number from 1 up is needed.")
    if not settings.experiment or set(settings.experiment) & set("/\\") or settings.experiment[0] == ".":
        raise InputError(
            f"experiment: {settings.experiment!r} is no folder name; use letters, digits, - and _."
        )
    return settings


def _stage_names(text: str, engine: Engine) -> tuple[StageName, ...]:
    """The stages that were asked for, without those of the other engine."""
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(wanted - set(STAGE_NAMES))
    if unknown or not wanted:
        raise InputError(
            f"--stages: {text!r} given, a comma-separated choice of {', '.join(STAGE_NAMES)} expected."
        )
    others = {name for other, names in ENGINES.items() if other != engine for name in names}
    if not wanted - others:
        raise InputError(
            f"--stages: {text!r} given, but the engine {engine} makes codes in {', '.join(ENGINES[engine])}."
        )
    return tuple(name for name in STAGE_NAMES if name in wanted - others)


def _yaml(values: dict[str, Any]) -> str:
    return cast(str, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))
