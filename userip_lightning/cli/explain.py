"""`userip explain`: who the users of a code are, and why a user has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from jsonargparse import ArgumentParser
from rich.table import Table

from userip_lightning.cli.paragraphs import add_experiment, command_parser
from userip_lightning.cli.shown import output, titled, visible
from userip_lightning.errors import InputError
from userip_lightning.explain.explanation import Explanation, Profile, User
from userip_lightning.explain.facts import USERS, Facts
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.explained import asked, write_explanation
from userip_lightning.pipeline.finished import chosen_seed, finished, opened
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.plural import plural
from userip_lightning.progress_bars import say
from userip_lightning.report.notation import NONE, number, signed

_ITEMS = 3
_DESCRIPTION = """Say what the codes of a finished experiment mean. It writes explain.json and explain.html
(one file, no network needed) into EXPERIMENT and prints a summary: for every profile and code a label, the
share of users, their click rate, how sure their codes are, and the items that they like more often than
others do. The figure beside an item is its lift: its share of these users' liked events over its share of
everybody's.

With --user it prints, for each user named, their codes, how sure these are and every event that speaks for
or against them, in nats; the prior and the events add up to the log-odds of the user's codes over the
likeliest other ones. Nothing is written then.

A language model adds words to the codes if it is on this machine already; --lm fetches one, and --lm none
uses none. docs/explain.md has the formula of every figure and what it cannot say.
Examples: userip explain runs/demo
          userip explain runs/demo --user 196 186"""


def explain(arguments: Sequence[str]) -> None:
    """Run `userip explain`.

    Raises:
        InputError: no finished codes there, no such user or seed, the language model cannot be had, or
            another process writes into the experiment's folder, or nobody may.
    """
    config = _parser().parse_args(list(arguments))
    if config.users < 0:
        raise InputError(f"--users: {config.users} given, a number from 0 up is needed.")
    root = Path(config.experiment)
    with quiet(), ExitStack() as until_done:
        experiment = opened(root, "explain")
        if not config.user:
            until_done.enter_context(sole_writer(root, "experiment"))
        done = finished(experiment, root, chosen_seed(experiment, config.seed), say)
        what = asked(experiment, done.prepared, done.codes, config.lm)
        facts = Facts(what.source)
        if config.user:
            users = [facts.user(user_id) for user_id in config.user]
            _print_users(users, facts, config.json)
            return
        found = facts.explanation(what.words, config.users)
        files = write_explanation(root, found)
    if config.json:
        print(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    _print_codes(found)
    print("\n".join(map(str, files)))


def _print_codes(found: Explanation) -> None:
    for profile in found.profiles:
        output().print(_codes_table(profile))
    if found.gained_nats is not None:
        print(f"Codes tell {found.gained_nats:.4f} nats of every event that nobody has learned from.")
    for reason in filter(None, (found.why_no_table, found.why_no_words)):
        print(reason)


def _codes_table(profile: Profile) -> Table:
    table = titled(
        visible(f"{profile.name}: {profile.size} codes, as many as {profile.perplexity:.1f} even ones")
    )
    for name in ("code", "label"):
        table.add_column(name)
    for name in ("users", "share", "click rate", "sure"):
        table.add_column(name, justify="right")
    table.add_column("liked more often than by others (lift)")
    for code in profile.codes:
        items = ", ".join(f"{item.title} ({item.lift:.1f})" for item in code.items[:_ITEMS])
        figures = (f"{code.users:,}", f"{code.share:.1%}", _percent(code.click_rate), _percent(code.sure))
        table.add_row(*map(visible, (str(code.code), code.label, *figures, items or NONE)))
    return table


def _print_users(users: Sequence[User], facts: Facts, as_json: bool) -> None:
    if as_json:
        print(json.dumps([user.as_json() for user in users], indent=2, ensure_ascii=False))
        return
    profiles = list(zip(facts.log.names, facts.labels(), strict=True))
    for user in users:
        output().print(visible(f"user {user.user_id}: {plural(user.events, 'event')}"))
        for p, (name, labels) in enumerate(profiles):
            sure = "" if user.probabilities is None else f", probability {user.probabilities[p]:.3f}"
            code = user.codes[p]
            output().print(visible(f"  {name} {code} ({labels[code]}){sure}"))
        _print_evidence(user)


def _print_evidence(user: User) -> None:
    told = user.evidence
    if told is None:
        return
    against = ", ".join(map(str, told.against))
    scores = user.probabilities is None  # of codes that are no classes
    table = titled(visible(f"{'score' if scores else 'log-odds'} over the codes {against}, nats"))
    for name in ("item", "title", "label"):
        table.add_column(name)
    table.add_column("nats", justify="right")
    prior = "before any event" if scores else "how frequent the codes are"
    table.add_row("", visible(prior), "", number(told.prior))
    for event in told.events:
        label = {None: "", 0: "not liked", 1: "liked"}[event.label]
        table.add_row(*map(visible, (event.item_id, event.title, label, signed(event.nats))))
    table.add_row("", visible("in all"), "", signed(told.total))
    output().print(table)


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{share:.1%}"


def _parser() -> ArgumentParser:
    parser = command_parser("userip explain", _DESCRIPTION)
    add_experiment(parser, "whose codes; those of the experiment's first seed if left out")
    parser.add_argument(
        "--user",
        type=str,
        nargs="+",
        default=[],
        metavar="ID",
        help="users to explain instead, with all of their events",
    )
    parser.add_argument(
        "--lm",
        type=str | None,
        default=None,
        metavar="NAME",
        help="language model that reads codes: a hub name or a folder, or none; if left out, the one that "
        "read the experiment's texts, unless it would have to be downloaded",
    )
    parser.add_argument(
        "--users", type=int, default=USERS, metavar="N", help=f"users to show one by one, {USERS} by default"
    )
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    return parser
