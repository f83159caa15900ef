"""What the cache of text vectors may give back, and to whom."""

import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.catalogue.planted import planted
from userip_lightning.arrays import Floats
from userip_lightning.lm import hidden_states
from userip_lightning.lm.source import LMSource, load_plain_model
from userip_lightning.texts import encoded
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.source import Events, Joined, LearnedSource, NoText, TextSource
from userip_lightning.texts.vectors import text_vectors

TEXTS = ["Alien (1979)", "Aliens", "The Empire Strikes Back", "Toy Story"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


@dataclass(frozen=True)
class Lengths(TextSource):
    """Counts how often it was asked."""

    asked: ClassVar[list[str]] = []
    model: ClassVar[str] = "a"

    def weights(self) -> str:
        return self.model

    def vectors(self, texts: Sequence[str]) -> Floats:
        self.asked.append(self.model)
        return np.array([[float(len(text))] for text in texts])


@dataclass(frozen=True)
class Slow(LearnedSource):
    """Takes its time, and must not be in one folder twice at once."""

    begun: ClassVar[list[Path]] = []

    def learn(self, texts: Sequence[str], events: Events, work: Path) -> Floats:
        self.begun.append(work)
        (work / "half").mkdir()
        time.sleep(0.3)
        return np.arange(float(len(texts)))[:, None]


class Log:
    counts = planted(users=5).counts
    explicit = False


def test_what_was_read_is_found_until_version_or_weights_change(monkeypatch: pytest.MonkeyPatch) -> None:
    Lengths.asked.clear()
    for name, value in [("model", "a"), ("model", "b"), ("version", 2)]:
        monkeypatch.setattr(Lengths, name, value)
        for _ in range(2):
            text_vectors(Lengths(), TEXTS)
    assert Lengths.asked == ["a", "b", "b"]


def test_the_weights_of_a_joined_source_are_those_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Joined([NoText()]).weights() is None
    before = Joined([NoText(), Lengths()]).weights()
    monkeypatch.setattr(Lengths, "model", "b")
    assert before is not None
    assert Joined([NoText(), Lengths()]).weights() not in (None, before)


def test_a_class_of_the_same_name_is_another_source() -> None:
    other = type("Lengths", (Lengths,), {"__module__": "elsewhere"})
    assert other().identity() != Lengths().identity()


def test_other_weights_in_the_same_folder_are_read_anew(tiny_llama: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lm"
    shutil.copytree(tiny_llama, folder)
    source = HiddenStates(LMSource(str(folder), dtype="float32"), layer=1)
    before = text_vectors(source, TEXTS)
    assert before is not None
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.get_input_embeddings().weight *= 3
    model.save_pretrained(folder)
    after = text_vectors(source, TEXTS)
    assert after is not None
    assert not np.allclose(before, after)


def test_a_language_model_is_loaded_once_for_all_parts(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[LMSource] = []

    def load(source: LMSource) -> Any:
        loads.append(source)
        return load_plain_model(source)

    monkeypatch.setattr(encoded, "_CHUNK", 1)
    monkeypatch.setattr(hidden_states, "load_plain_model", load)
    for seen in (TEXTS, TEXTS[::-1]):  # other vectors, of texts that are there
        text_vectors(HiddenStates(LMSource(str(tiny_llama), dtype="float32"), layer=1), seen)
    assert len(loads) == 1


def test_two_that_learn_the_same_take_turns_and_the_second_finds_what_the_first_made(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Slow.begun.clear()
    found: list[Floats | None] = []
    both = [threading.Thread(target=lambda: found.append(text_vectors(Slow(), TEXTS, Log()))) for _ in "12"]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(Slow.begun) == 1
    assert [np.asarray(vectors).tolist() for vectors in found] == [[[0.0], [1.0], [2.0], [3.0]]] * 2
    assert not Slow.begun[0].exists()
    said = capsys.readouterr().err
    assert said == "Slow: what texts say is being made by another process; waiting for it.\n"


def test_a_turn_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "learn", lambda *_: 1 / 0)
    held = []  # with the frames of the first, whose lock would not end with them; the second would wait
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as error:
            text_vectors(Slow(), TEXTS, Log())
        held.append(error)
