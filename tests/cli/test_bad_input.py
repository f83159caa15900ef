"""Every log and every setting that cannot be used, through `userip fit`: file, row or key, and what to do."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.refusal import artifacts, refused
from tests.data.make_tiny import TINY

COLUMNS = {"user_id": "person", "item_id": "thing", "rating": "stars", "timestamp": "when"}


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A log of one's own to spoil, beside a cache of its own."""
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def fit_words(settings, cache, tmp_path) -> Callable[[dict], list[str]]:
    """Words for `userip fit` on the tiny experiment with other settings on top."""

    def write(more: dict) -> list[str]:
        words = ["fit", "--output", str(tmp_path / "runs")]
        for position, part in enumerate((copy.deepcopy(settings), more)):
            file = tmp_path / f"{position}.yaml"
            file.write_text(yaml.safe_dump(part))
            words += ["--config", str(file)]
        return words

    return write


def source(name: str, **arguments) -> dict:
    return {"data": {"source": {"class_path": f"userip_lightning.data.{name}", "init_args": arguments}}}


def tabular(tiny: Path, suffix: str = ".csv") -> dict:
    folder = tiny / "csv"
    files = {"path": str(folder / f"events{suffix}"), "items_path": str(folder / "items.csv")}
    return source("tabular.Tabular", **files, columns=COLUMNS, rating_range=[1, 5])


def histories(tiny: Path) -> dict:
    files = {"path": "histories.tsv", "items_path": "items.tsv.gz"}
    folder = tiny / "histories"
    return source("histories.Histories", **{key: str(folder / name) for key, name in files.items()})


def films(tiny: Path) -> dict:
    return source("movielens.MovieLens100K", path=str(tiny / "ml-100k"))


def edit(file: Path, row: int, change: Callable[[str], str]) -> None:
    """Change one line of a text file; 0 is the first."""
    lines = file.read_text().split("\n")
    lines[row] = change(lines[row])
    file.write_text("\n".join(lines))


def missing_file(tiny: Path) -> dict:
    (tiny / "csv" / "events.csv").unlink()
    return tabular(tiny)


def missing_folder(tiny: Path) -> dict:
    shutil.rmtree(tiny / "ml-100k")
    return films(tiny)


def empty_file(tiny: Path) -> dict:
    (tiny / "csv" / "events.csv").write_text("")
    return tabular(tiny)


