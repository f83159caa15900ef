"""Short names of this package's classes in configurations: ``PNN`` for ``...ctr.networks.pnn.PNN``.

jsonargparse finds a class by its bare name among the subclasses that are imported already, so ``DCN`` is
found because the default settings name it, and ``PNN`` is not. Here the modules that define a class of the
name are imported first; jsonargparse then chooses by the type that the setting has. A whole path that an
earlier version of this package wrote down is read by its last name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_CLASS = re.compile(r"^class ([A-Z]\w*)", re.MULTILINE)


def current_name(path: str) -> str:
    """A class's bare name in place of a path into this package that leads nowhere any more."""
    module, _, name = path.rpartition(".")
    known = _modules().get(name, ())
    return name if module.startswith(f"{_PACKAGE.name}.") and known and module not in known else path


def import_class(name: str) -> None:
    """Import the modules that define a public class of this bare name; of another name nothing."""
    if name[:1].isupper():
        for module in _modules().get(name, ()):
            import_module(module)


def similar_classes(name: str) -> list[str]:
    """Bare names of public classes that are spelled alike, now imported."""
    found = get_close_matches(name, _modules())
    for other in found:
        with suppress(ImportError):  # of a package that is no requirement
            import_class(other)
    return found


@cache
def _modules() -> dict[str, list[str]]:
    """Bare name of every public class of the package to the modules that define one."""
    found = defaultdict(list)
    for file in sorted(_PACKAGE.rglob("*.py")):
        parts = file.relative_to(_PACKAGE.parent).with_suffix("").parts
        for name in _CLASS.findall(file.read_text(encoding="utf-8")):
            found[name].append(".".join(parts).removesuffix(".__init__"))
    return dict(found)
