"""Configurations that are no text, or no YAML that can be built, as one sentence.

jsonargparse turns most of what is wrong with a configuration into an argument error, but lets what its YAML
parser and Python's decoder raise beside their own errors through; and its parser, which is in C, ends the
process where lists stand in each other a hundred thousand deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from userip_lightning.errors import InputError

#: Levels of lists and mappings; settings of a model have about ten.
_DEEPEST = 100
#: Values, those that an alias repeats counted again; the largest configuration has a few hundred.
_MOST = 100_000
_OPTIONS = ("-c", "--config")


@contextmanager
def readable(words: Sequence[str] = ()) -> Iterator[None]:
    """Say what cannot be read, where parsing it fails in the block.

    Args:
        words: of the command line; the files that they name are looked at first.

    Raises:
        InputError: a file is not UTF-8, is nested too deeply, contains itself, is endless by its aliases, or
            has a YAML tag.
    """
    for file in _files(words):
        _check(file)
    try:
        yield
    except InputError:
        raise
    except UnicodeDecodeError:
        raise InputError("a file that the configuration names is not UTF-8 text; save it as UTF-8.") from None
    except RecursionError:
        raise InputError("a configuration is nested too deeply, or contains itself; write it flat.") from None
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"a configuration has a value that cannot be read ({reason}); mend it, or put it in quotes."
        ) from None


def _files(words: Sequence[str]) -> Iterator[Path]:
    """The configurations that a command line names; not its data, which may be large."""
    for before, word in zip(["", *words], words, strict=False):
        name = word.partition("=")[2] if word.startswith("-") else word
        if before in _OPTIONS or name.endswith((".yaml", ".yml")):
            try:
                if Path(name).is_file():
                    yield Path(name)
            except OSError:  # a configuration itself, too long for a file's name
                continue


def _check(file: Path) -> None:
    """Raise InputError where jsonargparse's parser would not survive the file."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not UTF-8 text; save it as UTF-8.") from None
    fault = _fault(text)
    if fault:
        raise InputError(f"{file}: {fault}.")


def _fault(text: str) -> str | None:
    sizes: list[int] = [0]  # values below every collection that is open, with those that aliases repeat
    opened: list[str | None] = []  # their anchors
    anchored: dict[str, int] = {}
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if getattr(event, "tag", None) not in (None, "!"):
                return f"has the YAML tag {event.tag!r:.60}; write plain values, without tags"
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(event.anchor)
                sizes.append(1)
            elif isinstance(event, yaml.CollectionEndEvent):
                size, anchor = sizes.pop(), opened.pop()
                sizes[-1] += size
                if anchor is not None:
                    anchored[anchor] = size
            else:
                alias = event.anchor if isinstance(event, yaml.AliasEvent) else ""
                sizes[-1] += anchored.get(alias, 1)
            if len(opened) > _DEEPEST:
                return f"is nested too deeply, more than {_DEEPEST} levels; write it flat"
            if sizes[-1] > _MOST:
                return f"has more than {_MOST:,} values, those counted that aliases repeat; write fewer"
    except yaml.YAMLError:  # jsonargparse says where
        pass
    return None
