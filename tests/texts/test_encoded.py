"""Texts are encoded once, whatever catalogue they stand in."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from userip_lightning.arrays import save_array
from userip_lightning.errors import InputError
from userip_lightning.texts import encoded as module
from userip_lightning.texts.encoded import Encode, encoded_texts


class Encoder:
    """Length and first letter of a text; remembers what it was asked, and dies after ``calls``."""

    def __init__(self, calls: int = 99) -> None:
        self.asked: list[str] = []
        self.calls = calls
        self.loads = 0

    def load(self) -> Encode:
        self.loads += 1
        return self

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls -= 1
        if self.calls < 0:
            raise RuntimeError("power cut")
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def read(folder: Path, texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    return encoded_texts(folder, texts, encoder.load, "take another one")


def test_only_what_is_new_is_encoded(tmp_path: Path) -> None:
    first, second = Encoder(), Encoder()
    read(tmp_path / "a", ["bb", "a", "bb"], first)
    rows = read(tmp_path / "a", ["ccc", "bb", "d"], second)
    assert first.asked == ["a", "bb"]
    assert second.asked == ["d", "ccc"]
    assert rows.tolist() == [[3, ord("c")], [2, ord("b")], [1, ord("d")]]


def test_a_model_is_loaded_once_and_only_for_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    encoder = Encoder()
    for loads, texts in enumerate([["a", "bb", "c", "d", "ee"], ["a", "f"]], start=1):
        for _ in range(2):
            read(tmp_path, texts, encoder)
            assert encoder.loads == loads


def test_every_text_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def save(file: Path, array: NDArray[np.generic]) -> None:
        written.append(len(array))
        save_array(file, array)

    monkeypatch.setattr(module, "_CHUNK", 10)
    monkeypatch.setattr(module, "save_array", save)
    texts = [str(number) for number in range(95)]
    read(tmp_path, texts, Encoder())
    assert written == [10] * 9 + [5]
    read(tmp_path, [*texts, "later"], Encoder())
    assert written[10:] == [1]


def test_what_was_encoded_before_a_power_cut_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    texts = [letter * size for size, letter in enumerate("abcde", start=1)]
    with pytest.raises(RuntimeError, match="power cut"):
        read(tmp_path, texts, Encoder(calls=1))
    again = Encoder()
    assert read(tmp_path, texts, again)[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert again.asked == texts[2:]


def test_what_earlier_versions_kept_in_one_file_is_found(tmp_path: Path) -> None:
    key = hashlib.sha256(b"bb").hexdigest()[:32]
    kept = np.array([(key, [7, 8])], dtype=[("key", "U32"), ("row", np.float32, (2,))])
    save_array(tmp_path / "rows.npy", kept)
    encoder = Encoder()
    assert read(tmp_path, ["bb", "a"], encoder).tolist() == [[7, 8], [1, ord("a")]]
    assert encoder.asked == ["a"]


def test_a_text_without_finite_numbers_is_named_and_not_kept(tmp_path: Path) -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[np.nan if text == "bb" else 1.0, 2.0] for text in texts], dtype=np.float32)

    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 2 texts no finite numbers, the first of them 'bb'"):
            rows = encoded_texts(tmp_path, ["a", "bb"], lambda: encode, "take another one")
        assert rows[0].tolist() == [1, 2]
        assert np.isnan(rows[1]).all()
    with pytest.raises(
        InputError, match="gives no text finite numbers, tried were 1, first 'bb'; take another"
    ):
        encoded_texts(tmp_path / "other", ["bb"], lambda: encode, "take another one")
