"""The field ``item_text``: every item's own vector, whether it was trained on or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from userip_lightning.arrays import Floats
from userip_lightning.artifact import read_manifest, writing
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.data.cold_items import ColdItems
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.errors import InputError
from userip_lightning.schema import TEST, TRAIN, VAL
from userip_lightning.texts.source import BagOfWords, NoText, TextSource

_READ: list[list[str]] = []


@dataclass(frozen=True)
class Lengths(TextSource):
    """A text's number of letters and of blanks; not a number for one text, zeros for "Zeros"."""

    broken: str | None = None

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        _READ.append(list(texts))
        rows = [(np.nan if text == self.broken else len(text), text.count(" ")) for text in texts]
        vectors = np.array(rows, dtype=np.float64)
        vectors[[text == "Zeros" for text in texts]] = 0
        return vectors


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    _READ.clear()


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared folder where half of the items has no TRAIN row."""
    preparation = Preparation(Planted(users=40, rows_per_user=12), split=ColdItems())
    return preparation.run(tmp_path_factory.mktemp("cold"), lambda _: None)


def with_titles(cold: Path, folder: Path, titles: pl.Expr) -> str:
    """The same data with other titles."""
    prepared = PreparedData.load(cold)
    with writing(folder, read_manifest(cold, "prepared")) as draft:
        prepared.events.write_parquet(draft / "events.parquet")
        prepared.users.write_parquet(draft / "users.parquet")
        prepared.items.with_columns(title=titles).write_parquet(draft / "items.parquet")
    return str(folder)


def refused(prepared: str | Path, message: str, source: TextSource, columns: list[str] | None = None) -> None:
    with pytest.raises(InputError, match=message):
        CTRDataModule(str(prepared), item_text=source, item_text_columns=columns).setup("fit")


def test_without_a_source_there_is_no_field(cold: Path) -> None:
    data = CTRDataModule(str(cold))
    data.prepare_data()
    assert [field.name for field in data.feature_schema.fields] == ["user_id", "item_id"]
    assert _READ == []


def test_seen_and_unseen_items_have_their_own_standardised_vectors(cold: Path) -> None:
    prepared = PreparedData.load(cold)
    data = CTRDataModule(str(cold), item_text=Lengths(), attributes=True, batch_size=10_000)
    fields = data.feature_schema.fields
    assert [field.name for field in fields[:4]] == ["user_id", "item_id", "item_text", "user_hobby"]
    vectors = fields[2].vectors
    assert vectors is not None
    assert vectors.dtype == np.float32
    assert vectors.shape == (fields[2].size, 2) == (prepared.n_items + 1, 2)
    assert not vectors[0].any()
    raw = np.array([(len(title), title.count(" ")) for title in prepared.items["title"]])
    expected = (raw - raw.mean(axis=0)) / np.where(raw.std(axis=0) > 0, raw.std(axis=0), 1)
    item_of = dict(prepared.events.select("row_id", "item").iter_rows())
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        items = [item_of[row] for row in batch.row_id.tolist()]
        assert np.allclose(vectors[batch.fields[:, 2]], expected[items], atol=1e-5)
    (judged,) = data.test_dataloader()
    assert (judged.fields[:, 1] == 0).all()  # ids say nothing of these items
    assert (judged.fields[:, 2] > 0).all()
    assert len(set(judged.fields[:, 2].tolist())) == prepared.rows(VAL, TEST)["item"].n_unique()


def test_an_item_of_which_nothing_is_written_or_known_is_zero(cold: Path, tmp_path: Path) -> None:
    at = pl.col("item")
    titles = pl.when(at == 1).then(None).when(at == 2).then(pl.lit("  ")).when(at == 3).then(pl.lit("Zeros"))
    folder = with_titles(cold, tmp_path / "data", titles.otherwise("title"))
    data = CTRDataModule(folder, item_text=Lengths(), batch_size=10_000)
    prepared = PreparedData.load(folder)
    vectors = data.feature_schema.fields[2].vectors
    assert vectors is not None
    assert len(vectors) == prepared.n_items - 3 + 1
    assert np.allclose(vectors[1:].mean(axis=0), 0, atol=1e-5)  # blank items take no part in the scale
    item_of = dict(prepared.events.select("row_id", "item").iter_rows())
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        items = np.array([item_of[row] for row in batch.row_id.tolist()])
        assert np.array_equal(batch.fields[:, 2].numpy() == 0, np.isin(items, [1, 2, 3]))


def test_texts_are_read_once_for_all_runs_and_in_the_columns_order(cold: Path) -> None:
    columns = ["price_level", "title"]
    first = CTRDataModule(str(cold), seed=0, item_text=Lengths(), item_text_columns=columns)
    first.prepare_data()
    assert len(_READ) == 1
    second = CTRDataModule(str(cold), seed=1, item_text=Lengths(), item_text_columns=columns)
    one, two = (data.feature_schema.fields[2].vectors for data in (first, second))
    assert one is not None
    assert two is not None
    assert np.array_equal(one, two)
    assert len(_READ) == 1
    item = PreparedData.load(cold).items.row(0, named=True)
    assert _READ[0][0] == f"{item['price_level']}, {item['title']}"
    CTRDataModule(str(cold), item_text=Lengths()).setup("fit")
    assert len(_READ) == 2


def test_what_cannot_be_read_is_refused(cold: Path, tmp_path: Path) -> None:
    key = "ctr.data.item_text_columns: "
    refused(cold, key + "the items have no column 'plot'; there are item_id, title", BagOfWords(), ["plot"])
    refused(cold, key + "no columns given", BagOfWords(), [])
    refused(cold, "ctr.data.item_text: NoText gives no vectors; choose", NoText())
    item_id, title = PreparedData.load(cold).items.select("item_id", "title").row(0)
    refused(cold, f"no finite numbers for item '{item_id}' \\('{title}'\\); mend", Lengths(title))
    for number, blank in enumerate((None, " ")):
        folder = with_titles(cold, tmp_path / str(number), pl.lit(blank, dtype=pl.String))
        refused(folder, "no item has a text in title, which ctr.data.item_text should read", BagOfWords())
        CTRDataModule(folder, item_text=Lengths(), item_text_columns=["genres"]).setup("fit")
    folder = with_titles(cold, tmp_path / "rare", pl.col("item_id"))
    refused(folder, "fewer than two words occur in three of them", BagOfWords())


def test_a_source_that_knows_none_of_the_texts_is_refused(cold: Path, tmp_path: Path) -> None:
    folder = with_titles(cold, tmp_path / "data", pl.lit("Zeros"))
    refused(folder, "ctr.data.item_text: Lengths knows no word of any item in title", Lengths())


def test_only_training_rows_are_seen(cold: Path) -> None:
    data = CTRDataModule(str(cold), item_text=Lengths())
    assert set(data.rows_seen) == set(PreparedData.load(cold).rows(TRAIN)["row_id"])
