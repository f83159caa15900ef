"""YAML as hands, editors and attackers write it."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import yaml

from benchmarks.fuzz.damage import damaged_bytes
from benchmarks.fuzz.odd_values import edited

#: Scalars that mean something else than they look like, or nothing that a setting can be.
_SCALARS = (
    *("no", "yes", "on", "off", "~", "null", "0o17", "0x10", "1_000", "1e3", "1.e3", ".inf", "-.inf", ".nan"),
    *(
        "2020-01-01",
        "12:30:45",
        "'",
        '"',
        "[",
        "{",
        "]",
        "*a",
        "&a",
        "!",
        "!!",
        "%",
        "@x",
        "`x`",
        "|",
        ">",
        "- x",
    ),
    *(
        "!!binary aGk=",
        "!!set {a}",
        "!!python/tuple [1]",
        "!!python/name:os.system",
        "!!timestamp x",
        "!!int x",
    ),
    *(
        "!!float x",
        "!!bool x",
        "? x",
        "<<: {a: 1}",
        "{a: 1, a: 2}",
        "[[[]]]",
        "'\0'",
        "\t",
        "# x",
        "é\u2028x",
    ),
)
#: Runs code where YAML is read by a loader that constructs objects.
_ATTACK = "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{canary}']]"
_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def damaged_yaml(text: str, rng: random.Random, canary: Path) -> tuple[bytes, str]:
    """A configuration with one fault, or several on one in ten; ``canary`` is a file that code would make."""
    if rng.random() < 0.5:
        changed, words = edited(yaml.safe_load(text), rng)
        return yaml.safe_dump(_plain(changed), allow_unicode=True, sort_keys=False).encode(
            "utf-8", "replace"
        ), words
    change = rng.choice([_scalar, _scalar, _scalar, _line, _whole, _bytes])
    return change(text, rng, canary)


def _plain(value: Any) -> Any:
    """Without strings that YAML cannot hold."""
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return (
        value.encode("utf-8", "replace").decode().replace("\0", "\ufffd") if isinstance(value, str) else value
    )


def _scalar(text: str, rng: random.Random, canary: Path) -> tuple[bytes, str]:
    """One value of the text is another scalar."""
    lines = text.splitlines()
    places = [at for at, line in enumerate(lines) if re.match(r"^[^#]*:\s+\S", line)]
    if not places:
        return _line(text, rng, canary)
    at = rng.choice(places)
    new = rng.choice([*_SCALARS, _ATTACK.format(canary=canary)])
    lines[at] = re.sub(r":\s+.*", lambda _: f": {new}", lines[at], count=1)
    return "\n".join(lines).encode(), f"line {at + 1} is {lines[at].strip()!r}"


def _line(text: str, rng: random.Random, canary: Path) -> tuple[bytes, str]:
    """One line is elsewhere, there twice, or indented otherwise."""
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    line = lines[at]
    what = rng.choice(["twice", "gone", "deeper", "flat", "tab", "moved", "long"])
    if what == "twice":
        lines.insert(rng.randrange(len(lines)), line)
    elif what == "gone":
        del lines[at]
    elif what == "moved":
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        changed = {
            "deeper": f"  {line}",
            "flat": line.strip(),
            "tab": f"\t{line}",
            "long": line + "x" * 100_000,
        }
        lines[at] = changed[what]
    return "\n".join(lines).encode(), f"line {at + 1} {what}: {line.strip()!r:.80}"


def _whole(text: str, rng: random.Random, canary: Path) -> tuple[bytes, str]:
    """The file is another thing altogether, or in another encoding."""
    found = rng.choice(
        [
            ("empty", b""),
            ("a comment", b"# nothing\n"),
            ("a list", b"- a\n- b\n"),
            ("a word", b"experiment\n"),
            ("a number", b"7\n"),
            ("two documents", f"{text}\n---\n{text}".encode()),
            ("an end of document in the middle", text.replace("\n", "\n...\n", 1).encode()),
            ("UTF-16", text.encode("utf-16")),
            ("UTF-8 with a mark", b"\xef\xbb\xbf" + text.encode()),
            ("Latin-1", (text + "\noutput: é\n").encode("latin-1", "replace")),
            ("a NUL at the end", text.encode() + b"\0"),
            ("1,000 lists in each other", b"experiment: " + b"[" * 1000 + b"]" * 1000),
            ("100,000 lists in each other", b"experiment: " + b"[" * 100_000),
            ("aliases of aliases", f"{text}\n{_BOMB}".encode()),
            ("aliases of aliases as seeds", (_BOMB + "seeds: *i\n").encode()),
            ("itself", f"{text}\ncontrols: &c [*c]\n".encode()),
            ("code", _ATTACK.format(canary=canary).encode()),
            ("JSON", b'{"experiment": "x", "experiment": "y"}'),
            ("CRLF", text.replace("\n", "\r\n").encode()),
            ("CR", text.replace("\n", "\r").encode()),
        ]
    )
    return found[1], found[0]


def _bytes(text: str, rng: random.Random, canary: Path) -> tuple[bytes, str]:
    return damaged_bytes(text.encode(), rng)
