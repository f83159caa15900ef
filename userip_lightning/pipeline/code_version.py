"""Which code decides an artifact, as one hash: what was made by other code is not found again.

The code of a class is its module and every module of this package that those import, read from their
source files, never run. Comments, docstrings and layout do not count, so that explaining something better
costs nobody a day of training. Installed libraries do not count either: ``results.json`` records theirs.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_paths

PACKAGE = __name__.partition(".")[0]
_LIBRARIES = tuple(Path(get_paths()[name]) for name in ("stdlib", "purelib", "platlib"))


def code_hash(modules: Iterable[str]) -> str:
    """First 16 hex digits of the SHA-256 over the code that ``modules`` can reach.

    Args:
        modules: dotted names; those without a Python source file are passed over.
    """
    digest = hashlib.sha256()
    for module in sorted(_reachable(modules)):
        digest.update(f"{module}\0{_code(module)}\0".encode())
    return digest.hexdigest()[:16]


def named_modules(section: object) -> Iterator[str]:
    """Modules of the classes that a configuration names by ``class_path``, whoever wrote them.

    Args:
        section: JSON values, nested at will.
    """
    if isinstance(section, dict):
        if isinstance(section.get("class_path"), str):
            yield section["class_path"].rpartition(".")[0]
        for value in section.values():
            yield from named_modules(value)
    elif isinstance(section, list):
        for value in section:
            yield from named_modules(value)


def _reachable(modules: Iterable[str]) -> set[str]:
    """``modules`` and, of this package, all that they import, with the packages around them.

    A class of one's own is hashed with its module and what that imports of this package; an installed
    library is not our code and is left out.
    """
    found: set[str] = set()
    waiting = [module for module in modules if _is_code(module)]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        waiting += [name for name in _imports(module) if name.partition(".")[0] == PACKAGE]
    return found


def _is_code(module: str) -> bool:
    if module.partition(".")[0] == PACKAGE:
        return True
    file = _file(module)
    return file is not None and not any(file.is_relative_to(folder) for folder in _LIBRARIES)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules that a file imports wherever that stands, and the packages that contain it.

    What is imported for a type checker alone is never run, so it decides nothing.
    """
    file = _file(module)
    if file is None:
        return ()
    names = [".".join(module.split(".")[:depth]) for depth in range(1, module.count(".") + 1)]
    for node in _executed(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in names if name.partition(".")[0] == PACKAGE and _file(name) is not None)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what lies below it, without what only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _executed(child)


@cache
def _code(module: str) -> str:
    """The module's syntax tree as text, without docstrings."""
    file = _file(module)
    if file is None:
        return ""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@cache
def _file(module: str) -> Path | None:
    """The module's source file; None for a name inside a module, or a module that is not Python."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # a name inside a module, or a module that has no spec
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)
