"""`userip explain` from end to end."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from userip_lightning.cli import main

TITLES = ("[bold]space[/bold]", "\x1b[31mwedding", "<b>chess</b>", "=dragon")


@pytest.fixture(scope="module")
def experiment(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fitted catalogue experiment on a log whose titles are hostile; tests may not change its codes."""
    return fitted(tmp_path_factory.mktemp("explain"), "joint")


def fitted(folder: Path, codebooks: str) -> Path:
    rows = [
        (
            f"u{user}",
            f"i{(user % 4) + 4 * ((user + at) % 5)}",
            "train" if at < 4 else ("val", "test")[user % 2],
        )
        for user in range(40)
        for at in range(5)
    ]
    log = pl.DataFrame(rows, ["user_id", "item_id", "given_split"], orient="row")
    log.write_parquet(folder / "log.parquet")
    pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(20)], "title": [f"{TITLES[n % 4]} {n}" for n in range(20)]}
    ).write_parquet(folder / "items.parquet")
    settings = {
        "experiment": "small",
        "output": str(folder),
        "seeds": [0],
        "controls": [],
        "wandb": {"mode": "disabled"},
        "data": {
            "source": {
                "class_path": "userip_lightning.data.sources.tabular.Tabular",
                "init_args": {
                    "path": str(folder / "log.parquet"),
                    "items_path": str(folder / "items.parquet"),
                },
            },
            "labels": "userip_lightning.data.labels.Implicit",
            "split": "userip_lightning.data.column_split.ColumnSplit",
            "k_core": 1,
        },
        "catalogue": {
            "model": {"sizes": {"hobby": 2, "background": 2}, "codebooks": codebooks},
            "data": {"text": "userip_lightning.texts.source.NoText"},
        },
    }
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(settings))
    assert main(["fit", "--config", str(file), "--stages", "prepare,catalogue"]) == 0
    return folder / "small"


def test_it_writes_both_files_and_prints_a_summary(experiment, capsys):
    assert main(["explain", str(experiment), "--lm", "none"]) == 0
    out = capsys.readouterr().out
    assert str(experiment / "explain.html") in out
    assert "hobby: 2 codes" in out
    assert "[bold]space[/bold]" in out  # as it is, no markup
    assert "\x1b" not in out
    told = json.loads((experiment / "explain.json").read_text())
    assert told["n_users"] == 40
    assert told["language_model"] is None
    assert "--lm none" in told["why_no_words"]
    page = (experiment / "explain.html").read_text()
    assert "<b>chess</b>" not in page


def test_a_user_is_explained_event_by_event(experiment, capsys):
    words = ["explain", str(experiment), "--lm", "none", "--user", "u3", "u7"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "user u3: 4 events" in out
    assert "user u7: 4 events" in out
    assert "in all" in out
    assert main([*words, "--json"]) == 0
    users = json.loads(capsys.readouterr().out)
    assert [user["user_id"] for user in users] == ["u3", "u7"]
    for told in (user["evidence"] for user in users):
        assert told["prior"] + sum(event["nats"] for event in told["events"]) == pytest.approx(told["total"])


def test_what_is_said_of_additive_codes_are_scores(cache, tmp_path, capsys):
    words = ["explain", str(fitted(tmp_path, "additive")), "--lm", "none"]
    assert main(words) == 0
    assert "codes are additive, places among the classes" in capsys.readouterr().out
    assert main([*words, "--user", "u3"]) == 0
    out = capsys.readouterr().out
    assert "score over the codes" in out
    assert "before any event" in out
    assert "probability" not in out
    assert "log-odds" not in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--user", "[/red]"], "nobody has the id '[/red]' here; there are 40 users"),
        (["--users", "-1"], "--users: -1 given"),
        (["--seed", "7"], "has codes of the seeds [0]"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(experiment, capsys, words, expected):
    assert main(["explain", str(experiment), "--lm", "none", *words]) == 2
    assert expected in capsys.readouterr().err


def test_an_experiment_without_codes(experiment, tmp_path, capsys):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.yaml").write_text((experiment / "config.yaml").read_text())
    assert main(["explain", str(tmp_path / "bare")]) == 2
    assert "run `userip fit --config" in capsys.readouterr().err
    assert main(["explain", str(tmp_path)]) == 2
    assert "no experiment here" in capsys.readouterr().err