def truncated_gzip(tiny: Path) -> dict:
    whole = (tiny / "histories" / "histories.tsv.gz").read_bytes()
    (tiny / "histories" / "histories.tsv.gz").write_bytes(whole[: len(whole) // 2])
    config = histories(tiny)
    config["data"]["source"]["init_args"]["path"] += ".gz"
    return config


def truncated_parquet(tiny: Path) -> dict:
    file = tiny / "csv" / "events.parquet"
    pl.read_csv(tiny / "csv" / "events.csv").write_parquet(file)
    file.write_bytes(file.read_bytes()[:-30])
    return tabular(tiny, ".parquet")


def truncated_row(tiny: Path) -> dict:
    file = tiny / "ml-100k" / "u.data"
    file.write_text(file.read_text()[:-14])
    return films(tiny)


def wrong_columns(tiny: Path) -> dict:
    edit(tiny / "csv" / "events.csv", 0, lambda line: line.replace("person", "who"))
    return tabular(tiny)


def items_without_titles(tiny: Path) -> dict:
    edit(tiny / "csv" / "items.csv", 0, lambda line: line.replace("title", "label"))
    return tabular(tiny)


def rating_out_of_range(tiny: Path) -> dict:
    edit(tiny / "ml-100k" / "u.data", 2, lambda line: line.replace("\t5\t", "\t7\t"))
    return films(tiny)


def own_rating_out_of_range(tiny: Path) -> dict:
    edit(tiny / "csv" / "events.csv", 3, lambda line: line.replace(",5,", ",50,"))
    return tabular(tiny)


def unparsable_rating(tiny: Path) -> dict:
    edit(tiny / "csv" / "events.csv", 3, lambda line: line.replace(",5,", ",five,"))
    return tabular(tiny)


def unparsable_row(tiny: Path) -> dict:
    edit(tiny / "csv" / "events.csv", 4, lambda line: line.replace(",", ";"))
    return tabular(tiny)


def open_quote(tiny: Path) -> dict:
    edit(tiny / "csv" / "events.csv", 4, lambda line: line.replace("It is", '"It is'))
    return tabular(tiny)


def history_without_end(tiny: Path) -> dict:
    lines = ["user_id:token\titem_id_list:token_seq\titem_id:token", "a\t1 2 3\t4", "b\t1 2\t", ""]
    (tiny / "histories" / "histories.tsv").write_text("\n".join(lines))
    return histories(tiny)


def unknown_item(tiny: Path) -> dict:
    lines = ["user_id:token\titem_id_list:token_seq\titem_id:token", "a\t1 2 3\t999", ""]
    (tiny / "histories" / "histories.tsv").write_text("\n".join(lines))
    return histories(tiny)


def duplicate_rows(tiny: Path) -> dict:
    file = tiny / "ml-100k" / "u.data"
    file.write_text(file.read_text() + file.read_text().split("\n")[4] + "\n")
    return films(tiny)


def two_rows_of_one_item(tiny: Path) -> dict:
    file = tiny / "csv" / "items.csv"
    file.write_text(file.read_text() + "3,Another Title,1999,Drama,budget\n")
    return tabular(tiny)


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (missing_file, ["csv/events.csv: no such file; give the path of a .csv"]),
        (missing_folder, ["ml-100k/u.data: no such file; run `userip assets fetch`"]),
        (empty_file, ["csv/events.csv: the file is empty; give the path"]),
        (truncated_gzip, ["histories.tsv.gz: the gzip file is truncated", "fetch the file again."]),
        (truncated_parquet, ["events.parquet: not a readable Parquet file", "write it again"]),
        (truncated_row, ["u.data: row 560 has 2 fields, expected 4; mend or delete it"]),
        (wrong_columns, ["events.csv: column 'person' is missing, the file has who, thing,", "check the"]),
        (items_without_titles, ["items.csv: column 'title' is missing, the file has thing, label,", "check"]),
        (rating_out_of_range, ["u.data: row 3 has rating 7, expected 1 to 5; mend or delete it"]),
        (own_rating_out_of_range, ["events.csv: row 3 has rating 50, expected 1 to 5; mend or delete it"]),
        (unparsable_rating, ["events.csv: row 3 has rating 'five', expected a number; mend or delete it"]),
        (unparsable_row, ["events.csv: row 4 has 1 fields, expected 6; mend or delete it"]),
        (open_quote, ["events.csv: "]),
        (history_without_end, ["histories.tsv: row 2 has an empty item_id; mend or delete it"]),
        (unknown_item, ["histories.tsv: item_id '999' is missing from its table"]),
        (duplicate_rows, ["ml-100k: row 561 (user '1'", "repeats row 5", "set data.duplicates=drop"]),
        (two_rows_of_one_item, ["items.csv: item_id '3' comes twice", "keep one row"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_log_that_cannot_be_used(spoil, parts, tiny, fit_words, tmp_path, capsys):
    words = fit_words(spoil(tiny))
    sentence = refused(words, capsys)
    assert sentence.startswith(str(tiny))
    assert all(part in sentence for part in parts), sentence
    assert artifacts(tmp_path / "runs", tmp_path / "cache") == []


def without_title(tiny: Path) -> dict:
    edit(tiny / "ml-100k" / "u.item", 0, lambda line: "|".join(["1", " ", *line.split("|")[2:]]))
    return films(tiny)


def user_without_text(tiny: Path) -> dict:
    """The first two users dislike all they met, and the prompt shows liked items alone."""
    for row in range(28):
        edit(tiny / "ml-100k" / "u.data", row, lambda line: "\t".join([*line.split("\t")[:2], "1", "0"]))
    return {**films(tiny), "profile": {"model": {"prompt": {"disliked": None}}}}


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (without_title, ["item '1' lacks a text for the prompt ' {title}'. Add it, or set"]),
        (user_without_text, ["user '1' and 1 more have no training behaviour", "add texts, set prompt.dis"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_log_that_says_too_little_for_profiles(spoil, parts, tiny, fit_words, tmp_path, capsys):
    words = fit_words(spoil(tiny))
    sentence = refused(words, capsys)
    assert all(part in sentence for part in [str(tmp_path / "cache" / "prepared-"), *parts]), sentence
    assert artifacts(tmp_path / "runs") == []


def profile(**model) -> dict:
    return {"profile": {"model": model}}


NAMELESS = [{"name": "hobby", "text": "This user's hobby is"}, {"name": "background", "text": ""}]
LONG = " {title}" + " {genres}" * 40


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        (
            profile(soft_token=2),
            ["soft_token: no such setting; did you mean profile.model.prompt.soft_tokens?"],
        ),
        ({"ctr": {"trainer": {"max_epochs": "x"}}}, ["max_epochs: 'x' given, int, null expected; change it"]),
        ({"ctr": 1}, ["ctr: 1 given, settings with names are needed; write them below it."]),
        ({"ctr": {"trainer": [1]}}, ["ctr.trainer: [1] given, settings with names are needed"]),
        ({"wandb": None}, ["wandb: null given, settings with names are needed; write them below it."]),
        ({"controls": None}, ["controls: null given, list expected; change it"]),
        ({"ctr": {"data": {"batch_size": None}}}, ["ctr.data.batch_size: null given, int expected"]),
        (
            {"ctr": {"model": {"net": {"class_path": "DCN", "init_args": {"hidden": None}}}}},
            ["ctr.model.net.hidden: null given"],
        ),
        ({"wandb": {"mode": "on"}}, ["wandb.mode: 'on' given, one of 'offline', 'online', 'disabled' exp"]),
        (
            {"quantise": {"model": {"code_dim": 4}}},
            ["such setting; did you mean quantize.model.code_dim?"],
        ),
        ({"wandb": {"moed": "offline"}}, ["wandb.moed: no such setting; did you mean wandb.mode?"]),
        ({"k_core": 1}, ["k_core: no such setting; did you mean data.k_core?"]),
        (
            {"ctr": {"model": {"net": {"class_path": "DCN", "init_args": {"hiden": [3]}}}}},
            ["ctr.model.net.hiden: no such setting; did you mean ctr.model.net.hidden?"],
        ),
        (profile(inner_steps="many"), ["profile.model.inner_steps: 'many' given, int expected; change it"]),
        (
            profile(lm={"attention": "flash_attention_2"}),
            [
                "lm.attention: 'flash_attention_2' would not apply the 4-D mask",
                "use one of auto, sdpa, eager",
            ],
        ),
        (
            profile(prompt={"profiles": NAMELESS}),
            ["profiles.background.text: no words given; write some, or leave it out"],
        ),
        (
            profile(prompt={"item": LONG}),
            [
                "the prompt of user '",
                "the language model reads 256; lower behaviours (3), shorten prompt.item, or set",
                "set prompt.item_max_tokens: item '13' ('Radiant Constellation Sci-Fi ",
            ],
        ),
        (profile(prompt={"item": " {plot}"}), ["prompt.item: the items of ", "no column 'plot'; they have"]),
        (profile(lm={"name": "/no/such/model"}), ["lm.name: the language model '/no/such/model' could not"]),
    ],
)
def test_settings_that_cannot_be_used(more, parts, fit_words, tmp_path, capsys):
    sentence = refused(fit_words(more), capsys)
    assert all(part in sentence for part in parts), sentence
    assert artifacts(tmp_path / "runs") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profiles.hobby.size", "41"], "codebook: 41 codes for 40 users, expected at most one code per"),
        (
            ["--quantize.model.profile_weights", "{hobby: 0.5}"],
            "profile_weights: keys ['hobby'], expected one per profile, ['background', 'hobby']; name each",
        ),
    ],
)
def test_codes_that_the_users_do_not_fill(words, said, finished, fit_words, tmp_path, capsys):
    shutil.copytree(finished / "profile", tmp_path / "runs" / "tiny" / "profile")
    assert said in refused([*fit_words({}), *words], capsys)
    assert artifacts(*(tmp_path / "runs" / "tiny" / name for name in ("quantize", "controls", "ctr"))) == []
