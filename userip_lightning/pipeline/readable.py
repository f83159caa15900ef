"""Configurations that are no text, or no YAML that can be built, as one sentence.

jsonargparse turns most of what is wrong with a configuration into an argument error, but lets what its YAML
parser and Python's decoder raise beside their own errors through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from userip_lightning.errors import InputError


@contextmanager
def readable(words: Sequence[str] = ()) -> Iterator[None]:
    """Say what cannot be read, where parsing it fails in the block.

    Args:
        words: of the command line, among them names of files.

    Raises:
        InputError: a file is not UTF-8, is nested too deeply or contains itself, or has a value that its own
            YAML tag forbids.
    """
    try:
        yield
    except InputError:
        raise
    except UnicodeDecodeError:
        raise InputError(f"{_no_text(words)}: is not UTF-8 text; save it as UTF-8.") from None
    except RecursionError:
        raise InputError(
            "a configuration is nested too deeply, or an alias in it stands for what holds it; write it flat."
        ) from None
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"a configuration has a value that cannot be read ({reason}); mend it, or put it in quotes."
        ) from None


def _no_text(words: Sequence[str]) -> str:
    """The first file among the words that is no UTF-8."""
    for word in words:
        file = Path(word.partition("=")[2] if word.startswith("-") else word)
        try:
            if file.is_file():
                file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return str(file)
        except (OSError, ValueError):  # a word that can be no file's name
            continue
    return "a file that the configuration names"
