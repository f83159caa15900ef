"""Every command and every line of Python of docs/serving.md, in order, on a small log."""

import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from tests.serving.redis_server import RedisServer
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.serving.redis_store import RedisBank

GUIDE = Path(__file__).parents[2] / "docs" / "serving.md"
SERVED = "runs/demo/serving/seed0"
#: An indented command, or a block of Python.
STEP = re.compile(r"^    (userip [^\n]*)$|^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USERS = ["196", "186", *map(str, range(1, 41))]
ITEMS = ["50", "181", *map(str, range(300, 340))]


def steps() -> list[tuple[str, str]]:
    """Commands and blocks of Python, one of the two each."""
    return STEP.findall(GUIDE.read_text(encoding="utf-8"))


def ratings(rng: np.random.Generator, users: list[str], each: int) -> pl.DataFrame:
    """Users of even place like items of even place, the others the others."""
    rows = [
        (user, ITEMS[item], 5 if item % 2 == place % 2 else 2)
        for place, user in enumerate(users)
        for item in rng.permutation(len(ITEMS))[:each]
    ]
    return pl.DataFrame(rows, {"user_id": pl.String, "item_id": pl.String, "rating": pl.Int64}, orient="row")


@pytest.fixture(scope="module")
def place(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's files: configuration and later events."""
    folder, rng = tmp_path_factory.mktemp("guide"), np.random.default_rng(0)
    ratings(rng, USERS, 14).write_parquet(folder / "log.parquet")
    pl.DataFrame({"item_id": ITEMS, "title": [f"Film {item}" for item in ITEMS]}).write_parquet(
        folder / "items.parquet"
    )
    events = ratings(rng, [*USERS, "somebody new"], 6).with_columns(
        label=(pl.col("rating") > 3).cast(pl.Int64)
    )
    events = events.drop("rating")
    (folder / "since_the_fit").mkdir()
    weeks = {"events": events, "week_48": events[::3]}
    weeks |= {"since_the_fit/48": events[::3], "since_the_fit/49": events[1::3]}
    for name, part in weeks.items():
        part.write_parquet(folder / f"{name}.parquet")
    source = {"path": str(folder / "log.parquet"), "items_path": str(folder / "items.parquet")}
    settings = {
        "experiment": "demo",
        "seeds": [0],
        "controls": [],
        "wandb": {"mode": "disabled"},
        "data": {
            "source": {"class_path": "userip_lightning.data.sources.tabular.Tabular", "init_args": source}
        },
        "catalogue": {
            "model": {"strength": 1.0},
            "data": {"text": "userip_lightning.texts.source.NoText"},
        },
        "ctr": {"trainer": {"max_epochs": 1, "accelerator": "cpu"}},
    }
    (folder / "configs").mkdir()
    (folder / "configs" / "demo.yaml").write_text(yaml.safe_dump(settings))
    return folder


def test_the_guide_has_commands_and_python():
    found = steps()
    assert sum(bool(command) for command, _ in found) >= 15
    assert sum(bool(python) for _, python in found) == 4


def test_everything_in_the_guide_works(
    place: Path,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(place)
    names: dict[str, object] = {}
    for command, python in steps():
        here, there = (text.replace("localhost", "127.0.0.1") for text in (command, python))
        here, there = (text.replace("6379", str(redis_server.port)) for text in (here, there))
        if there:
            exec(there, names)
        else:
            assert main(shlex.split(here)[1:]) == 0, (command, capsys.readouterr().err)

    served = FeatureBank.open(SERVED)
    assert served.lookup(["196"]).tolist() == [list(served.sizes)]  # forgotten
    assert len(served.info().versions) <= 2
    in_redis = RedisBank(redis_server.url("codes")).lookup(USERS)
    np.testing.assert_array_equal(in_redis, served.lookup(USERS))
    assert "somebody new" in set(served.users["user_id"])  # of week 48

    # the Profiler's figures, in the guide as in its text
    back, known = names["back"], names["known"]
    profiler, state, stored = (names[name] for name in ("profiler", "state", "stored"))
    assert np.frombuffer(stored).tolist() == state.tolist()
    profiler.take_back(back, item="300", label=1)  # what the guide added to the state that it read back
    assert back.tobytes() == stored
    profiler.take_back(known, item="50", label=1)
    assert known.tolist() == profiler.stored(["196"])[0].tolist() != profiler.start().tolist()
    assert profiler.code(state) == tuple(profiler.decode(state[None])[0])
    assert names["codes"]["known_behaviours"].sum() == 6 * 43
    assert names["one"].height == 6
