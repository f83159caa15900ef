"""`userip reproduce regimes`: one configuration, many versions of its log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import cast

import yaml
from jsonargparse import ArgumentParser

from userip_lightning.cli.shown import show
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, new_parser, parse_experiment
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.reproduce.regimes.display import RegimesDisplay
from userip_lightning.reproduce.regimes.run import Plan, reproduce_regimes
from userip_lightning.reproduce.regimes.settings import Regimes

_COMMAND = "reproduce regimes"
_DESCRIPTION = """Does a log need text, a language model, or neither? The command makes the log smaller and
colder (fewer training users, titles shown, codes; cold and warm users, cold items). In each of these
regimes it judges codes from no text, from words and from language models, beside every control. It takes
the settings of `userip fit`, and `regimes`. Finished regimes are kept; one that fails is named and does not
stop the others.
Example: userip reproduce regimes -c reproduce/regimes_quick --regimes.train_users [1000,null]"""


def regimes(arguments: Sequence[str]) -> None:
    """Run `userip reproduce regimes`.

    Raises:
        InputError: settings that cannot be used, or a regime failed; the report is written all the same.
    """
    if {"-h", "--help"} & set(arguments):
        regimes_parser(with_sections=False).print_help()
        return
    plan = parse_regimes(arguments)
    display = RegimesDisplay()
    with display:
        finished = reproduce_regimes(plan, display)
    show(finished.summary)
    print(f"Every regime, as Markdown, HTML and JSON, with figures: {finished.folder}")
    if finished.failed:
        named = ", ".join(finished.failed[:3]) + (", ..." if len(finished.failed) > 3 else "")
        raise InputError(
            f"{len(finished.failed)} of {finished.regimes} regimes failed ({named}); "
            f"{finished.folder}/report.md says why, the same command tries them again."
        )


def regimes_parser(with_sections: bool = True) -> ArgumentParser:
    """The parser of `userip fit`, with the section ``regimes``."""
    parser = new_parser(_COMMAND, _DESCRIPTION, with_sections)
    parser.add_class_arguments(Regimes, "regimes")
    return parser


def parse_regimes(arguments: Sequence[str]) -> Plan:
    """Read a command line.

    Raises:
        argparse.ArgumentError: an unknown key, or a value of another type.
    """
    whole = parse_experiment(regimes_parser(), arguments)
    values = {**yaml.safe_load(whole.merged), "output": whole.settings.output}
    section = values.pop("regimes")
    alone = FreshClassParser(exit_on_error=False)
    alone.add_class_arguments(Regimes, "regimes")
    varied = cast(Regimes, alone.instantiate(alone.parse_object({"regimes": deepcopy(section)})).regimes)
    plain = experiment_parser("fit", "")

    def experiment(more: Mapping[str, object]) -> Experiment:
        return parse_experiment(plain, ["-c", json.dumps(values), "-c", json.dumps(more)])

    return Plan(whole.settings, varied, section["texts"], experiment)
