"""Table 5 as sheets: scores of all sources, and words of a few users beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from userip_lightning.plural import plural
from userip_lightning.report.notation import NONE, interval, number
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.reproduce.case_study.hits import Score
from userip_lightning.reproduce.case_study.sources import CONTROL, EVERY, RANDOM, Retrieved

_SCORES = (
    *("words", "users", "in own held-out titles", "in others' held-out titles", "own − others' [95\u00a0%]"),
    "handed to another user [95\u00a0%]",
)
_CASES = ("user", "profile", "nearest words", "distinctive words of liked titles", "liked later")
#: The paper's Table 5 (arXiv 2408.06577), Amazon Video Games.
PAPER = {
    ("255", "hobby"): "Gotham, Batman, Spectrum, Viper",
    ("136", "hobby"): "Mortal, Magic, Gorge, expansions",
    ("255", "background"): "XBOX, LOL, WR, shoot",
    ("136", "background"): "Genesis, Homer, Zombie, AnyWay",
}


class Judged(NamedTuple):
    """A source of words and its score; None where too few users have any."""

    retrieved: Retrieved
    score: Score | None


class Person(NamedTuple):
    """A user of the case study.

    Args:
        user_id: theirs.
        near: profile to the words nearest to their soft tokens, or to their code.
        distinctive: of their liked titles.
        later: titles that they liked in held-out rows.
    """

    user_id: str
    near: Mapping[str, Sequence[str]]
    distinctive: Sequence[str]
    later: Sequence[str]


def score_sheet(name: str, judged: Sequence[Judged]) -> Sheet:
    """A row per source, by profile."""
    groups = []
    for group in dict.fromkeys(one.retrieved.group for one in judged):
        rows = tuple(_row(one) for one in judged if one.retrieved.group == group)
        groups.append(Rows(group, rows))
    caption = (
        "Share of the retrieved words that occur in titles that their user liked in held-out rows, less the "
        "same for other users with as many held-out words."
    )
    return Sheet(name, caption, _SCORES, tuple(groups), verdicts(judged), ())


def verdicts(judged: Sequence[Judged]) -> tuple[str, ...]:
    """What the scores say, source by source, then the controls."""
    said = [_verdict(one) for one in judged if one.retrieved.group != CONTROL]
    return *filter(None, said), _controls(judged)


def person_sheet(name: str, people: Sequence[Person]) -> Sheet:
    """Words of a few users, and the paper's."""
    ours = tuple(
        tuple(map(Cell, (one.user_id, profile, _listed(near), _listed(one.distinctive), _titles(one.later))))
        for one in people
        for profile, near in one.near.items()
    )
    theirs = tuple(
        (Cell(user), Cell(profile), Cell(words), Cell(NONE), Cell(NONE))
        for (user, profile), words in PAPER.items()
    )
    caption = f"{plural(len(people), 'user')} drawn at random, with words of the model's whole vocabulary."
    return Sheet(
        f"{name}: words of users",
        caption,
        _CASES,
        (Rows("Here", ours), Rows("The paper (Games)", theirs)),
        (),
        (),
    )


def _row(one: Judged) -> tuple[Cell, ...]:
    found = one.score
    label = Cell(_label(one))
    if found is None:
        return label, Cell("0"), *(Cell(NONE),) * 4
    return (
        label,
        Cell(f"{found.users:,}"),
        Cell(number(found.own)),
        Cell(number(found.others)),
        Cell(interval(*found.score)),
        Cell(interval(*found.shuffled)),
    )


def _label(one: Judged) -> str:
    group, source, _ = one.retrieved
    return source if group in (EVERY, CONTROL) else f"{group}, {source}"


def _verdict(one: Judged) -> str:
    if one.score is None:
        return ""
    about = _label(one)
    said = "better than chance" if one.score.found else "not shown to be better than chance"
    users = plural(one.score.users, "user")
    return f"{about[0].upper()}{about[1:]}: {said} ({interval(*one.score.score)}, {users})."


def _controls(judged: Sequence[Judged]) -> str:
    """How many of the controls are off zero; one in twenty is by chance."""
    controls = [one.score.shuffled for one in judged if one.score and one.retrieved.source != RANDOM]
    controls += [one.score.score for one in judged if one.score and one.retrieved.source == RANDOM]
    off = sum(not _holds_zero(one) for one in controls)
    return (
        f"Controls (random vectors, words handed to another user): {off} of {len(controls)} intervals leave "
        "out zero, where one in twenty does by chance."
    )


def _holds_zero(found: Interval) -> bool:
    return found.low <= 0 <= found.high


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) or NONE


def _titles(titles: Sequence[str]) -> str:
    more = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
    return "; ".join(titles[:3]) + more
