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
_OPTIONS = ("-c", "--config")


@contextmanager
def readable(words: Sequence[str] = ()) -> Iterator[None]:
    """Say what cannot be read, where parsing it fails in the block.

    Args:
        words: of the command line; the files that they name are looked at first.

    Raises:
        InputError: a file is not UTF-8, is nested too deeply or contains itself, or has a value that its own
            YAML tag forbids.
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
    if _is_deep(text):
        raise InputError(f"{file}: is nested too deeply, more than {_DEEPEST} levels; write it flat.")


def _is_deep(text: str) -> bool:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                return True
    except yaml.YAMLError:  # jsonargparse says where
        pass
    return False
