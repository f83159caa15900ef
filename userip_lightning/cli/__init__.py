"""The `userip` command: find the command, run it, turn what went wrong into one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from userip_lightning import __version__
from userip_lightning.cli.safe import SAFE, chosen_safety
from userip_lightning.pipeline.failures import sentence, without_stage
from userip_lightning.pipeline.shipped_configs import with_configurations

#: Commands whose --config is a YAML file or the name of a shipped one.
_CONFIGURED = frozenset(
    {"fit", "test", "reproduce", "profile", "quantize", "catalogue", "ctr", "kar", "pepler", "rella", "data"}
)
#: Exit codes: bad input, and Ctrl+C as a shell has it.
BAD_INPUT, INTERRUPTED = 2, 130


class Command(NamedTuple):
    """A word after `userip`."""

    name: str
    summary: str
    run: Callable[[Sequence[str]], None]


# A command's imports wait until it is called: `userip bank lookup` need not load a training framework.
def _fit(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.experiment import fit

    fit(arguments)


def _test(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.experiment import test

    test(arguments)


def _profile(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.stages import PROFILE

    run_stage(PROFILE, arguments)


def _quantize(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.stages import QUANTIZE

    run_stage(QUANTIZE, arguments)


def _catalogue(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.stages import CATALOGUE

    run_stage(CATALOGUE, arguments)


def _ctr(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.stages import CTR

    run_stage(CTR, arguments)


def _kar(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.kar import kar

    kar(arguments)


def _pepler(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.baseline_stages import PEPLER

    run_stage(PEPLER, arguments)


def _rella(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.stage import run_stage
    from userip_lightning.pipeline.baseline_stages import RELLA

    run_stage(RELLA, arguments)


def _data(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.data import data

    data(arguments)


def _bank(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.bank import bank

    bank(arguments)


def _infer(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.infer import infer

    infer(arguments)


def _steer(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.steer import steer_experiment

    steer_experiment(arguments)


def _refresh(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.refresh import refresh

    refresh(arguments)


def _explain(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.explain import explain

    explain(arguments)


def _verify(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.verify import verify

    verify(arguments)


def _assets(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.assets import assets

    assets(arguments)


def _dashboard(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.dashboard import dashboard

    dashboard(arguments)


def _init(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.init import init

    init(arguments)


def _doctor(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.doctor import doctor

    doctor(arguments)


def _reproduce(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.reproduce import reproduce

    reproduce(arguments)


def _completion(arguments: Sequence[str]) -> None:
    from userip_lightning.cli.completion import completion

    completion(arguments, [command.name for command in COMMANDS])


COMMANDS = (
    Command("init", "a commented configuration to start from: demo, csv (your own log), games, ...", _init),
    Command("fit", "run an experiment: data, codes, CTR models, report", _fit),
    Command("test", "evaluate a finished experiment's CTR models again, without training", _test),
    Command("reproduce", "a table or figure of the paper: every method, split and seed", _reproduce),
    Command("profile", "stage 1 of the per-user engine alone: fit, validate, test, predict", _profile),
    Command("quantize", "stage 2 of the per-user engine alone: fit, validate, test, predict", _quantize),
    Command("catalogue", "the catalogue engine alone: fit, predict", _catalogue),
    Command("ctr", "the CTR model alone: fit, validate, test, predict", _ctr),
    Command(
        "kar", "the KAR baseline: write what a language model knows of users and items, as vectors", _kar
    ),
    Command(
        "pepler",
        "the PEPLER baseline alone, which explains and scores: fit, validate, test, predict",
        _pepler,
    ),
    Command(
        "rella", "the ReLLa baseline alone, which answers yes or no: fit, validate, test, predict", _rella
    ),
    Command(
        "data",
        "prepare, stats, validate, head, export, sniff, synthesize: read, check and prepare a log",
        _data,
    ),
    Command(
        "bank",
        "info, lookup, export, push, pull, feast, prune, forget, verify: a bank, on disk and in stores",
        _bank,
    ),
    Command("steer", "give codes words to stand for, merge or rename them, and measure the effect", _steer),
    Command("infer", "codes for a population, also for users that were not in training", _infer),
    Command("refresh", "add new events to a bank, write its next version, and say who moved", _refresh),
    Command("explain", "what codes mean: who has them, what they like, and why a user has theirs", _explain),
    Command("verify", "compare every byte of data, codes and runs on disk with their hashes", _verify),
    Command("dashboard", "a W&B dashboard of all runs, as code", _dashboard),
    Command("assets", "fetch: the default language model and MovieLens-100K", _assets),
    Command("doctor", "versions, device, precision, cache, and what is missing for which command", _doctor),
    Command("completion", "bash, zsh: a script that completes commands and configurations", _completion),
)


def main(args: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        args: the words after `userip`; those of the process where None.

    Returns:
        0, or 2 for input that cannot be used (one sentence on standard error), or 130 after Ctrl+C.
    """
    words = sys.argv[1:] if args is None else args
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"userip {__version__}")
        return 0
    command = next((command for command in COMMANDS if command.name == words[0]), None)
    if command is None:
        names = ", ".join(command.name for command in COMMANDS)
        return _complain(f"userip: no command {words[0]!r}; there are {names}.")
    own, safe = _without_safe(words[1:])
    try:
        with chosen_safety(safe):
            command.run(with_configurations(own) if command.name in _CONFIGURED else own)
    except KeyboardInterrupt:
        _complain("userip: interrupted; the same command resumes where it stood.")
        return INTERRUPTED
    except SystemExit as end:  # --help and --print_config end this way
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        message = sentence(error)
        if message is None:
            raise
        return _complain(f"userip {command.name}: {without_stage(message, command.name)}")
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
