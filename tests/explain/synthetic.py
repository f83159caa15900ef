"""An explanation as ``Explanation.as_json()`` gives it, made up, of any size and with any texts."""

from typing import Any

import numpy as np

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><!-- <img src=x onerror=alert(1)>",
    "=cmd|'/C calc'!A0",
    '"onmouseover="alert(1)',
    "\\input{/etc/passwd} & 100 % $x$",
    "\u202eright to left\u202c and \x00control\n\ttitle",
    "Amélie — 千と千尋の神隠し 🎬",
    "x" * 5000,
)
_WORDS = (
    *("space", "war", "star", "galaxy", "robot", "alien", "planet", "love", "wedding", "paris"),
    *("summer", "heart", "kiss", "dance", "murder", "detective", "noir", "city", "night", "blood"),
    *("ghost", "house", "scream", "monster", "king", "queen", "castle", "dragon", "sword", "ring"),
    *("farm", "train", "truck", "harvest", "bus", "city", "builder", "tycoon", "chess", "go"),
    *("cards", "poker", "puzzle", "tetris", "mario", "racing", "football", "tennis", "golf"),
)


def title(generator: np.random.Generator) -> str:
    words = generator.choice(_WORDS, generator.integers(2, 7))
    return f"{' '.join(words).capitalize()} ({generator.integers(1960, 2024)})"


def explanation(
    users: int = 943,
    items: int = 1682,
    sizes: tuple[int, ...] = (4, 3),
    shown: int = 300,
    per_user: bool = False,
    hostile: bool = False,
    words: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """A catalogue experiment, or with ``per_user`` one without probabilities; the last code has no users."""
    generator = np.random.default_rng(seed)
    names = ("hobby", "background", "mood", "home", "work")[: len(sizes)]
    titles = [title(generator) for _ in range(items)]
    ids = [str(i + 1) for i in range(users)]
    if hostile:
        titles[: len(HOSTILE)], ids[: len(HOSTILE)] = HOSTILE, HOSTILE
    codes = np.stack([generator.integers(0, size - 1, users) for size in sizes], axis=1)
    if len(sizes) > 1:
        codes[:, 1] = np.where(generator.random(users) < 0.5, codes[:, 0] % (sizes[1] - 1), codes[:, 1])
    centres = [generator.normal(0, 2.5, (size, 2)) for size in sizes]
    at = sum((centre[codes[:, p]] for p, centre in enumerate(centres)), generator.normal(0, 0.9, (users, 2)))
    shown = min(shown, users)

    def item(number: int) -> dict[str, Any]:
        return {"item_id": str(number + 1), "title": titles[number]}

    def evidence() -> dict[str, Any]:
        nats = generator.normal(0.6, 1.0, 12)
        prior, rest = generator.normal(0, 0.4), generator.normal(1, 1)
        events = [
            {
                **item(int(generator.integers(items))),
                "label": None if per_user else int(generator.integers(2)),
                "nats": float(value),
            }
            for value in nats
        ]
        against = [int(generator.integers(size - 1)) for size in sizes]
        return {
            "against": against,
            "prior": float(prior),
            "rest": float(rest),
            "rest_events": int(generator.integers(1, 200)),
            "total": float(prior + rest + nats.sum()),
            "events": events,
        }

    def code(p: int, number: int) -> dict[str, Any]:
        count = int((codes[:, p] == number).sum())
        label = ", ".join(generator.choice(_WORDS, 3, replace=False)) if count else "no users"
        lifts = np.sort(generator.gamma(2.0, 2.0, 12))[::-1] + 1
        told = [
            {**item((number * 12 + j) % items), "lift": float(lift), "count": int(of * 0.6), "of": int(of)}
            for j, (lift, of) in enumerate(zip(lifts, generator.integers(5, 400, 12), strict=True))
        ]
        own = np.flatnonzero(codes[:, p] == number)[:5]
        sure = None if per_user or not count else 0.9 + 0.1 * generator.random()
        some = sorted(generator.choice(_WORDS, 8, replace=False))
        return {
            "code": number,
            "label": HOSTILE[0] if hostile and number == 0 else label,
            "users": count,
            "share": count / users,
            "click_rate": 0.4 + 0.3 * generator.random() if count and not per_user else None,
            "sure": sure,
            "entropy": None if sure is None else 1.2 * (1 - sure),
            "words": {
                "distinctive": some if count else [],
                "nearest": some[:5] if words and count else None,
                "expected": some[2:] if words and count else None,
            },
            "items": told if count else [],
            "typical": [{"user_id": ids[u], "probability": sure, "events": 20} for u in own],
            "map": at[codes[:, p] == number].mean(axis=0).tolist() if count else None,
        }

    profiles = [
        {
            "name": name,
            "text": f"This user's {name} is",
            "size": size,
            "perplexity": size * 0.8,
            "gained_nats": None if per_user else 0.03 / (p + 1),
            "codes": [code(p, number) for number in range(size)],
        }
        for p, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]
    pairs = [(a, b) for a in range(len(sizes)) for b in range(a + 1, len(sizes))]
    counts = {pair: np.zeros((sizes[pair[0]], sizes[pair[1]]), dtype=int) for pair in pairs}
    for a, b in pairs:
        np.add.at(counts[a, b], (codes[:, a], codes[:, b]), 1)
    return {
        "experiment": HOSTILE[1] if hostile else "ml100k",
        "engine": "per_user" if per_user else "catalogue",
        "explicit": not per_user,
        "n_users": users,
        "items": items,
        "events": users * 80,
        "click_rate": None if per_user else 0.554,
        "language_model": "SmolLM-135M" if words else None,
        "why_no_words": None
        if words
        else "The language model is not on this machine; run userip assets fetch.",
        "why_no_table": f"The per-user engine has {'no table of events, and ' * 9}that's it."
        if per_user
        else None,
        "gained_nats": None if per_user else 0.0831,
        "profiles": profiles,
        "overlap": [
            {"profiles": [names[a], names[b]], "counts": counts[a, b].tolist(), "nats": 0.114}
            for a, b in pairs
        ],
        "map": {
            "how": "Users by the two directions in which their posterior differs most.",
            "explained": [0.41, 0.22],
            "x": at[:shown, 0].tolist(),
            "y": at[:shown, 1].tolist(),
            "user": list(range(shown)),
        },
        "sample": {"shown": shown, "of": users, "how": "Drawn at random with seed 0."},
        "users": [
            {
                "user_id": ids[u],
                "codes": codes[u].tolist(),
                "probabilities": None if per_user else generator.uniform(0.5, 1, len(sizes)).tolist(),
                "events": int(generator.integers(20, 400)),
                "evidence": None if per_user else evidence(),
            }
            for u in range(shown)
        ],
    }
