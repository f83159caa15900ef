"""`userip dashboard`: a W&B view of all runs, as code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from userip_lightning.atomic import write_errors, write_text
from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.errors import InputError
from userip_lightning.pipeline.settings import WandbSettings

_DESCRIPTION = """Save a W&B dashboard: AUC and Logloss by data set, split, fields and method, their curves,
health of the codebooks, stage 1's likelihood. Every call saves a new view. Needs a W&B login, except with
--output. Example: userip dashboard --entity my-team --split cold_users"""


def dashboard(arguments: Sequence[str]) -> None:
    """Run `userip dashboard`.

    Raises:
        InputError: the library is not installed, W&B cannot be used, or the file cannot be written.
    """
    config = _parser().parse_args(list(arguments))
    try:
        from userip_lightning.pipeline.dashboard import View, compose, save, specification
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "wandb_workspaces":
            raise
        raise InputError(
            "the package wandb-workspaces is not installed; run pip install 'userip-lightning[dashboard]'."
        ) from None
    workspace = compose(
        View(config.entity, config.project, config.name, config.dataset, config.split, config.fields)
    )
    if config.output is None:
        print(save(workspace))
    elif config.output == "-":
        print(specification(workspace), end="")
    else:
        with write_errors(Path(config.output)):
            write_text(config.output, specification(workspace))
        print(config.output)


def _parser() -> ArgumentParser:
    parser = command_parser("userip dashboard", _DESCRIPTION)
    parser.add_argument("--entity", type=str, required=True, help="W&B user or team")
    parser.add_argument("--project", type=str, default=WandbSettings.project, help="W&B project of the runs")
    parser.add_argument("--name", type=str, default="UserIP", help="name of the view")
    parser.add_argument(
        "--dataset",
        type=str | None,
        default=None,
        help="only runs of this data set, as `dataset` in their config",
    )
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help="only runs of this split: random, temporal, cold_users, cold_items, column or given",
    )
    parser.add_argument(
        "--fields",
        type=str | None,
        default=None,
        help="only runs with these fields: ids, rich, ids + text or rich + text",
    )
    parser.add_argument(
        "--output",
        type=str | None,
        default=None,
        help="write the view to this JSON file instead, - prints it; needs no account",
    )
    return parser
