"""The sdist and the wheel made from it work in an empty folder, without a clone and without a network."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
ROWS = [
    f"u{user},i{(7 * user + place) % 20},{1 + (user + place) % 5}"
    for user in range(40)
    for place in range(12)
]

Run = Callable[..., subprocess.CompletedProcess[str]]


def built(kind: str, sources: Path, target: Path) -> Path:
    """Call the build backend as pip does without isolation."""
    program = f"from setuptools import build_meta; build_meta.build_{kind}({str(target)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=sources, check=True, capture_output=True, timeout=120)
    (file,) = (file for file in target.iterdir() if file.suffix == {"sdist": ".gz", "wheel": ".whl"}[kind])
    return file


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel alone, beside the libraries of this one."""
    root = tmp_path_factory.mktemp("wheel")
    source, out = root / "source", root / "out"
    for name in (source, out):
        name.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    for name in ("configs", "userip_lightning"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    with tarfile.open(built("sdist", source, out)) as archive:
        archive.extractall(root / "unpacked", filter="data")
    (unpacked,) = (root / "unpacked").iterdir()
    wheel = built("wheel", unpacked, out)
    venv = root / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=120)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
    return venv / "bin"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs `userip` of the wheel in an empty folder."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = {**kept, "USERIP_CACHE": str(tmp_path / "cache")}
    (tmp_path / "empty").mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed / "userip"), *words],
            cwd=tmp_path / "empty",
            env=settings,
            capture_output=True,
            text=True,
            timeout=200,
        )

    return run


def test_an_empty_folder_becomes_codes_of_ones_own_log(run: Run, installed: Path, tmp_path: Path) -> None:
    assert run("--version").stdout == "userip 0.1.0\n"
    assert list(installed.parent.glob("lib/python*/site-packages/userip_lightning/py.typed"))
    assert run("init", "csv").stdout.splitlines()[0] == "csv.yaml"
    folder = tmp_path / "empty"
    (folder / "events.csv").write_text("\n".join(["user_id,item_id,rating", *ROWS]) + "\n")
    quick = [
        "--seeds",
        "[0]",
        "--controls",
        "[]",
        "--ctr.trainer.max_epochs",
        "1",
        "--wandb.mode",
        "disabled",
    ]
    done = run("fit", "--config", "csv", *quick, "--ctr.model.net", "PNN")
    assert done.returncode == 0, done.stderr
    assert "csv.yaml: the file in this folder is used" in done.stderr
    assert str(installed.parent) in done.stderr  # where the wheel's own lies
    (bank,) = (folder / "runs" / "csv" / "catalogue").glob("[!.]*")  # one seed, one bank
    codes = run("bank", "lookup", str(bank), "u3")
    assert codes.returncode == 0, codes.stderr
    assert "u3" in codes.stdout


def test_a_name_that_is_not_shipped_is_one_sentence(run: Run) -> None:
    done = run("fit", "--config", "gamse")
    assert done.returncode == 2
    assert done.stderr.startswith("userip fit: gamse: no such file, and no shipped configuration")
    assert "games" in done.stderr
