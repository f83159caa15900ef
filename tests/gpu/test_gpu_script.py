"""The GPU script without a GPU: every bad end becomes a row, and a dry run fills the whole table."""

import json
import shutil
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import benchmarks.gpu.__main__ as script
from benchmarks.gpu.archive import MANIFEST, PACKED, collect, pack, restore
from benchmarks.gpu.assets import Assets, find_assets
from benchmarks.gpu.child import Child, DriverFailed
from benchmarks.gpu.figures import table, written
from benchmarks.gpu.steps import STEPS, Step
from userip_lightning.errors import InputError

TINY = Path(__file__).parents[1] / "data" / "tiny"
CARD = {
    "packages": {"torch": "2.11.0"},
    "device": "NVIDIA H200",
    "gib": 139.0,
    "driver": "580.1",
    "cuda": "13.0",
    "reason": None,
}
Run = Callable[..., list[dict[str, Any]]]


def fake(name: str, seconds: int = 250, packages: tuple[str, ...] = (), assets: tuple[str, ...] = ()) -> Step:
    return Step(name, "tests.gpu.fake_step", seconds, ("first", "second", "third"), packages, assets)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the script on fake steps as if there were a card; its JSON lines."""

    def call(*steps: Step, words: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        monkeypatch.setattr(script, "STEPS", steps)
        monkeypatch.setattr(script, "look", lambda *_: CARD)
        assert script.main(["--out", str(tmp_path / "out"), *words]) == 0
        return [json.loads(line) for line in (tmp_path / "out" / "gpu.jsonl").read_text().splitlines()]

    return call


def reasons(lines: list[dict[str, Any]], step: str) -> dict[str, str]:
    return {line["row"]: line["reason"] for line in lines if line["step"] == step}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("killed", "its process was killed by SIGKILL"),
        ("hangs", "its limit of 6 s was up"),
        ("driver", "the driver failed: CUDA error: unspecified launch failure"),
        ("dies", "its process ended with code 3 (Fatal Python error: Segmentation fault)"),
        ("ends", "the step ended without it"),
    ],
)
def test_a_bad_end_is_the_reason_of_the_rows_that_are_left_and_the_next_step_runs(
    run: Run, tmp_path: Path, how: str, why: str
) -> None:
    lines = run(fake(how, 6 if how == "hangs" else 250), fake("after"))
    found = reasons(lines, how)
    assert found["first"] == ""
    assert found["third"] == why
    assert reasons(lines, "after") == {"first": "", "second": "", "third": "the step ended without it"}
    shown = (tmp_path / "out" / "gpu.md").read_text()
    assert shown.startswith("NVIDIA H200, 139 GiB, driver 580.1, CUDA 13.0")
    assert f"| {how} | first | tokens/s 1,234 |" in shown
    assert f"| {how} | third | not run: {why} |" in shown
    assert "| after | second | AUC 0.75 |" in shown
    if how == "driver":
        assert "| driver | second | not run: out of memory: 9 GiB |" in shown


def test_what_was_measured_is_on_disk_while_the_step_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    out = tmp_path / "out"

    def look_at_it(command: Any, seconds: float, log: Path, receive: Callable[[Any], None]) -> None:
        receive({"row": "first", "figures": {"s": 1.5}})
        seen.extend((out / name).read_text() for name in ("gpu.jsonl", "gpu.md"))

    monkeypatch.setattr(script, "STEPS", (fake("ends"),))
    monkeypatch.setattr(script, "look", lambda *_: CARD)
    monkeypatch.setattr(script, "run_child", look_at_it)
    assert script.main(["--out", str(out)]) == 0
    assert json.loads(seen[0])["figures"] == {"s": 1.5}
    assert "| ends | first | s 1.5 |" in seen[1]
    assert "| ends | second | not run: not reached |" in seen[1]


def test_no_step_begins_after_the_limit_of_the_whole(run: Run) -> None:
    lines = run(fake("ends"), words=("--limit", "0"))
    assert {line["reason"] for line in lines} == {"the time of the whole run was up"}


def test_a_step_whose_packages_are_missing_is_skipped_and_named_first(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(fake("ends", packages=("torch", "sklearn")), fake("after", packages=("torch",)))
    assert set(reasons(lines, "ends").values()) == {"packages are missing: scikit-learn"}
    assert reasons(lines, "after")["second"] == ""
    told = capsys.readouterr().out
    assert told.index("ends: will be skipped, packages are missing: scikit-learn") < told.index("after: done")


def test_without_a_device_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"packages": {}, "device": None, "reason": "torch sees none"}
    monkeypatch.setattr(script, "look", lambda *_: nothing)
    assert script.main(["--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("No CUDA device here (torch sees none); run on a machine with one")
    assert told.count("\n") == 1
    assert not (tmp_path / "out" / "gpu.md").exists()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three files in parts of a thousand bytes."""
    files = {}
    for name, size in (
        ("games/games.histories.tsv.gz", 2500),
        ("games/games.items.tsv.gz", 0),
        ("ml/x", 700),
    ):
        file = tmp_path / name.replace("/", "-")
        file.write_bytes(bytes(at % 251 for at in range(size)))
        files[name] = file
    parts = pack(files, tmp_path / "archive", part=1000)
    assert [part.stat().st_size for part in parts] == [1000, 1000, 1000, 200]
    return tmp_path / "archive"


