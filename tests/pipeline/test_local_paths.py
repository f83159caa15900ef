"""A run whose log, cache and output lie below a folder with a name that looks like a pattern."""

import copy
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.experiment import artifact_of
from userip_lightning.cli import main

TINY = Path(__file__).parent.parent / "data" / "tiny" / "ml-100k"


def test_a_whole_run_below_a_strange_name(
    settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "log [v2] *?#%20 key=1"
    shutil.copytree(TINY, root / "ml [1]")
    monkeypatch.setenv("USERIP_CACHE", str(root / "cache*"))
    changed = copy.deepcopy(settings) | {
        "seeds": [0],
        "controls": ["shuffled"],
        "output": str(root / "runs [a]"),
    }
    changed["data"]["source"]["init_args"]["path"] = str(root / "ml [1]")
    for stage in ("profile", "quantize", "ctr"):
        changed[stage]["trainer"]["max_epochs"] = 1
    config = root / "config [x].yaml"
    config.write_text(yaml.safe_dump(changed))
    assert main(["fit", "--config", str(config)]) == 0
    experiment = root / "runs [a]" / "tiny"

    (prepared,) = (root / "cache*").glob("prepared-*/events.parquet")
    seen = pl.read_parquet(prepared, glob=False).filter("logged")
    seen.select("user_id", "item_id", "label").write_parquet(root / "events[1].parquet")
    words = [
        "infer",
        str(experiment),
        "--events",
        str(root / "events[1].parquet"),
        "--codes",
        str(root / "codes?"),
    ]
    assert main(words) == 0
    capsys.readouterr()
    user = seen["user_id"][0]
    assert main(["bank", "lookup", str(artifact_of(experiment, "quantize/seed0")), user]) == 0
    assert user in capsys.readouterr().out
    assert main(["test", "--config", str(config)]) == 0
