"""All codes in one table, and a card for each with what its users like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from userip_lightning.explain.page_marks import mark
from userip_lightning.explain.page_text import Found, name, nats, share, sureness, times, user_link
from userip_lightning.plural import plural
from userip_lightning.report.notation import number

#: Items of a card that are seen at once, and those of a card in another report.
SEEN, SEEN_IN_REPORT = 6, 4
_WORDS = (
    ("distinctive", "words of the titles"),
    ("nearest", "nearest to its embedding"),
    ("expected", "expected by the language model"),
)


class _Column(NamedTuple):
    """A figure of every code; ``wide`` ones have no room on a phone."""

    title: str
    text: Callable[[Found], str]
    wide: bool = False


def glance(found: Found) -> str:
    """A table of all codes, a group per profile."""
    columns = _columns(found)
    header = "".join(f'<th scope="col"{_wide(column)}>{column.title}</th>' for column in columns)
    bodies = "\n".join(_group(found, p, columns) for p in range(len(found["profiles"])))
    return (
        '<div class="scroll glance" tabindex="0" role="group" aria-label="All codes"><table>'
        f'<thead><tr><th scope="col">code</th><th scope="col">share of users</th>{header}</tr></thead>\n'
        f"{bodies}</table></div>"
    )


def _columns(found: Found) -> list[_Column]:
    """Columns that have a figure in some row."""
    codes = [code for profile in found["profiles"] for code in profile["codes"]]
    offered = {
        "users": _Column("users", lambda code: f"{code['users']:,}", wide=True),
        "click_rate": _Column("liked", lambda code: share(code["click_rate"])),
        "sure": _Column("sure", lambda code: sureness(code["sure"])),
        "entropy": _Column("entropy", lambda code: number(code["entropy"], 2), wide=True),
    }
    return [column for key, column in offered.items() if any(code[key] is not None for code in codes)]


def _wide(column: _Column) -> str:
    return ' class="wide"' if column.wide else ""


def _group(found: Found, p: int, columns: Sequence[_Column]) -> str:
    profile = found["profiles"][p]
    most = max((code["share"] for code in profile["codes"]), default=0) or 1
    rows = "".join(
        f'<tr><th scope="row"><a href="#{anchor(p, code["code"])}">{mark(code["code"])}'
        f"<span><b>{code['code']}</b> {name(code['label'])}</span></a></th>"
        f'<td><span class="bar" style="--width: {code["share"] / most:.1%}"></span>'
        f"<span>{share(code['share'])}</span></td>"
        + "".join(f"<td{_wide(column)}>{column.text(code)}</td>" for column in columns)
        + "</tr>"
        for code in profile["codes"]
    )
    heading = f"<b>{name(profile['name'])}</b> {summary(profile)}"
    group = f'<tr class="group"><th colspan="{2 + len(columns)}" scope="rowgroup">{heading}</th></tr>'
    return f"<tbody>{group}\n{rows}</tbody>"


def anchor(p: int, code: int) -> str:
    """The id of a code's card."""
    return f"p{p}c{code}"


def summary(profile: Found) -> str:
    """Size, evenness and worth of a profile in a line."""
    parts = [plural(profile["size"], "code"), f"perplexity {profile['perplexity']:.1f}"]
    if profile["gained_nats"] is not None:
        parts.append(f"{nats(profile['gained_nats'])} nats per held-out event")
    return escape(", ".join(parts))


def cards(found: Found, p: int, users: frozenset[str]) -> str:
    """The cards of one profile.

    Args:
        found: explain.json.
        p: the profile's place.
        users: that the page can show; only these are linked.
    """

    def body(code: Found) -> str:
        parts = (
            _items(code["items"], found["explicit"], SEEN),
            _more(code["items"][SEEN:]),
            _words(code["words"]),
            _typical(code["typical"], users),
            _button(p, code["code"]) if users else "",
        )
        return "".join(parts)

    return _grid(found, p, body, "h3")


def short_cards(found: Found, p: int) -> str:
    """The cards of one profile in another report: words and the first items."""

    def body(code: Found) -> str:
        return _items(code["items"], found["explicit"], SEEN_IN_REPORT) + _words(code["words"])

    return _grid(found, p, body, "h4")


def _grid(found: Found, p: int, body: Callable[[Found], str], level: str) -> str:
    made = "\n".join(_card(p, code, body, level) for code in found["profiles"][p]["codes"])
    return f'<div class="cards">\n{made}\n</div>'


def _card(p: int, code: Found, body: Callable[[Found], str], level: str) -> str:
    place = anchor(p, code["code"])
    heading = f"{mark(code['code'])}<b>{code['code']}</b> {name(code['label'])}"
    if code["users"]:
        kind = "card"
        bar = f'<div class="bar" style="--width: {code["share"]:.1%}"></div>'
        told = f'<p class="facts">{_facts(code)}</p>{bar}{body(code)}'
    else:
        kind = "card empty"
        told = '<p class="facts">Nobody has this code. A model that reads codes learns nothing about it.</p>'
    return (
        f'<article class="{kind}" id="{place}" aria-labelledby="{place}h">'
        f'<{level} id="{place}h">{heading}</{level}>{told}</article>'
    )


def _facts(code: Found) -> str:
    parts = [f"<b>{plural(code['users'], 'user')}</b>", share(code["share"])]
    if code["click_rate"] is not None:
        parts.append(f"{share(code['click_rate'])} liked")
    if code["sure"] is not None:
        parts.append(f"{sureness(code['sure'])} sure")
    return ", ".join(parts)


def _items(items: Sequence[Found], explicit: bool, seen: int) -> str:
    if not items:
        return '<p class="facts">No item stands out.</p>'
    titles = (f"what they {'like' if explicit else 'choose'}", "lift", "events")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(map(_item, items[:seen]))
    return f'<table class="items"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _more(items: Sequence[Found]) -> str:
    if not items:
        return ""
    table = f'<table class="items"><tbody>{"".join(map(_item, items))}</tbody></table>'
    return f"<details><summary>{plural(len(items), 'more item')}</summary>{table}</details>"


def _item(item: Found) -> str:
    events = f"{item['count']:,}<small> of {item['of']:,}</small>"
    title = name(item["title"] or item["item_id"])
    return f"<tr><td>{title}</td><td>{times(item['lift'])}</td><td>{events}</td></tr>"


def _words(words: Found) -> str:
    told = "".join(
        f"<dt>{what}</dt><dd>{', '.join(name(word) for word in words[kind])}</dd>"
        for kind, what in _WORDS
        if words.get(kind)
    )
    return f'<dl class="words">{told}</dl>' if told else ""


def _typical(typical: Sequence[Found], users: frozenset[str]) -> str:
    if not typical:
        return ""
    told = []
    for user in typical:
        text, sure = name(user["user_id"]), user["probability"]
        if user["user_id"] in users:
            text = f'<a href="{escape(user_link(user["user_id"]))}">{text}</a>'
        told.append(text if sure is None else f"{text} <small>{sureness(sure)}</small>")
    return f'<p class="typical"><span>typical users</span> {", ".join(told)}</p>'


def _button(p: int, code: int) -> str:
    """Fills the search form; hidden as long as no script runs."""
    return f'<button type="button" data-code="{p} {code}" hidden>Find users with this code</button>'
