"""The artifact: texts and vectors from training rows alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from userip_lightning.artifact import read_manifest, writing
from userip_lightning.baselines.kar import prompts
from userip_lightning.baselines.kar.generation import Generation
from userip_lightning.baselines.kar.knowledge import CACHE, Knowledge
from userip_lightning.baselines.kar.prompts import KnowledgePrompt
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen
from userip_lightning.lm.source import LMSource
from userip_lightning.lm.text_encoder import EncoderSource, TextEncoder
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

PROMPT = KnowledgePrompt(history=4, factors=("mood",))


@pytest.fixture(scope="module", autouse=True)
def few_words():
    """Prompts of few words, which the tiny model tells apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prompts, "_PREFERENCE", "Of {history}which {thing}?")
        patch.setattr(prompts, "_FACT", "Tell of {item}.")
        yield


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody sees."""


def knowledge(lm: Path, encoder: Path, **settings) -> Knowledge:
    settings = {"prompt": PROMPT, "generation": Generation(max_new_tokens=8), **settings}
    source = EncoderSource(name=str(encoder))
    return Knowledge(lm=LMSource(name=str(lm), dtype="float32"), encoder=source, **settings)


def changed(prepared: PreparedData, target: Path, events=None, items=None) -> Path:
    """The prepared data with other tables."""
    with writing(target, replace(prepared.manifest, files={})) as draft:
        (prepared.events if events is None else events).write_parquet(draft / "events.parquet")
        (prepared.items if items is None else items).write_parquet(draft / "items.parquet")
        prepared.users.write_parquet(draft / "users.parquet")
    return target


@pytest.fixture(scope="module")
def written(cold, tiny_llama, tiny_encoder, tmp_path_factory) -> Path:
    """The artifact of the cold data; its cache lies beside it."""
    folder = tmp_path_factory.mktemp("knowledge")
    return knowledge(tiny_llama, tiny_encoder).write(cold, folder / "knowledge", folder, quiet)


def texts(folder: Path, side: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "texts.parquet").filter(pl.col("side") == side)


def test_every_user_and_item_has_a_row_with_the_vector_of_its_text(written, cold, tiny_encoder):
    prepared = PreparedData.load(cold)
    encoder = TextEncoder(EncoderSource(name=str(tiny_encoder)))
    for side, ids in (("user", prepared.users["user_id"]), ("item", prepared.items["item_id"])):
        table = texts(written, side)
        vectors = np.load(written / f"{side}s.npy")
        assert table["id"].to_list() == ids.to_list()
        assert vectors.shape == (len(ids), 16)
        assert vectors.dtype == np.float32
        for text, vector in zip(table["text"], vectors, strict=True):
            expected = np.zeros(16) if text is None else encoder.encode([text])[0]
            assert np.allclose(vector, expected, atol=1e-5)
        assert np.isfinite(vectors).all()
        assert len(np.unique(vectors.round(4), axis=0)) > 2


def test_a_user_is_asked_about_by_the_latest_training_and_support_rows(written, cold):
    prepared = PreparedData.load(cold)
    rows = prepared.rows(TRAIN, SUPPORT).filter("logged").sort("user", "timestamp", "row_id")
    latest = rows.group_by("user", maintain_order=True).tail(4).join(prepared.items, on="item")
    asked = texts(written, "user")["prompt"].to_list()
    for user in range(prepared.n_users):
        own = latest.filter(pl.col("user") == user).sort("timestamp", "row_id")
        told = [
            f'"{title}", {rating:g} stars; ' for title, rating in own.select("title", "rating").iter_rows()
        ]
        assert asked[user] == "Of " + "".join(told) + "which item?"
    assert rows_seen(written).tolist() == latest["row_id"].sort().to_list()
    assert np.intersect1d(rows_seen(written), prepared.judged_rows()).size == 0


def test_judged_rows_change_nothing(written, cold, tiny_llama, tiny_encoder, tmp_path):
    """Other labels, ratings, times and items of judged rows, and another title of what only they name."""
    prepared = PreparedData.load(cold)
    judged = pl.col("split").is_in([VAL, TEST])
    events = prepared.events.with_columns(
        pl.when(judged).then(1 - pl.col("label")).otherwise("label").cast(pl.Int8).alias("label"),
        pl.when(judged).then(0.5).otherwise("rating").cast(pl.Float32).alias("rating"),
        pl.when(judged).then(pl.col("timestamp") + 7).otherwise("timestamp").alias("timestamp"),
        pl.when(judged).then(0).otherwise("item").cast(pl.Int32).alias("item"),
    )
    known = set(prepared.rows(TRAIN, SUPPORT)["item"])
    unseen = [item for item in prepared.items["item"] if item not in known]
    assert unseen
    title = pl.when(pl.col("item").is_in(unseen)).then(pl.lit("Secret")).otherwise("title").alias("title")
    other = changed(prepared, tmp_path / "data", events, prepared.items.with_columns(title))
    again = knowledge(tiny_llama, tiny_encoder).write(other, tmp_path / "again", tmp_path, quiet)
    assert texts(again, "user").equals(texts(written, "user"))
    assert np.array_equal(np.load(again / "users.npy"), np.load(written / "users.npy"))
    assert np.array_equal(rows_seen(again), rows_seen(written))
    same = pl.Series([item in known for item in prepared.items["item"]])
    assert texts(again, "item").filter(same).equals(texts(written, "item").filter(same))


def test_a_user_without_behaviours_and_an_item_without_title_keep_their_rows(
    cold, tiny_llama, tiny_encoder, tmp_path
):
    prepared = PreparedData.load(cold)
    left_out = (pl.col("user") == 1) & pl.col("split").is_in([TRAIN, SUPPORT])
    title = pl.when(pl.col("item") == 2).then(None).otherwise("title").alias("title")
    data = changed(
        prepared, tmp_path / "data", prepared.events.filter(~left_out), prepared.items.with_columns(title)
    )
    folder = knowledge(tiny_llama, tiny_encoder).write(data, tmp_path / "knowledge", tmp_path, quiet)
    for side, row in (("user", 1), ("item", 2)):
        assert texts(folder, side).row(row)[2:] == (None, None)
        vectors = np.load(folder / f"{side}s.npy")
        assert not vectors[row].any()
        assert vectors.any(axis=1).sum() >= len(vectors) - 2
        assert read_manifest(folder, "knowledge").extra["no_knowledge"][side]["nothing_to_ask"] == 1
    assert not texts(folder, "user")["prompt"].str.contains("None").any()


def test_the_manifest_says_where_it_comes_from_and_who_is_unknown(cold, says, tiny_encoder, tmp_path):
    prepared = PreparedData.load(cold)
    silent = knowledge(says({"</s>": 100.0}), tiny_encoder)
    folder = silent.write(cold, tmp_path / "knowledge", tmp_path, quiet)
    manifest = read_manifest(folder, "knowledge")
    assert manifest.data_hash == prepared.data_hash
    assert manifest.users == prepared.n_users
    assert manifest.prompt_hash == PROMPT.hash
    assert manifest.lm is not None
    assert manifest.lm.startswith(f"{silent.lm.name}@")
    assert manifest.extra["generation"]["max_new_tokens"] == 8
    assert manifest.extra["encoder"]["name"] == str(tiny_encoder)
    assert manifest.extra["no_knowledge"] == {
        "user": {"nothing_to_ask": 0, "prompt_too_long": 0, "empty_or_echo": prepared.n_users},
        "item": {"nothing_to_ask": 0, "prompt_too_long": 0, "empty_or_echo": prepared.n_items},
    }
    assert not np.load(folder / "users.npy").any()
    data = CTRDataModule(str(cold), knowledge=str(folder))
    assert [field.size for field in data.feature_schema.fields[2:]] == [1, 1]


def test_prompts_longer_than_the_context(cold, tiny_llama, tiny_encoder, tmp_path, monkeypatch):
    """A context of 256 tokens: behaviours are dropped and not among the rows seen; titles cannot be."""
    prepared = PreparedData.load(cold)
    monkeypatch.setattr(prompts, "_RATED", "{title} {rating} " + "many words " * 10)
    monkeypatch.setattr(prompts, "_FACT", "{item} " + "word " * 300)
    folder = knowledge(tiny_llama, tiny_encoder).write(cold, tmp_path / "k", tmp_path, quiet)
    lacking = read_manifest(folder, "knowledge").extra["no_knowledge"]
    assert lacking["user"] == {"nothing_to_ask": 0, "prompt_too_long": 0, "empty_or_echo": 0}
    assert lacking["item"]["prompt_too_long"] == prepared.n_items
    told = texts(folder, "user")["prompt"].str.count_matches("(many words ){10}")
    assert told.min() >= 1
    assert told.max() < 4
    assert len(rows_seen(folder)) == told.sum()


def test_a_second_run_writes_nothing_and_gives_the_same(written, cold, tiny_llama, tiny_encoder, tmp_path):
    told = []

    def progress(stage: str, done: int, total: int) -> None:
        told.append(stage)

    again = knowledge(tiny_llama, tiny_encoder).write(cold, tmp_path / "again", written.parent, progress)
    assert set(told) == {"encode"}
    assert texts(again, "user").equals(texts(written, "user"))
    assert np.array_equal(np.load(again / "items.npy"), np.load(written / "items.npy"))


def test_an_interrupted_run_leaves_no_artifact_and_goes_on(written, cold, tiny_llama, tiny_encoder, tmp_path):
    told: list[tuple[int, int]] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 2:
            raise KeyboardInterrupt

    small = knowledge(tiny_llama, tiny_encoder, generation=Generation(max_new_tokens=8, batch_size=4))
    with pytest.raises(KeyboardInterrupt):
        small.write(cold, tmp_path / "knowledge", tmp_path, interrupt)
    assert [file.name for file in tmp_path.iterdir()] == [CACHE]
    rest: list[tuple[int, int]] = []
    folder = small.write(
        cold,
        tmp_path / "knowledge",
        tmp_path,
        lambda stage, *at: rest.append(at) if stage == "write" else None,
    )
    assert rest[0] == (4, told[0][1] - 8)
    assert texts(folder, "user").equals(texts(written, "user"))


def test_a_column_that_the_items_lack_is_refused(cold, tiny_llama, tiny_encoder, tmp_path):
    asks = knowledge(tiny_llama, tiny_encoder, prompt=replace(PROMPT, attributes=("colour",)))
    with pytest.raises(InputError, match="have no column 'colour'; use some of item_id, title"):
        asks.write(cold, tmp_path / "knowledge", tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cache_is_one_sentence(cold, tiny_llama, tiny_encoder, tmp_path):
    (tmp_path / CACHE).write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="the cache of texts is damaged"):
        knowledge(tiny_llama, tiny_encoder).write(cold, tmp_path / "knowledge", tmp_path, quiet)
