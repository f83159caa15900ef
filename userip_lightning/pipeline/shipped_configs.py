"""The configurations that come with the package, by name: ``demo``, ``games.yaml``, ``presets/paper``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from userip_lightning.errors import InputError

_OPTIONS = ("-c", "--config")
#: What may be a name: no configuration itself, and no path that leads out of the current folder.
_NAME = re.compile(r"\w[\w.+-]*(/[\w.+-]+)*")
_PACKAGE = Path(__file__).parents[1]


def shipped_folder() -> Path:
    """Where the configurations lie: inside an installed package, beside it in a clone."""
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.with_name("configs")


def shipped_names() -> list[str]:
    """Names of all of them, without ``.yaml``."""
    folder = shipped_folder()
    files = (file.relative_to(folder).with_suffix("") for file in folder.rglob("*.yaml"))
    return sorted(file.as_posix() for file in files)


def shipped_file(name: str) -> Path | None:
    """The configuration of that name, also with ``.yaml`` or ``configs/``; None where there is none."""
    plain = name.removeprefix("configs/").removesuffix(".yaml")
    return shipped_folder() / f"{plain}.yaml" if plain in shipped_names() else None


def configuration(given: str, say: Callable[[str], None]) -> str:
    """The file that a ``--config`` means: a local one, else the shipped one of that name.

    Args:
        given: a path, a name, or the text of a configuration, which stays as it is.
        say: told which one is used where both exist.

    Raises:
        InputError: neither exists.
    """
    if not _NAME.fullmatch(given):
        return given
    local = next((path for path in (Path(given), Path(f"{given}.yaml")) if path.is_file()), None)
    shipped = shipped_file(given)
    if local is None:
        if shipped is None and not Path(given).exists():
            raise InputError(_unknown(given))
        return given if shipped is None else str(shipped)
    if shipped is not None and not shipped.samefile(local):
        say(f"{local}: the file in this folder is used, not the shipped configuration {shipped}.")
    return str(local)


def with_configurations(words: Sequence[str]) -> list[str]:
    """Words of a command line with the file in place of every name after ``--config``.

    Raises:
        InputError: as :func:`configuration`.
    """
    return list(_replaced(words))


def _replaced(words: Sequence[str]) -> Iterator[str]:
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if before in _OPTIONS:
            yield configuration(word, _say)
        elif option in _OPTIONS and equals:
            yield f"{option}={configuration(value, _say)}"
        else:
            yield word


def _unknown(given: str) -> str:
    from difflib import get_close_matches  # takes longer than all the rest, and is rarely needed

    names = shipped_names()
    last = {name.rpartition("/")[2]: name for name in names}
    plain = given.removeprefix("configs/").removesuffix(".yaml")
    near = [*get_close_matches(plain, names), *(last[name] for name in get_close_matches(plain, list(last)))]
    listed = ", ".join(dict.fromkeys(near)) or ", ".join(name for name in names if "/" not in name)
    return f"{given}: no such file, and no shipped configuration of that name; there are {listed} and others."


def _say(line: str) -> None:
    print(line, file=sys.stderr)