def cut(archive: Path) -> None:
    (archive / "part-01.bin").write_bytes(b"x" * 400)


def test_an_archive_gives_back_its_files(archive: Path, tmp_path: Path) -> None:
    target = restore(archive, tmp_path / "target")
    for name in ("games/games.histories.tsv.gz", "games/games.items.tsv.gz", "ml/x"):
        assert (target / name).read_bytes() == (tmp_path / name.replace("/", "-")).read_bytes()
    assert find_assets(target).games == target / "games"
    shutil.rmtree(target / "ml")
    restore(archive, target)  # is whole by its manifest, and left alone
    assert not (target / "ml").exists()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut, r"part-01.bin: 400 bytes instead of 1,000, it was cut off"),
        (lambda folder: (folder / "part-03.bin").unlink(), r"part-03.bin: missing; copy every part"),
        (lambda folder: (folder / "part-03.bin").write_bytes(b"x" * 200), r"its bytes are not those"),
        (lambda folder: (folder / MANIFEST).unlink(), r"no manifest.json, so no archive"),
        (lambda folder: (folder / MANIFEST).write_text("{"), r"not the manifest of an archive"),
        (
            lambda folder: (folder / MANIFEST).write_text('{"files": {"../x/y": 1}, "parts": {}}'),
            r"not the man",
        ),
    ],
)
def test_a_damaged_archive_is_refused_in_one_sentence(
    archive: Path, tmp_path: Path, damage: Callable[[Path], Any], told: str
) -> None:
    damage(archive)
    with pytest.raises(InputError, match=told):
        restore(archive, tmp_path / "target")
    assert not (tmp_path / "target" / "games").exists()


def test_a_cut_archive_costs_the_steps_that_need_it(run: Run, archive: Path) -> None:
    cut(archive)
    lines = run(fake("ends", assets=("games",)), fake("after"), words=("--assets", str(archive)))
    assert "part-01.bin: 400 bytes instead of 1,000" in reasons(lines, "ends")["first"]
    assert reasons(lines, "after")["first"] == ""


