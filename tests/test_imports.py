"""Imports run one way, as the table in docs/architecture.md says; it is read there, not repeated here."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "userip_lightning"
GROUND = {
    *("errors", "arrays", "atomic", "integrity", "leak_audit", "artifact"),
    *(
        "schema",
        "default_sizes",
        "identity",
        "lock",
        "ids",
        "parquet",
        "label_values",
        "plural",
        "seeds",
        "pace",
        "progress_bars",
    ),
}
HEAVY = {"torch", "lightning", "transformers", "peft", "wandb"}

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}


def allowed() -> dict[str, set[str]]:
    """Room to what it may import besides the ground; ``everything`` where the table says so."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("| room |")[1].split("\n\n")[0].splitlines()[2:]
    rules: dict[str, set[str]] = {}
    for rooms, imports in (row.strip("|").split("|") for row in table):
        plain, named = (re.sub(r"\(.*?\)", "", cell).split(";")[0].split(",") for cell in (imports, rooms))
        rules |= {room.strip(): {name.strip() for name in plain} - {"–"} for room in named}
    return rules


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what lies below it, without what only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from executed(child)


def imports(module: str, for_types: bool = True) -> Iterator[str]:
    """Every module that the file names in an import, wherever it stands, also inside functions."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree) if for_types else executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*up, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                yield name if name in FILES else source


def own_imports(module: str, for_types: bool = True) -> set[str]:
    return {name for name in imports(module, for_types) if name.split(".")[0] == PACKAGE} - {module}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def may_import(room: str, target: str, rules: dict[str, set[str]]) -> bool:
    inside = target.removeprefix(f"{PACKAGE}.")
    if room_of(target) in {room, *GROUND} or target == PACKAGE or "everything" in rules[room]:
        return True
    return any(inside == name or inside.startswith(f"{name}.") for name in rules[room])


def test_the_table_names_every_room():
    rooms = {room_of(module) for module in FILES} - {"", "__main__"} - GROUND
    assert rooms <= set(allowed())


def test_a_module_imports_only_what_its_room_may():
    rules = allowed() | {name: set() for name in GROUND}
    found = {
        module: [name for name in own_imports(module) if not may_import(room_of(module), name, rules)]
        for module in set(FILES) - {PACKAGE, f"{PACKAGE}.__main__"}
    }
    assert {module: names for module, names in found.items() if names} == {}


def test_only_commands_and_studies_import_the_pipeline_and_nothing_imports_the_command_line():
    for module in FILES:
        rooms = {room_of(name) for name in own_imports(module)} - {room_of(module)}
        assert "cli" not in rooms or module == f"{PACKAGE}.__main__"
        assert "api" not in rooms or module == PACKAGE
        assert "pipeline" not in rooms or room_of(module) in ("cli", "reproduce", "api")


def test_no_module_takes_part_in_a_cycle():
    try:
        TopologicalSorter({module: own_imports(module, for_types=False) for module in FILES}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_no_room_takes_part_in_a_circle():
    """A room that needs another is not needed by it, through third rooms either; types count."""
    rooms: dict[str, set[str]] = {}
    for module in FILES:
        own = room_of(module)
        used = {room_of(name) for name in own_imports(module)} - {own, ""}
        rooms.setdefault(own, set()).update(used if own else ())
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("room", ["report", "bank", "serving", "assets", "artifact", "schema", "lock"])
def test_reading_results_or_codes_loads_no_training_framework(room):
    modules = [module for module in FILES if room_of(module) == room]
    program = f"import sys, {', '.join(modules)}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.split() == []


def test_a_ctr_run_loads_no_language_model_library():
    """The promise of a CTR run: no transformers, at import or later; lightning itself loads torch."""
    for module in FILES:
        if room_of(module) in {"ctr", "bank", "report", "quantize"}:
            assert {"transformers", "peft"}.isdisjoint(name.split(".")[0] for name in imports(module)), module
