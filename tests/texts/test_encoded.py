"""Texts are encoded once, whatever catalogue they stand in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.texts import encoded as module
from userip_lightning.texts.encoded import encoded_texts


class Encoder:
    """Length and first letter of a text; remembers what it was asked, and dies after ``calls``."""

    def __init__(self, calls: int = 99) -> None:
        self.asked: list[str] = []
        self.calls = calls

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls -= 1
        if self.calls < 0:
            raise RuntimeError("power cut")
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def test_only_what_is_new_is_encoded(tmp_path: Path) -> None:
    first, second = Encoder(), Encoder()
    encoded_texts(tmp_path / "a", ["bb", "a", "bb"], first)
    rows = encoded_texts(tmp_path / "a", ["ccc", "bb", "d"], second)
    assert first.asked == ["a", "bb"]
    assert second.asked == ["d", "ccc"]
    assert rows.tolist() == [[3, ord("c")], [2, ord("b")], [1, ord("d")]]


def test_what_was_encoded_before_a_power_cut_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    texts = [letter * size for size, letter in enumerate("abcde", start=1)]
    with pytest.raises(RuntimeError, match="power cut"):
        encoded_texts(tmp_path, texts, Encoder(calls=1))
    again = Encoder()
    assert encoded_texts(tmp_path, texts, again)[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert again.asked == texts[2:]


def test_a_text_without_finite_numbers_is_named_and_not_kept(tmp_path: Path) -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[np.nan if text == "bb" else 1.0, 2.0] for text in texts], dtype=np.float32)

    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 2 texts no finite numbers, the first of them 'bb'"):
            rows = encoded_texts(tmp_path, ["a", "bb"], encode)
        assert rows[0].tolist() == [1, 2]
        assert np.isnan(rows[1]).all()
    with pytest.raises(InputError, match="gives no text finite numbers, tried were 1, first 'bb'"):
        encoded_texts(tmp_path / "other", ["bb"], encode)