def test_a_second_archive_is_not_written_over_the_first(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds an archive already"):
        pack({}, archive)
    assert script.main(["pack", str(archive)]) == 2


def test_numbers_are_written_to_four_digits() -> None:
    figures = {"s": 0.123456, "tokens/s": 1234567.8, "users": 943, "as": "text", "none": float("nan")}
    assert written(figures) == "s 0.1235, tokens/s 1,234,568, users 943, as text, none nan"
    assert "| a | b | one / two three |" in table({("a", "b"): "one | two\nthree"})


def test_the_docs_have_every_row_and_help_has_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for step in STEPS:
        for row in step.rows:
            assert f"| {step.name} | {row} | " in docs
    with pytest.raises(SystemExit):
        script.main(["--help"])
    told = capsys.readouterr().out
    assert all(f"\n  {step.name} " in told for step in STEPS)
    assert sum(step.seconds for step in STEPS) <= 600


def test_a_weight_in_eight_bits_is_off_by_half_a_level_at_most(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from benchmarks.gpu.eight_bits import quantise, restore_weights

    weights = {"matrix": torch.randn(20, 300), "norm": torch.randn(300), "empty": torch.zeros(2, 3)}
    save_file(weights, tmp_path / "model.safetensors")
    quantise(tmp_path / "model.safetensors", tmp_path / PACKED)
    assert (tmp_path / PACKED).stat().st_size < 0.4 * (tmp_path / "model.safetensors").stat().st_size
    restore_weights(tmp_path / PACKED, tmp_path / "restored.safetensors")
    found = load_file(tmp_path / "restored.safetensors")
    level = weights["matrix"].abs().amax(1, keepdim=True) / 127
    rounding = 2.0**-8 * weights["matrix"].abs() + 2.0**-8 * level  # of bfloat16
    assert ((found["matrix"].float() - weights["matrix"]).abs() <= level / 2 + rounding).all()
    assert torch.equal(found["norm"], weights["norm"].bfloat16())
    assert not found["empty"].any()


def test_a_card_without_room_is_told_so_by_the_planner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(script.__file__).parents[1]))
    from benchmarks.gpu import random_lm

    monkeypatch.setattr(random_lm, "available_bytes", lambda _: 50_000)
    with open(tmp_path / "messages", "w+") as out:
        child = Child("cpu", True, 60, tmp_path, Assets(None, None, None), out)
        with child.part("7B: table forward"):
            random_lm.random_backbone(random_lm.llama(dry=True), child)
        with pytest.raises(DriverFailed), child.part("after"):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        out.seek(0)
        (told,) = map(json.loads, out.read().splitlines())
    assert told["row"] == "7B: table forward"
    assert "its weights need" in told["reason"]


@pytest.fixture
def tiny_archive(tiny_llama: Path, tmp_path: Path) -> Path:
    """An archive of tiny assets of all kinds."""
    games = (TINY / "histories" / "histories.tsv.gz", TINY / "histories" / "items.tsv.gz")
    (tmp_path / "work").mkdir()
    files = collect(tiny_llama, TINY / "ml-100k-wheel", games, tmp_path / "work")
    pack(files, tmp_path / "archive", part=20_000)
    return tmp_path / "archive"


def test_a_dry_run_starts_a_step_as_its_own_process(tiny_archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--dry", "--assets", str(tiny_archive), "--out", str(out), "--steps", "tests"]
    assert script.main(words) == 0
    lines = [json.loads(line) for line in (out / "gpu.jsonl").read_text().splitlines()]
    # one stage's tests are enough to see that they are run and counted
    assert {line["row"] for line in lines if line["state"] == "measured"} == {"CTR on CUDA"}
    assert (out / "gpu.md").read_text().startswith("Dry run: toy sizes on a CPU, figures mean nothing. ")


@pytest.mark.parametrize("step", [step for step in STEPS if step.name != "tests"], ids=attrgetter("name"))
def test_a_step_fills_all_its_rows(
    step: Step, tiny_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a process of its own, as its imports would take most of the time."""
    monkeypatch.syspath_prepend(str(Path(script.__file__).parents[1]))
    assets = find_assets(restore(tiny_archive, tmp_path / "assets"))
    (tmp_path / "step").mkdir()
    with open(tmp_path / "messages", "w+") as out:
        import_module(step.module).measure(Child("cpu", True, 600, tmp_path / "step", assets, out))
        out.seek(0)
        told = list(map(json.loads, out.read().splitlines()))
    assert [message for message in told if "figures" not in message] == []
    assert {message["row"] for message in told} == set(step.rows)
