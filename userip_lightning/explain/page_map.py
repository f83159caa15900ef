"""A map of the sampled users: one drawing per profile, of which the reader chooses one without any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from userip_lightning.explain.page_marks import colour, mark, shape
from userip_lightning.explain.page_text import Found, name

_EDGE = 18.0
#: Width of the drawing for few and for many users, whose marks look smaller in a larger drawing.
_WIDTHS, _FEW = (720.0, 1060.0), 600
#: Height over width stays between these, so that a flat map is still a picture.
_FLAT, _STEEP = 0.45, 0.85
#: Labels nearer than this, in units of the drawing, are moved apart.
_APART = 19.0
#: Codes that the legend beside the map has room for.
_BESIDE = 16
#: Marks in all drawings together, half a megabyte; of more users every second, third, .. is drawn.
_MARKS = 10_000


class Frame(NamedTuple):
    """From the coordinates of the map to those of the drawing."""

    left: float
    top: float
    across: float  # units per unit
    down: float
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in the drawing."""
        return _EDGE + (x - self.left) * self.across, _EDGE + (self.top - y) * self.down


def frame(xs: Sequence[float], ys: Sequence[float]) -> Frame:
    """A frame around all points, with the same scale in both directions where the shape allows it."""
    wide, high = (max(values) - min(values) or 1.0 for values in (xs, ys))
    width = _WIDTHS[len(xs) > _FEW]
    across = width - 2 * _EDGE
    down = across * min(max(high / wide, _FLAT), _STEEP)
    return Frame(min(xs), max(ys), across / wide, down / high, width, down + 2 * _EDGE)


def map_style(profiles: int) -> str:
    """Rules that show the drawing of the chosen profile."""
    if profiles < 2:
        return ""
    shown = "\n".join(f".map:has(#by{p}:checked) .by{p} {{ display: revert; }}" for p in range(profiles))
    return (
        f"\n.map .by {{ display: none; }}\n{shown}\n"
        "@supports not selector(:has(a)) { .map .by0 { display: revert; } }\n"
    )


def drawn_map(found: Found) -> str:
    """The choice of a profile, the drawing with its legend, and the same as a table."""
    where = found["map"]
    place = frame(where["x"], where["y"])
    profiles = found["profiles"]
    step = -(-len(where["user"]) * len(profiles) // _MARKS)
    points = [place.at(x, y) for x, y in zip(where["x"][::step], where["y"][::step], strict=True)]
    users = [found["users"][user] for user in where["user"][::step]]
    layers = "".join(_layer(profile, p, points, users, place) for p, profile in enumerate(profiles))
    legends = "".join(_legend(profile, p) for p, profile in enumerate(profiles))
    tables = "".join(_table(profile, p, users) for p, profile in enumerate(profiles))
    label = f"Map of {len(points):,} users; the table below says where the users of each code are."
    return (
        f'<div class="map">{_choice(profiles)}'
        f'<figure><svg id="map" viewBox="0 0 {place.width:.0f} {place.height:.0f}" role="img" '
        f'style="--unit: {place.width / _WIDTHS[0]:.2f}px" '
        f'aria-label="{escape(label)}">{layers}<circle id="here" r="9" hidden=""/></svg>'
        f'<figcaption>{escape(_caption(where, len(points)))}<span id="hover"></span></figcaption></figure>'
        f"{legends}"
        f"<details><summary>The map as a table</summary>{tables}</details></div>"
    )


def _caption(where: Found, drawn: int) -> str:
    explained = where.get("explained") or []
    told = " and ".join(f"{100 * value:.0f} %" for value in explained)
    some = f" {drawn:,} of {len(where['user']):,} users are drawn." if drawn < len(where["user"]) else ""
    return f"{where['how']}{some}{f' The two directions hold {told} of the variance.' if told else ''}"


def _choice(profiles: Sequence[Found]) -> str:
    if len(profiles) < 2:
        return ""
    options = "".join(
        f'<label><input type="radio" name="by" id="by{p}"{" checked" if p == 0 else ""}> '
        f"{name(profile['name'])}</label>"
        for p, profile in enumerate(profiles)
    )
    return f'<fieldset class="by-choice"><legend>Colour by</legend>{options}</fieldset>'


def _layer(
    profile: Found, p: int, points: Sequence[tuple[float, float]], users: Sequence[Found], place: Frame
) -> str:
    paths = []
    for code in range(profile["size"]):
        steps = "".join(
            f"M{x:.1f} {y:.1f}{shape(code)}"
            for (x, y), user in zip(points, users, strict=True)
            if user["codes"][p] == code
        )
        if steps:
            paths.append(f'<path d="{steps}" fill="{colour(code)}"/>')
    labels = {code["code"]: place.at(*code["map"]) for code in profile["codes"] if code["map"]}
    texts = "".join(
        f'<text x="{x:.1f}" y="{y:.1f}">{code}</text>'
        for code, (x, y) in _apart(labels, _APART * place.width / _WIDTHS[0]).items()
    )
    return f'<g class="by by{p}">{"".join(paths)}{texts}</g>'


def _apart(labels: Mapping[int, tuple[float, float]], least: float) -> dict[int, tuple[float, float]]:
    """Labels that would lie on one another, moved apart a little at a time."""
    moved = dict(labels)
    codes = list(moved)
    for _ in range(30):
        still = True
        for i, a in enumerate(codes):
            for b in codes[i + 1 :]:
                (ax, ay), (bx, by) = moved[a], moved[b]
                dx, dy = bx - ax, by - ay or 0.01
                far = (dx * dx + dy * dy) ** 0.5
                if far >= least:
                    continue
                still = False
                step = (least - far) / 2 / far
                moved[a], moved[b] = (ax - dx * step, ay - dy * step), (bx + dx * step, by + dy * step)
        if still:
            break
    return moved


def _legend(profile: Found, p: int) -> str:
    entries = "".join(
        f"<li>{mark(code['code'])}<b>{code['code']}</b> {name(code['label'])}</li>"
        for code in profile["codes"]
        if code["users"]
    )
    kind = "legend many" if profile["size"] > _BESIDE else "legend"
    return f'<ul class="{kind} by by{p}">{entries}</ul>'


def _table(profile: Found, p: int, users: Sequence[Found]) -> str:
    """Centre of every code's users and the code whose centre is nearest."""
    counts = [0] * profile["size"]
    for user in users:
        if user["codes"][p] < profile["size"]:
            counts[user["codes"][p]] += 1
    centres = {code["code"]: code["map"] for code in profile["codes"] if code["map"]}
    rows = []
    for code in profile["codes"]:
        centre = centres.get(code["code"])
        if centre is None:
            continue
        near = min(
            (other for other in centres if other != code["code"]),
            key=lambda other: (centres[other][0] - centre[0]) ** 2 + (centres[other][1] - centre[1]) ** 2,
            default=None,
        )
        rows.append(
            f'<tr><th scope="row">{code["code"]} {name(code["label"])}</th><td>{counts[code["code"]]:,}</td>'
            f"<td>{centre[0]:.2f}</td><td>{centre[1]:.2f}</td><td>{'–' if near is None else near}</td></tr>"
        )
    return (
        f'<div class="scroll by by{p}" tabindex="0" role="group" aria-label="The map as a table"><table>'
        '<thead><tr><th scope="col">code</th><th scope="col">users on the map</th><th scope="col">across</th>'
        f'<th scope="col">up</th><th scope="col">nearest code</th></tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )
