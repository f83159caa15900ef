"""Configurations that are no text, or YAML that cannot be built, end in one sentence."""

from pathlib import Path

import pytest

from tests.cli.refusal import refused

CONFIGS = Path(__file__).parents[2] / "configs"
BOMB = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 8)
)
CASES = {
    "not UTF-8": (b"experiment: \xff\n", "{file}: is not UTF-8 text; save it as UTF-8."),
    "UTF-16": ("experiment: x\n".encode("utf-16"), "{file}: is not UTF-8 text; save it as UTF-8."),
    "too deep": (b"experiment: " + b"[" * 100_000, "{file}: is nested too deeply"),
    "deep in lines": (
        b"".join(b" " * at + b"a:\n" for at in range(200)),
        "{file}: is nested too deeply",
    ),
    "a tag": (
        b"seeds: !!float x\n",
        "{file}: has the YAML tag 'tag:yaml.org,2002:float'; write plain",
    ),
    "a tag of its own": (b"experiment: !x y\n", "{file}: has the YAML tag '!x'"),
    "aliases of aliases": (BOMB, "{file}: has more than 100,000 values, those counted that aliases repeat"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", [["fit"], ["reproduce", "table2"]], ids=" ".join)
def test_a_configuration_that_cannot_be_read(case: str, command: list[str], tmp_path: Path, capsys) -> None:
    raw, said = CASES[case]
    file = tmp_path / "c.yaml"
    file.write_bytes(raw)
    assert said.format(file=file) in refused([*command, "--config", str(file)], capsys)


@pytest.mark.parametrize("section", ["ctr: named.yaml", "ctr: {model: {net: named.yaml}}"])
def test_a_file_that_a_configuration_names_is_no_text(section: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "named.yaml").write_bytes(b"class_path: \xff\n")
    (tmp_path / "c.yaml").write_text(section)
    assert "utf-8" in refused(["fit", "--config", str(tmp_path / "c.yaml")], capsys).lower()


@pytest.mark.parametrize("devices", ["0", "none", "1x"])
def test_devices_that_no_machine_has(devices: str, tmp_path: Path, capsys) -> None:
    words = ["fit", "--config", str(CONFIGS / "demo.yaml"), "--output", str(tmp_path)]
    words += ["--ctr.trainer.accelerator", "cpu", "--ctr.trainer.devices", devices]
    assert refused(words, capsys).startswith("trainer: ")
