"""Kills of `userip reproduce` and `userip infer` at moments spread over their work, each run again.

    python benchmarks/kills.py [--moments 20] [--commands reproduce infer] [--users 200]

Every attempt has a cache and an output of its own. It is killed (SIGKILL) after a share of the time that the
whole command took (the last time that it was not killed; other work can slow it down). It is run again with
the same words, and has to end as the run that nobody killed: the same figures in every row of the table, the
same codes of every user, and no half-written file beside them. Processes are forked from one that has
imported everything, so that the moments fall into the work.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import torch
import yaml

from userip_lightning.cli import main as userip
from userip_lightning.data.sources.planted_files import write_planted
from userip_lightning.data.sources.synthesize import Planted

_SERVER = multiprocessing.get_context("forkserver")
#: Of one moment, where the command ends before it is killed.
_ATTEMPTS = 5
_SETTINGS: dict[str, Any] = {
    "engine": "catalogue",
    "seeds": [0, 1],
    "controls": ["shuffled"],
    "wandb": {"mode": "disabled"},
    "data": {"k_core": 1},
    "profiles": {"hobby": {"size": 4}},
    "catalogue": {"trainer": {"max_epochs": 8}},
    "ctr": {"data": {"batch_size": 256}, "trainer": {"max_epochs": 3, "accelerator": "cpu"}},
}
_NET = {"class_path": "userip_lightning.ctr.networks.dcn.DCN", "init_args": {"hidden": [8]}}
_STUDY: dict[str, Any] = {
    "study": "study",
    "engine": "catalogue",
    "split_rules": {"random": "userip_lightning.data.splits.RandomSplit"},
    "networks": {"DCN": _NET},
    "control_network": "DCN",
    "controls": ["shuffled"],
    "seeds": [0, 1],
    "tuning": {"trials": 1},
    "fields": ["ids"],
    "workers": 0,
    "wandb": {"mode": "disabled"},
}


def main() -> None:
    """Kill, run again, compare; print a line per command and end with code 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--commands", nargs="+", default=["reproduce", "infer"])
    parser.add_argument("--users", type=int, default=200)
    args = parser.parse_args()
    _SERVER.set_forkserver_preload(["userip_lightning.cli.experiment", "userip_lightning.cli.reproduce"])
    _run(["--version"], Path())  # starts the server, which is no part of the work
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        config = _experiment(root, args.users)
        if "reproduce" in args.commands:
            wrong += _reproduce(root, config, args.moments)
        if "infer" in args.commands:
            wrong += _infer(root, config, args.moments)
    raise SystemExit(min(wrong, 1))


def _experiment(root: Path, users: int) -> Path:
    with contextlib.redirect_stdout(io.StringIO()):
        write_planted(Planted(users=users, rows_per_user=12), root / "log")
    source = {
        "class_path": "userip_lightning.data.sources.tabular.Tabular",
        "init_args": {f"{name}path": str(root / "log" / file) for name, file in _FILES.items()},
    }
    config = root / "experiment.yaml"
    data = {**_SETTINGS["data"], "source": source}
    config.write_text(yaml.safe_dump({**_SETTINGS, "data": data}), encoding="utf-8")
    return config


_FILES = {"": "events.csv", "items_": "items.csv", "users_": "users.csv"}


def _reproduce(root: Path, config: Path, moments: int) -> int:
    study = root / "study.yaml"
    study.write_text(yaml.safe_dump({**_STUDY, "dataset_files": {"log": str(config)}}), encoding="utf-8")

    def words(output: Path) -> list[str]:
        return ["reproduce", "table2", "--config", str(study), "--output", str(output)]

    def found(output: Path) -> object:
        rows = json.loads((output / "study" / "table2" / "results.json").read_text(encoding="utf-8"))
        return _without_seconds(rows)

    return _kills("reproduce table2", root, words, found, moments, lambda label: root / f"cache-{label}")


def _infer(root: Path, config: Path, moments: int) -> int:
    cache, experiment = root / "cache-of-fit", root / "runs" / "experiment"
    ended, _ = _run(["fit", "--config", str(config), "--output", str(root / "runs"), "--seeds", "[0]"], cache)
    assert ended == 0
    events = root / "events.parquet"
    log = pl.read_csv(root / "log" / "events.csv", infer_schema=False)
    log.with_columns(pl.col("rating").cast(pl.Float64)).write_parquet(events)

    def words(output: Path) -> list[str]:
        more = ["--events", str(events), "--codes", str(output), "--part_users", "4"]
        return ["infer", str(experiment), *more]

    def found(output: Path) -> object:
        codes = pl.read_parquet(sorted((output / "codes").iterdir())).sort("user_id")
        return codes.rows(), json.loads((output / "summary.json").read_text(encoding="utf-8"))

    return _kills("infer", root, words, found, moments, lambda _: cache)


def _kills(
    name: str,
    root: Path,
    words: Callable[[Path], list[str]],
    found: Callable[[Path], object],
    moments: int,
    cache: Callable[[str], Path],
) -> int:
    """How many attempts did not end as the whole one."""
    output = root / f"{name.split()[0]}-whole"
    ended, whole_s = _run(words(output), cache("whole"))
    assert ended == 0
    whole, wrong, killed = found(output), 0, 0
    for number in range(moments):
        for attempt in range(_ATTEMPTS):
            label = f"{number}-{attempt}"
            target, moment = root / f"{name.split()[0]}-{label}", whole_s * (number + 0.5) / moments
            first, took_s = _run(words(target), cache(label), moment)
            if first == -signal.SIGKILL:
                killed += 1
                break
            whole_s = took_s  # it was done before: the machine has less to do now
        again, _ = _run(words(target), cache(label))
        left = [file.name for file in target.rglob("*") if file.name.endswith((".part", ".scratch", ".old"))]
        same = again == 0 and found(target) == whole and not left
        if not same:
            wrong += 1
            said = f"exit code {again}, left {left or 'nothing'}"
            print(f"{name}: killed after {moment:.2f} s: {said}", flush=True)
    print(f"{name}: {whole_s:.2f} s, killed {killed} of {moments} times, {wrong} ended otherwise", flush=True)
    return wrong


def _run(words: list[str], cache: Path, kill_after_s: float | None = None) -> tuple[int | None, float]:
    """Exit code and seconds of `userip WORDS`."""
    process = _SERVER.Process(target=_userip, args=(words, cache))
    begun = time.monotonic()
    process.start()
    process.join(kill_after_s)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode, time.monotonic() - begun


def _userip(words: list[str], cache: Path) -> None:
    torch.set_num_threads(1)
    os.environ["USERIP_CACHE"] = str(cache)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = userip(words)
    raise SystemExit(code)


def _without_seconds(values: Any) -> Any:
    """The same without what another run measures otherwise."""
    if isinstance(values, dict):
        return {key: _without_seconds(value) for key, value in values.items() if "second" not in key}
    return [_without_seconds(value) for value in values] if isinstance(values, list) else values


if __name__ == "__main__":
    main()
