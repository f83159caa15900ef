"""Rows of items that nobody had: what the artifact keeps says of their texts what the table says of them."""

from pathlib import Path

import numpy as np
import pytest

from tests.catalogue.seen_and_unseen import UNSEEN, fitted, unseen_log
from userip_lightning.arrays import Floats
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.new_item_files import NEW_ITEMS
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.texts.reader import read_all, unpacked
from userip_lightning.texts.source import BagOfWords, Joined, NoText

STEP = 2.0**-16  # of exported figures


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))


def exported(module: CatalogueModule, folder: Path) -> tuple[UnseenItems, Floats]:
    """What the bank keeps, and the vectors that it gives the texts of the unseen items."""
    bank = FeatureBank.open(module.export(folder / "bank"))
    readers = unpacked(
        bank.manifest.extra[NEW_ITEMS]["readers"], lambda name: np.load(bank.path / f"{name}.npy")
    )
    unseen = UnseenItems(*(np.load(bank.path / f"prior_{name}.npy") for name in UnseenItems._fields))
    return unseen, read_all(readers, list(UNSEEN.values()))


def rows_of_unseen(module: CatalogueModule) -> list[int]:
    return [module.data.item_ids.tolist().index(item) for item in UNSEEN]


@pytest.mark.parametrize("text", [BagOfWords(4), NoText(), Joined([BagOfWords(3), BagOfWords(2)])])
def test_an_item_is_what_its_text_says_where_nobody_had_it(tmp_path: Path, text) -> None:
    module = fitted(unseen_log(tmp_path, explicit=False), tmp_path, text)
    unseen, vectors = exported(module, tmp_path)
    there = module.table.evidence[rows_of_unseen(module)]
    np.testing.assert_allclose(unseen.items(vectors), there, atol=STEP, rtol=0)
    apart = np.abs(there[0] - there[1]).max()
    assert apart > 0.5 if text.reads == "words" else apart == 0.0


def test_labels_are_what_the_text_says_where_nobody_had_the_item(tmp_path: Path) -> None:
    module = fitted(unseen_log(tmp_path, explicit=True), tmp_path)
    unseen, vectors = exported(module, tmp_path)
    rows, items = rows_of_unseen(module), len(module.data.item_ids)
    disliked, liked = unseen.labelled(vectors)
    table = module.table.evidence
    np.testing.assert_allclose(disliked, table[rows], atol=STEP, rtol=0)
    np.testing.assert_allclose(liked, table[np.add(rows, items)], atol=STEP, rtol=0)
    assert np.ptp(liked[0]) > 0.1  # or classes would be alike, and any order of them right


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("kind", ["items", "labelled"])
def test_an_m_step_leaves_an_item_without_events_what_its_text_says(kind: str, text: bool) -> None:
    """Counts of any kind, several steps, the last items unmet."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(3, 2, (30, 4)) if text else None
    counts = rng.gamma(0.3, 30, (30, 6)) * rng.gamma(1, 1, 6)
    counts[-3:] = 0
    users, read = rng.gamma(2, 50, 6), np.zeros((30, 0)) if vectors is None else vectors
    explicit = kind == "labelled"
    model = event_model(explicit, vectors, 6)
    given = np.concatenate([counts, counts[::-1] * (np.arange(30) < 27)[:, None]]) if explicit else counts
    for _ in range(5):
        found = model.table(given, users)
    unseen = model.unseen(vectors, found.log_share)
    rows = np.hstack(unseen.labelled(read)) if explicit else unseen.items(read)
    wanted = np.hstack(np.split(found.evidence, 2)) if explicit else found.evidence
    np.testing.assert_allclose(rows[-3:], wanted[-3:], atol=1e-6)
    assert np.ptp(wanted[-3:], axis=0).max() > 0.05 or not text
    assert np.ptp(wanted[-1]) > 0.05


@pytest.mark.parametrize("text", [BagOfWords(4), NoText()])
def test_rows_of_additive_codebooks_are_those_of_their_classes(tmp_path: Path, text) -> None:
    module = fitted(unseen_log(tmp_path, explicit=False), tmp_path, text, "additive")
    unseen, vectors = exported(module, tmp_path)
    wanted = module.table.evidence[rows_of_unseen(module)]
    np.testing.assert_allclose(unseen.items(vectors), wanted, atol=STEP, rtol=0)


def test_what_is_kept_is_the_same_after_a_resume(tmp_path: Path) -> None:
    for codebooks in ("joint", "additive"):
        module = fitted(unseen_log(tmp_path, explicit=False), tmp_path, codebooks=codebooks)
        other = fitted(unseen_log(tmp_path, explicit=False), tmp_path, codebooks=codebooks)
        other.search.best.model.alone = None  # type: ignore[assignment]  # as before the first step
        other.search.load(module.search.state())
        first, second = exported(module, tmp_path)[0], exported(other, tmp_path)[0]
        assert all(np.array_equal(*both) for both in zip(first, second, strict=True))
