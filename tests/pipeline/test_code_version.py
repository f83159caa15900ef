"""Which edits of the source make another artifact, and which do not."""

import sys
from pathlib import Path

import pytest

from userip_lightning.pipeline import code_version
from userip_lightning.pipeline.code_version import code_hash, named_modules

PROGRAM = '''"""What it does."""
from userip_lightning.errors import InputError


def area(side):
    """Of a square."""
    return side * side  # not a circle
'''


@pytest.fixture
def hash_of(tmp_path, monkeypatch):
    """The hash of a module of the user's own with this source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> str:
        (tmp_path / "own_network.py").write_text(source)
        for cached in (code_version._file, code_version._code, code_version._imports):
            cached.cache_clear()
        return code_hash(["own_network"])

    yield write
    sys.modules.pop("own_network", None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# not a circle", "# nor a triangle"),
        ("Of a square.", "Its area."),
        ("What it does.", "What it is."),
        ("side * side", "(side\n            * side)"),
    ],
)
def test_explaining_or_laying_out_anew_changes_nothing(hash_of, old, new):
    assert old in PROGRAM
    assert hash_of(PROGRAM) == hash_of(PROGRAM.replace(old, new))


@pytest.mark.parametrize(("old", "new"), [("side * side", "side + side"), ("area", "square")])
def test_other_code_is_another_hash(hash_of, old, new):
    assert hash_of(PROGRAM) != hash_of(PROGRAM.replace(old, new))


def test_what_a_module_imports_of_this_package_counts(hash_of, monkeypatch):
    before = hash_of(PROGRAM)
    read = code_version._code
    monkeypatch.setattr(code_version, "_code", lambda name: "x" if name.endswith("errors") else read(name))
    assert code_hash(["own_network"]) != before


def test_a_ctr_run_depends_on_its_data_and_network_and_not_on_stage_1():
    reached = code_version._reachable(["userip_lightning.ctr.module", "userip_lightning.ctr.datamodule"])
    rooms = {name.split(".")[1] for name in reached if "." in name}
    assert {"ctr", "data", "bank", "artifact"} <= rooms
    assert not {"profile", "quantize", "pipeline", "report"} & rooms


def test_installed_libraries_do_not_count():
    assert code_hash(["torch.optim", "polars"]) == code_hash([])


def test_a_configuration_names_modules_at_any_depth():
    section = {
        "model": {
            "net": {"class_path": "userip_lightning.ctr.networks.dcn.DCN", "init_args": {"hidden": [16]}}
        },
        "trainer": {"callbacks": [{"class_path": "own.Timer"}, {"class_path": None}]},
    }
    assert list(named_modules(section)) == ["userip_lightning.ctr.networks.dcn", "own"]


def test_every_module_that_is_reached_has_a_source_file():
    reached = code_version._reachable(["userip_lightning.profile.module"])
    assert all(Path(code_version._file(name)).is_file() for name in reached)


def test_an_import_for_a_type_checker_decides_nothing(tmp_path, monkeypatch):
    """The package names its Python interface for type checkers, and that reaches every room."""
    assert "userip_lightning.api" not in code_version._reachable(["userip_lightning.bank"])
    lines = ("if TYPE_CHECKING:", "    from userip_lightning import api", "from userip_lightning import lock")
    (tmp_path / "own.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    code_version._imports.cache_clear()
    reached = code_version._reachable(["own"])
    assert "userip_lightning.lock" in reached
    assert "userip_lightning.api" not in reached
