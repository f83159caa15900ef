"""The sampled users inside the page: as few bytes as will do, and a form that finds one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from userip_lightning.explain.page_map import frame
from userip_lightning.explain.page_text import Found, cut, name
from userip_lightning.plural import plural

#: Bytes that users and the titles of their events may take; further users are left to the command line.
MOST_BYTES = 2_000_000
#: Where a table of events made the codes, and yet nothing can be said of a user.
_ONE = "There is one combination of codes only, so no event speaks for it or against it."
#: Events of a user that are listed one by one.
EVENTS = 16


class Sample(NamedTuple):
    """Users that the page can show."""

    text: str  # JSON that is safe inside a script element
    shown: int
    ids: frozenset[str]


def sample(found: Found, most: int = MOST_BYTES) -> Sample:
    """Users in the order of explain.json as far as ``most`` bytes reach; a title is written once."""
    titles: dict[str, int] = {}
    users: list[list[object]] = []
    kept = size = 0
    places = _places(found)
    for number, user in enumerate(found["users"]):
        row = [*_user(user, titles), places.get(number)]
        fresh = list(titles)[kept:]
        size += len(_safe(row).encode()) + sum(len(_safe(title).encode()) + 1 for title in fresh) + 1
        if size > most:
            titles = dict(list(titles.items())[:kept])
            break
        kept = len(titles)
        users.append(row)
    labels = [[cut(code["label"]) for code in profile["codes"]] for profile in found["profiles"]]
    told = {
        "why": found["why_no_table"] or _ONE,
        "profiles": [cut(profile["name"]) for profile in found["profiles"]],
        "labels": labels,
        "titles": list(titles),
        "users": users,
    }
    return Sample(_safe(told), len(users), frozenset(str(user[0]) for user in users))


def _safe(value: object) -> str:
    """JSON without a character that could end the script element or begin a comment in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _places(found: Found) -> dict[int, list[float]]:
    """User of the sample to its point in the drawing of the map."""
    where = found["map"]
    if where is None:
        return {}
    place = frame(where["x"], where["y"])
    points = zip(where["user"], where["x"], where["y"], strict=True)
    return {user: [round(value, 1) for value in place.at(x, y)] for user, x, y in points}


def _user(user: Found, titles: dict[str, int]) -> list[object]:
    """Id, codes, probabilities, number of events, evidence: a list takes fewer bytes than an object."""
    probabilities, evidence = user["probabilities"], user["evidence"]
    return [
        user["user_id"],
        user["codes"],
        probabilities and [round(value, 4) for value in probabilities],
        user["events"],
        evidence and _evidence(evidence, titles),
    ]


def _evidence(evidence: Found, titles: dict[str, int]) -> list[object]:
    """Runner-up, prior, rest, number of events in the rest, total, and events that speak loudest.

    Events beyond :data:`EVENTS` join the rest, so that the figures still add up to the total.
    """
    ordered: Sequence[Found] = sorted(evidence["events"], key=lambda event: -abs(event["nats"]))
    listed, others = ordered[:EVENTS], ordered[EVENTS:]
    rows = [
        [
            titles.setdefault(cut(event["title"] or event["item_id"]), len(titles)),
            event["label"],
            round(event["nats"], 4),
        ]
        for event in sorted(listed, key=lambda event: -event["nats"])
    ]
    rest = evidence["rest"] + sum(event["nats"] for event in others)
    count = evidence["rest_events"] + len(others)
    figures = [round(value, 4) for value in (evidence["prior"], rest, evidence["total"])]
    return [evidence["against"], figures[0], figures[1], count, figures[2], rows]


def reach(found: Found, shown: int) -> str:
    """How many users the search knows, and what knows everybody; HTML."""
    everybody = "<code>userip explain EXPERIMENT <span>--user ID</span></code>"
    total = found["sample"]["of"]
    if shown >= total:
        return f"All {plural(total, 'user')} are in this file. {everybody} prints one of them."
    covered = f"The search covers a sample of {shown:,} of {plural(total, 'user')}."
    return f"{covered} {escape(found['sample']['how'])} {everybody} knows everybody."


def search(found: Found, users: Sample) -> str:
    """A form over the sample, its results, and room for one user."""
    choices = "".join(
        f'<label>{name(profile["name"])}<select data-profile="{p}"><option value="">any</option>'
        + "".join(
            f'<option value="{code["code"]}">{code["code"]} {escape(cut(code["label"]))}</option>'
            for code in profile["codes"]
            if code["users"]
        )
        + "</select></label>"
        for p, profile in enumerate(found["profiles"])
    )
    return (
        f'<p class="caption">{reach(found, users.shown)}</p>'
        "<noscript><p>Finding a user needs scripts; all else on this page works without.</p></noscript>"
        '<form id="search" role="search" hidden><label class="query">User id<input type="search" id="query" '
        'autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="matches" '
        f'aria-controls="results"></label>{choices}</form>'
        '<p id="matches" class="caption" role="status" aria-live="polite"></p>'
        '<ul id="results" aria-label="Matching users"></ul>'
        '<article id="user" aria-labelledby="userh" hidden></article>'
        f'<script type="application/json" id="sample">{users.text}</script>'
    )
