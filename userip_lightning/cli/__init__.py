"""The `userip` command: find the command, run it, turn what went wrong into one sentence."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Sequence
from pkgutil import resolve_name
from typing import NamedTuple

from userip_lightning import __version__
from userip_lightning.cli.safe import SAFE, chosen_safety
from userip_lightning.pipeline.failures import sentence, without_stage
from userip_lightning.pipeline.near_names import did_you_mean
from userip_lightning.pipeline.shipped_configs import with_configurations

#: Commands whose --config is a YAML file or the name of a shipped one.
_CONFIGURED = frozenset(
    {"fit", "test", "reproduce", "profile", "quantize", "catalogue", "ctr", "kar", "pepler", "rella", "data"}
)
#: Exit codes: bad input; Ctrl+C and output that nobody reads any more, as a shell has them.
BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
_STDOUT = 1


class Command(NamedTuple):
    """A word after `userip`.

    Args:
        name: the word.
        summary: its line in the help.
        target: its function, or where that is: ``module:function`` in this package. Then imports wait until
            the command is called: `userip bank lookup` need not load a training framework.
    """

    name: str
    summary: str
    target: Callable[[Sequence[str]], None] | str

    def function(self) -> Callable[[Sequence[str]], None]:
        """The function, imported if need be; it takes the words after the command's."""
        if not isinstance(self.target, str):
            return self.target
        found: Callable[[Sequence[str]], None] = resolve_name(f"{__name__}.{self.target}")
        return found


COMMANDS = (
    Command(
        "init", "a commented configuration to start from: demo, csv (your own log), games, ...", "init:init"
    ),
    Command("fit", "run an experiment: data, codes, CTR models, report", "experiment:fit"),
    Command("test", "evaluate a finished experiment's CTR models again, without training", "experiment:test"),
    Command(
        "reproduce", "a table or figure of the paper: every method, split and seed", "reproduce:reproduce"
    ),
    Command("profile", "stage 1 of the per-user engine alone: fit, validate, test, predict", "stage:profile"),
    Command(
        "quantize", "stage 2 of the per-user engine alone: fit, validate, test, predict", "stage:quantize"
    ),
    Command("catalogue", "the catalogue engine alone: fit, predict", "stage:catalogue"),
    Command("ctr", "the CTR model alone: fit, validate, test, predict", "stage:ctr"),
    Command(
        "kar", "the KAR baseline: write what a language model knows of users and items, as vectors", "kar:kar"
    ),
    Command(
        "pepler",
        "the PEPLER baseline alone, which explains and scores: fit, validate, test, predict",
        "baseline_stages:pepler",
    ),
    Command(
        "rella",
        "the ReLLa baseline alone, which answers yes or no: fit, validate, test, predict",
        "baseline_stages:rella",
    ),
    Command(
        "data",
        "prepare, stats, validate, head, export, sniff, synthesize: read, check and prepare a log",
        "data:data",
    ),
    Command(
        "bank",
        "info, lookup, export, push, pull, feast, prune, forget, verify: a bank, on disk and in stores",
        "bank:bank",
    ),
    Command(
        "steer",
        "give codes words to stand for, merge or rename them, and measure the effect",
        "steer:steer_experiment",
    ),
    Command("infer", "codes for a population, also for users that were not in training", "infer:infer"),
    Command(
        "refresh", "add new events to a bank, write its next version, and say who moved", "refresh:refresh"
    ),
    Command(
        "explain",
        "what codes mean: who has them, what they like, and why a user has theirs",
        "explain:explain",
    ),
    Command(
        "verify", "compare every byte of data, codes and runs on disk with their hashes", "verify:verify"
    ),
    Command("dashboard", "a W&B dashboard of all runs, as code", "dashboard:dashboard"),
    Command("assets", "fetch: the default language model and MovieLens-100K", "assets:assets"),
    Command(
        "doctor", "versions, device, precision, cache, and what is missing for which command", "doctor:doctor"
    ),
    Command(
        "completion",
        "bash, zsh: a script that completes commands and configurations",
        "completion:completion",
    ),
)


def main(args: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        args: the words after `userip`; those of the process where None.

    Returns:
        0, or 2 for input that cannot be used (one sentence on standard error), or 130 after Ctrl+C, or 141
        where what reads the output, such as `head`, has ended (1 while rich draws a table).
    """
    words = sys.argv[1:] if args is None else args
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _complain("userip: interrupted; the same command resumes where it stood.")
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_has_ended():
            os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)  # what Python still holds goes nowhere
            return NO_READER
        message, name = sentence(error), "".join(words[:1])
        if message is None:
            raise
        return _complain(f"userip {name}: {without_stage(message, name)}")


def _reader_has_ended() -> bool:
    """Whether standard output is a pipe that nobody reads any more."""
    if not hasattr(select, "poll"):  # Windows
        return False
    output = select.poll()
    output.register(_STDOUT, 0)  # errors are told whether they are asked for or not
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))


def _run(words: list[str]) -> int:
    """Call the command; its exit code, as far as it chose one."""
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"userip {__version__}")
        return 0
    command = next((command for command in COMMANDS if command.name == words[0]), None)
    if command is None:
        names = [command.name for command in COMMANDS]
        meant = did_you_mean(words[0], names)
        return _complain(f"userip: no command {words[0]!r};{meant} there are {', '.join(names)}.")
    own, safe = _without_safe(words[1:])
    try:
        with chosen_safety(safe):
            arguments = with_configurations(own) if command.name in _CONFIGURED else own
            command.function()(arguments)
    except SystemExit as end:  # --help and --print_config end this way
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _without_safe(words: list[str]) -> tuple[list[str], bool]:
    """The words without ``--safe``, and whether it was there; what follows ``--`` is no setting."""
    end = words.index("--") if "--" in words else len(words)
    return [*(word for word in words[:end] if word != SAFE), *words[end:]], SAFE in words[:end]


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return BAD_INPUT


def _help() -> str:
    lines = "\n".join(f"  {command.name:<12}{command.summary}" for command in COMMANDS)
    return f"""usage: userip COMMAND ...

Turns what users did into a few small codes each, with what items' texts or a frozen language model know,
and measures, with controls, whether the codes help a click-through-rate model.

commands:
{lines}

  userip fit --config demo                  everything, on MovieLens-100K; a file or a name of `userip init`
  userip COMMAND --help                     what a command takes
  userip COMMAND --safe ...                 for a configuration of somebody else, which could run any code:
                                            allows only classes of this package, torch and lightning
  userip --version"""
