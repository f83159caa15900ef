"""explain.json as a page of its own, and as a section of another report.

Both need nothing but the file that they stand in. Everything is there without scripts, except finding a user.
"""

from __future__ import annotations

import math
from html import escape

from userip_lightning.explain.page_codes import cards, glance, short_cards, summary
from userip_lightning.explain.page_map import drawn_map, map_style
from userip_lightning.explain.page_overlap import overlap
from userip_lightning.explain.page_script import SCRIPT
from userip_lightning.explain.page_style import STYLE
from userip_lightning.explain.page_text import Found, cut, name, nats, share
from userip_lightning.explain.page_users import Sample, sample, search
from userip_lightning.plural import plural
from userip_lightning.report.page import Section, document

_OVERLAP = (
    "Users of two codes at once. Blue cells hold more users than if the profiles had nothing to do with each "
    "other, orange cells fewer; × says how many times as many, and the colour is full at 4 and at 0.25."
)


def explain_page(found: Found) -> str:
    """The whole file, explain.html.

    Args:
        found: what ``Explanation.as_json()`` gives.
    """
    users = sample(found)
    parts = [
        _section("codes", "All codes", f"{_lead(found)}{glance(found)}"),
        *(_profile(found, p, users) for p in range(len(found["profiles"]))),
    ]
    if found["map"] is not None:
        parts.append(_section("where", "Map of users", drawn_map(found)))
    if found["overlap"]:
        parts.append(_section("overlap", "Overlap", f'<p class="caption">{_OVERLAP}</p>{overlap(found)}'))
    if found["users"]:
        parts.append(_section("users", "Find a user", search(found, users)))
    parts.append(_section("reading", "How to read this", _reading(found)))
    title = f"What the codes of {cut(found['experiment'])} mean"
    body = "\n".join([_links(found), *parts])
    return document(title, body, STYLE + map_style(len(found["profiles"])), SCRIPT if found["users"] else "")


def explain_section(found: Found) -> Section:
    """The codes, their words and items, and their overlap, for ``report.page.page(..., further=[...])``.

    Args:
        found: what ``Explanation.as_json()`` gives.
    """
    parts = [_lead(found), glance(found)]
    for p, profile in enumerate(found["profiles"]):
        parts.append(f"<h3>{name(profile['name'])}</h3>{short_cards(found, p)}")
    if found["overlap"]:
        parts.append(f'<p class="caption">{_OVERLAP}</p>{overlap(found)}')
    parts.append('<p><a href="explain.html">explain.html</a> has more items, a map and single users.</p>')
    return Section("What the codes mean", "\n".join(parts), STYLE)


def _section(anchor: str, title: str, html: str) -> str:
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>\n{html}</section>'


def _links(found: Found) -> str:
    targets = [("codes", "All codes")]
    targets += [(f"p{p}", cut(profile["name"])) for p, profile in enumerate(found["profiles"])]
    targets += [("where", "Map of users")] if found["map"] is not None else []
    targets += [("overlap", "Overlap")] if found["overlap"] else []
    targets += [("users", "Find a user")] if found["users"] else []
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title in targets)
    return f'<nav aria-label="Sections">{links}</nav>'


def _lead(found: Found) -> str:
    """What the codes were made from and what they are worth."""
    made = (
        f"Made by the {name(found['engine'])} engine from {plural(found['events'], 'event')} of "
        f"{plural(found['n_users'], 'user')} with {plural(found['items'], 'item')}"
    )
    if found["click_rate"] is not None:
        made += f"; {share(found['click_rate'])} were liked"
    lines = []
    if found["gained_nats"] is not None:
        ratio = math.exp(found["gained_nats"])
        lines.append(
            f"<li>Knowing a user's codes makes an event that was held out {ratio:.2f} times as likely: "
            f"{nats(found['gained_nats'])} nats per event.</li>"
        )
    if found["language_model"]:
        lines.append(f"<li>Words by {name(found['language_model'])}.</li>")
    elif found["why_no_words"]:
        lines.append(f"<li>{escape(found['why_no_words'])}</li>")
    if found["why_no_table"]:
        lines.append(f"<li>{escape(found['why_no_table'])}</li>")
    told = f'<ul class="verdicts">{"".join(lines)}</ul>' if lines else ""
    return f'<p class="caption">{made}.</p>{told}'


def _profile(found: Found, p: int, users: Sample) -> str:
    profile = found["profiles"][p]
    words = f"“{name(profile['text'].lstrip(' ,;.'))} …” " if profile["text"] else ""
    told = f'<p class="caption">{words}{summary(profile)}</p>'
    return (
        f'<section id="p{p}"><h2>{name(profile["name"])}</h2>\n{told}{cards(found, p, users.ids)}</section>'
    )


def _reading(found: Found) -> str:
    """What each figure is."""
    liked = "liked" if found["explicit"] else "clicked"
    lines = [
        "A code's label is made of words that stand in the titles of its items more often than in others.",
        f"Lift is how many times as often an item is {liked} by users of the code as by all users. Items are "
        "ranked by how certain that is, so that a single event cannot put an item first. The events beside "
        f"it: those of the code's users, of all users' ({liked} events of this item).",
        "Perplexity is the number of equally common codes that would be as evenly used.",
        "Nats per held-out event say how much less likely events that no code has seen become once the "
        "profile is not known; more is better, and zero is worth nothing.",
    ]
    if any(user["probabilities"] for user in found["users"]):
        lines.append(
            "How sure: the probability of the code given the user's events. Entropy: 0 where one code is "
            "certain, 1 where all are equally likely, as a mean over the code's users."
        )
    return f'<ul class="notes">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'
