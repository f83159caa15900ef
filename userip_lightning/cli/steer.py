"""`userip steer`: codes that a person decides about, and what that does to likelihood and AUC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from userip_lightning.cli.paragraphs import add_experiment, command_parser
from userip_lightning.cli.shown import output, titled, visible
from userip_lightning.errors import InputError
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.steered import AS_FITTED, CodeBeside, Steered, steer
from userip_lightning.pipeline.steering_changes import Changes
from userip_lightning.plural import plural
from userip_lightning.report.comparison import CODES, NO_CODES
from userip_lightning.report.notation import delta, number, spread

_FEW = 5  # users of a code that is none
_NAMES = {NO_CODES: "no codes", AS_FITTED: "codes as fitted", CODES: "codes steered"}
_DESCRIPTION = """Fit a finished experiment again with codes that you decide about, and say what that does
to likelihood and AUC. The new experiment is written beside the old one and has its own report. It has one
seed, because another seed numbers the codes in another way.

--anchors gives a code words to stand for: users who had items like these words get it, and items like them
speak for it (catalogue engine; docs/explain.md has the formula). --merge makes one code of several.
--rename gives a profile another name. With the per-user engine, and where the catalogue engine's text source
is Likelihood, the language model reads the new words in front of the profile's soft tokens; else only the
name changes.
Examples: userip steer runs/demo --anchors '{hobby: {2: horror thriller}}'
          userip steer runs/demo --merge '{hobby: [[1, 3]]}'
          userip steer runs/mine --rename '{background: {platform: "This user''s favourite platform is"}}'"""


def steer_experiment(arguments: Sequence[str]) -> None:
    """Run `userip steer`.

    Raises:
        InputError: no finished experiment, nothing to change, or a change that cannot be made.
    """
    config = _parser().parse_args(list(arguments))
    changes = Changes(config.anchors or {}, config.strength, config.merge or {}, config.rename or {})
    if not (changes.anchors or changes.merge or changes.rename):
        raise InputError("nothing to change; give --anchors, --merge or --rename.")
    for profile, names in changes.rename.items():
        if len(names) != 1:
            raise InputError(
                f"--rename: {profile!r} has {len(names)} new names, expected one with its words."
            )
    root = Path(config.experiment)
    name = config.name or f"{root.resolve().name}-steered"
    if name == root.resolve().name:
        raise InputError(f"--name: {name} is the experiment itself; give another name.")
    with Display() as display:
        found = steer(root, config.seed, name, changes, display)
    _show(found)


def _show(found: Steered) -> None:
    console = output()
    rows = {row["variant"]: row for row in found.comparison.variants.to_dicts()}
    against = {row["against"]: row for row in found.comparison.contrasts.to_dicts()}
    table = titled("CTR model")
    for column in ("", "AUC", "Logloss", "Logloss, calibrated", "ΔAUC, steered against it [95 %]"):
        table.add_column(column, justify="right" if column else "left")
    for variant, label in _NAMES.items():
        row, other = rows[variant], against.get(variant)
        metrics = ("auc", "logloss", "calibrated_logloss")
        figures = [spread(row[metric], row[f"{metric}_std"]) for metric in metrics]
        table.add_row(label, *figures, "" if other is None else delta(other, "auc"))
    console.print(table)
    for line in _lines(found):
        console.print(visible(line))


def _lines(found: Steered) -> list[str]:
    lines = []
    if found.held_out is not None:
        before, after = map(number, found.held_out)
        lines.append(f"Held-out log-likelihood, nats, more is better: {before} as fitted, {after} steered.")
    lines += [
        f"{code.profile} {code.before} is {code.profile} {code.after} now." for code in found.renumbered
    ]
    lines.append(f"{found.moved:.1%} of the users moved to a code that means something else.")
    for when, codes in (("before", found.before), ("after", found.after)):
        lines += [_code(when, code) for code in codes]
    lines += [
        f"{code.profile} {code.code} has {plural(code.users, 'user')} left: its words do not make a group of "
        "users here; take a lower --strength, or other words."
        for code in found.after
        if code.users < _FEW
    ]
    return [*lines, f"the new experiment, with its report: {found.folder}"]


def _code(when: str, code: CodeBeside) -> str:
    items = f"; above all {', '.join(code.items)}" if code.items else ""
    return f"{when}: {code.profile} {code.code} ({code.label}), {plural(code.users, 'user')}{items}"


def _parser() -> ArgumentParser:
    parser = command_parser("userip steer", _DESCRIPTION)
    add_experiment(parser, "whose codes are meant; those of the first seed if left out")
    parser.add_argument(
        "--anchors",
        type=dict[str, dict[int, str]] | None,
        default=None,
        help="profile to code to words: {hobby: {2: strategy and simulation games}}",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="weight of the words of an anchor, relative to what events and texts say of an item",
    )
    parser.add_argument(
        "--merge",
        type=dict[str, list[list[int]]] | None,
        default=None,
        help="profile to groups of codes that become one: {hobby: [[1, 3]]}",
    )
    parser.add_argument(
        "--rename",
        type=dict[str, dict[str, str]] | None,
        default=None,
        help="profile to its new name to the words in front of its soft tokens",
    )
    parser.add_argument(
        "--name", type=str | None, default=None, help="of the new experiment; NAME-steered if left out"
    )
    return parser
