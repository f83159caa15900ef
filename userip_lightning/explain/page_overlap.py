"""Which codes of two profiles the same users have: a table of figures with a colour behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from userip_lightning.explain.page_text import Found, name

#: A table with more cells than this gives way to the pairs of codes that stand out most.
_MOST_CELLS, _PAIRS = 900, 24
#: Times as many, or as few, users as if independent that have the full colour; one user more on both sides
#: keeps cells of few users pale.
_FULL = 4.0


def overlap(found: Found) -> str:
    """A table per pair of profiles."""
    profiles = {profile["name"]: profile for profile in found["profiles"]}
    return "\n".join(
        _pair(pair, profiles[pair["profiles"][0]], profiles[pair["profiles"][1]], f"o{number}")
        for number, pair in enumerate(found["overlap"])
    )


def _pair(pair: Found, down: Found, across: Found, anchor: str) -> str:
    counts = np.array(pair["counts"], dtype=np.int64)
    alone = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(1, counts.sum())
    table = (_heat if counts.size <= _MOST_CELLS else _strongest)(counts, alone, down, across)
    return (
        f'<h3 id="{anchor}">{name(down["name"])} × {name(across["name"])}</h3>'
        f'<p class="caption">One tells {pair["nats"]:.3f} nats of the other; 0 would be independent.</p>'
        f'<div class="scroll heat" tabindex="0" role="group" aria-labelledby="{anchor}">{table}</div>'
    )


def _heat(counts: NDArray[np.int64], alone: NDArray[np.float64], down: Found, across: Found) -> str:
    """Every cell; ``alone`` are the users that it would hold if the profiles were independent."""
    strength = np.clip(np.log((counts + 1) / (alone + 1)) / np.log(_FULL), -1, 1)
    head = "".join(
        f'<th scope="col"><b>{code["code"]}</b> <span>{name(code["label"])}</span></th>'
        for code in across["codes"]
    )
    rows = []
    for code, *figures in zip(down["codes"], counts, alone, strength, strict=True):
        cells = "".join(_cell(*cell) for cell in zip(*figures, strict=True))
        rows.append(f'<tr><th scope="row"><b>{code["code"]}</b> {name(code["label"])}</th>{cells}</tr>')
    return (
        f"<table><thead><tr><td>{name(down['name'])} ↓ {name(across['name'])} →</td>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(count: int, alone: float, strength: float) -> str:
    times = f"<small>{count / alone:.1f} ×</small>" if alone else ""
    kind = "more" if strength > 0 else "less"
    return f'<td class="{kind}" style="--heat: {abs(strength):.0%}">{count:,} {times}</td>'


def _strongest(counts: NDArray[np.int64], alone: NDArray[np.float64], down: Found, across: Found) -> str:
    order = np.argsort(-np.abs(counts - alone), axis=None, kind="stable")[:_PAIRS]
    rows = "".join(
        f'<tr><th scope="row">{a} {name(down["codes"][a]["label"])}</th>'
        f'<td class="text">{b} {name(across["codes"][b]["label"])}</td><td>{counts[a, b]:,}</td>'
        f"<td>{alone[a, b]:,.1f}</td></tr>"
        for a, b in zip(*np.unravel_index(order, counts.shape), strict=True)
    )
    titles = (name(down["name"]), name(across["name"]), "users", "if independent")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
