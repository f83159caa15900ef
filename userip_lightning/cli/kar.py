"""`userip kar write`: a language model's knowledge of users and items, as vectors for a CTR model."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import ArgumentParser

from userip_lightning.baselines.kar.knowledge import Knowledge
from userip_lightning.cli.stage import METHOD
from userip_lightning.errors import InputError
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.text_cache_folder import text_cache_folder
from userip_lightning.progress_bars import piece

_USAGE = "say what to do: userip kar write --prepared FOLDER --output FOLDER (--help explains)."
_DESCRIPTION = """Let a language model write a text about every user's history and about every item, and turn
the texts into vectors: the knowledge artifact that `userip ctr fit --data.knowledge FOLDER` reads. Texts are
kept in the cache: none is written twice, and an interrupted run resumes.
Example: userip kar write --prepared FOLDER --output OUT --knowledge.generation.max_new_tokens 32"""


def kar(arguments: Sequence[str]) -> None:
    """Run `userip kar`.

    Raises:
        InputError: no such subcommand, or what the language model, the encoder or the data is refused for.
    """
    if not arguments or arguments[0] not in ("write", "-h", "--help"):
        raise InputError(_USAGE)
    words = list(arguments[1:]) if arguments[0] == "write" else ["--help"]
    parser = _parser()
    config = parser.parse_args(words)
    knowledge: Knowledge = parser.instantiate(config).knowledge
    with quiet(), piece("kar") as own:
        folder = knowledge.write(
            config.prepared,
            config.output,
            text_cache_folder(),
            lambda what, done, total: own.at(done, total, what),
        )
    print(f"knowledge: {folder}")


def _parser() -> ArgumentParser:
    parser = FreshClassParser(
        prog="userip kar write", description=_DESCRIPTION, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("-c", "--config", action="config", help="YAML file with a section `knowledge`")
    parser.add_argument("--method", type=str, default="kar", help=METHOD)
    parser.add_argument("--prepared", type=str, required=True, help="folder that `userip data prepare` names")
    parser.add_argument("--output", type=str, required=True, help="folder for the knowledge artifact")
    parser.add_class_arguments(Knowledge, "knowledge", sub_configs=True)
    return parser
