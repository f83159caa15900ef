"""`userip doctor`: a line per library, extra, device and cache, and an exit code."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from userip_lightning.cli import doctor, main

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package were installed, with two libraries, one of them of an extra."""
    about = {"Requires-Python": ">=3.10"}
    monkeypatch.setattr(doctor.metadata, "metadata", lambda name: about)
    needed = ["numpy>=1", "redis>=5; extra == 'redis'", "pytest>=8; extra == 'test'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: needed)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_it_says_what_there_is(tmp_path, monkeypatch, capsys):
    (tmp_path / "ml-100k").mkdir()
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path))
    assert main(["doctor"]) == 0
    said = lines(capsys)
    assert f"ok       numpy: {metadata.version('numpy')} (needs >=1)" in said
    assert "ok       ml-100k: in the cache" in said
    assert any(line.startswith("missing  smollm2-135m-instruct: ") for line in said)
    assert any(re.match(r"ok       precision: language model in b?float", line) for line in said)
    assert not any(line.split()[1].startswith("pytest") for line in said)


def test_what_the_default_commands_need_decides_the_exit_code(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "device", lambda: iter(()))
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["numpy<1", "no-such-library>=2"])
    assert main(["doctor"]) == 1
    said = lines(capsys)
    assert any(line.startswith("broken   numpy") and "pip install 'numpy<1'" in line for line in said)
    assert "broken   no-such-library: not installed; pip install 'no-such-library>=2'" in said


def test_a_missing_extra_is_named_with_its_command_and_breaks_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "device", lambda: iter(()))
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["no-such>=2; extra == 'ray'"])
    assert main(["doctor"]) == 0
    (line,) = (line for line in lines(capsys) if "no-such" in line)
    assert line == (
        "missing  no-such (userip infer --workers 2): not installed; pip install 'userip-lightning[ray]'"
    )


def test_every_extra_for_users_has_its_command():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    extras = set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))
    assert set(doctor.EXTRAS) == extras - {"test", "dev", "docs"}
