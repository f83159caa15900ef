import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.refusal import refused
from tests.serving.banks import codes, ids, write
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.feature_bank import KEPT
from userip_lightning.bank.pruning import prune
from userip_lightning.bank.versions import point, versions
from userip_lightning.cli import main


def test_the_versions_written_last_stay_and_the_current_one_always(tmp_path: Path) -> None:
    names = [write(tmp_path, version).path.name for version in range(5)]
    assert versions(tmp_path) == tuple(reversed(names))
    point(tmp_path, names[1])
    assert prune(tmp_path, 3) == (names[2], names[0])
    assert set(versions(tmp_path)) == {names[1], names[3], names[4]}
    assert prune(tmp_path, 3) == ()
    assert prune(tmp_path, 1) == (names[4], names[3])
    assert FeatureBank.open(tmp_path).path.name == names[1]
    assert {file.name for file in tmp_path.iterdir()} == {"CURRENT", names[1], ".writer.lock"}


def test_who_has_a_pruned_version_open_goes_on_reading(tmp_path: Path) -> None:
    old = write(tmp_path, 1)
    expected = old.lookup(ids(300))
    write(tmp_path, 2)
    prune(tmp_path, 1)
    assert np.array_equal(old.lookup(ids(300)), expected)
    with pytest.raises(ValueError, match="this version was deleted while it was read"):
        _ = old.users


def test_what_killed_writers_left_hidden_goes(tmp_path: Path) -> None:
    bank = write(tmp_path)
    for state in ("part", "old"):
        shutil.copytree(bank.path, tmp_path / f".abc.somewhere.123.{state}")
    prune(tmp_path, 1)
    assert [file.name for file in tmp_path.glob(".*")] == [".writer.lock"]


def test_the_command_and_the_bytes_of_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (write(tmp_path, version).path for version in range(2))
    assert main(["bank", "info", str(tmp_path)]) == 0
    sizes = json.loads(capsys.readouterr().out)["versions"]
    assert sizes == {path.name: sum(file.stat().st_size for file in path.iterdir()) for path in (new, old)}
    assert main(["bank", "prune", str(tmp_path), "--keep", "1"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: deleted {old.name}\n"
    assert main(["bank", "prune", str(tmp_path), "--keep", "1"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: deleted nothing\n"


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "bank").path
    keep = ["--keep", "0"]
    assert "--keep: 0" in refused(["bank", "prune", str(path.parent), *keep], capsys)
    keep = ["--keep", "1"]
    assert f"name the bank's folder, {path.parent}" in refused(["bank", "prune", str(path), *keep], capsys)
    assert "no bank here" in refused(["bank", "prune", str(tmp_path / "none"), *keep], capsys)
    assert not (tmp_path / "none").exists()
    (path.parent / "CURRENT").write_text("gone")
    assert "version 'gone', which is missing" in refused(["bank", "prune", str(path.parent), *keep], capsys)
    assert path.is_dir()


def test_a_writer_leaves_the_versions_that_were_written_last(tmp_path: Path) -> None:
    written = [write(tmp_path, version).path for version in range(KEPT + 5)]
    reader = FeatureBank.open(written[5])
    assert set(versions(tmp_path)) == {path.name for path in written[5:]}
    point(tmp_path, written[5].name)  # back to the oldest, which then is the current one and stays
    written.append(write(tmp_path, 99).path)
    assert set(versions(tmp_path)) == {path.name for path in written[6:]}
    assert np.array_equal(reader.lookup(ids(300)), codes(300, 5))
