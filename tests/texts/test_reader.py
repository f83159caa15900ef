"""Readers give later texts the vectors that a fit would have given them."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.reader import EncodedReader, TextReader, packed, read_all, unpacked
from userip_lightning.texts.source import BagOfWords, Joined, LearnedSource, NoText, TextSource
from userip_lightning.texts.vectors import fitted_texts

WORDS = ["Space", "wars", "l'été", "ÇA", "3d", "x", "hero_2", "İstanbul", "straße", "O'Neil", "été", "№5"]
LATER = [
    "SPACE wars wars",
    "nothing known",
    "",
    "été; L'ÉTÉ straße-hero_2 STRASSE",
    "x 3D 3d O'Neil İSTANBUL",
]


def texts(count: int = 300) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 7))) for _ in range(count)]


def again(readers: Sequence[TextReader] | None) -> list[TextReader]:
    """Through JSON and arrays."""
    assert readers is not None
    told, arrays = packed(readers)
    return unpacked(json.loads(json.dumps(told)), arrays.__getitem__)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_words_are_read_as_scikit_learn_reads_them() -> None:
    known = texts()
    vectorizer = TfidfVectorizer(min_df=3, sublinear_tf=True)
    leading = TruncatedSVD(6, random_state=0)
    own = leading.fit_transform(vectorizer.fit_transform(known))
    wanted = leading.transform(vectorizer.transform(LATER))
    vectors, readers = BagOfWords(6).fit(known)
    assert np.array_equal(vectors, own)  # of the catalogue: to the bit
    np.testing.assert_allclose(read_all(again(readers), known), own, atol=1e-9)
    np.testing.assert_allclose(read_all(again(readers), LATER), wanted, atol=1e-9)
    assert wanted[0].any()
    assert not wanted[1].any()
    assert not wanted[2].any()


@pytest.mark.parametrize("count", [7, 100])
def test_later_texts_stand_in_the_space_of_the_catalogue(tiny_llama: Path, count: int) -> None:
    source = HiddenStates(LMSource(str(tiny_llama), dtype="float32"), layer=1)
    known = texts(count)
    vectors, readers = fitted_texts(source, known)
    assert vectors is not None
    np.testing.assert_allclose(read_all(again(readers), known), vectors, atol=1e-5)
    one = read_all(again(readers), LATER)
    np.testing.assert_allclose(read_all(again(readers), LATER[::-1]), one[::-1], atol=1e-5)


def test_parts_of_a_joined_source_are_read_side_by_side() -> None:
    source = Joined([BagOfWords(3), NoText(), BagOfWords(5)])
    vectors, readers = fitted_texts(source, texts())
    assert vectors is not None
    assert vectors.shape[1] == 8
    np.testing.assert_allclose(read_all(again(readers), texts()), vectors, atol=1e-9)
    assert read_all(again(NoText().fit(LATER).readers), LATER).shape == (len(LATER), 0)


def test_readers_come_from_the_cache_too(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fitted_texts(BagOfWords(5), texts())
    monkeypatch.setattr(BagOfWords, "fit", lambda self, texts: pytest.fail("read again"))
    second = fitted_texts(BagOfWords(5), texts())
    assert first.readers is not None
    assert second.readers is not None
    assert np.array_equal(read_all(first.readers, LATER), read_all(second.readers, LATER))


class Own(TextSource):
    """Of somebody who knows of no readers."""

    def vectors(self, texts):
        return np.ones((len(texts), 2))


class Learned(LearnedSource):
    def learn(self, texts, events, work):
        return np.ones((len(texts), 2))


class Log:
    class counts:
        shape = (1, 1)
        indptr = indices = data = np.zeros(1)

    explicit = False


def test_a_source_that_keeps_nothing_has_no_readers_alone_or_joined() -> None:
    for source in (Own(), Learned()):
        for _ in range(2):  # from the cache as well
            assert fitted_texts(source, texts(), Log()).readers is None
        assert fitted_texts(Joined([BagOfWords(3), source]), texts(), Log()).readers is None


def encoded(tiny_llama: Path) -> EncodedReader:
    readers = HiddenStates(LMSource(str(tiny_llama), dtype="float32"), layer=1).fit(texts(9)).readers
    (found,) = again(readers)
    assert isinstance(found, EncodedReader)
    return found


def test_other_weights_another_version_and_what_is_no_source_are_refused(tiny_llama: Path) -> None:
    reader = encoded(tiny_llama)
    wrong = {
        "other weights": replace(reader, weights="0"),
        "another version": replace(reader, source={**reader.source, "version": 1}),
        "cannot be made here": replace(reader, source={"class": "pathlib.Path"}),
    }
    for message, broken in wrong.items():
        with pytest.raises(InputError, match=message):
            broken.read(LATER)


def test_texts_are_read_elsewhere_with_the_type_of_weights_of_the_fit(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(dtype: torch.dtype) -> None:
        for module in ("source", "identity"):
            monkeypatch.setattr(f"userip_lightning.lm.{module}.resolve_dtype", resolved(dtype))

    here(torch.bfloat16)
    states = HiddenStates(LMSource(str(tiny_llama)), layer=1)
    vectors, _ = fitted_texts(states, texts(9))
    readers = again(fitted_texts(states, texts(9)).readers)  # from the cache
    here(torch.float32)
    assert vectors is not None
    np.testing.assert_allclose(read_all(readers, texts(9)), vectors, atol=1e-6)
    (reader,) = readers
    assert isinstance(reader, EncodedReader)
    with pytest.raises(InputError, match="other weights"):
        replace(reader, source=states.identity()).read(LATER)  # of earlier banks


def test_readers_that_earlier_versions_cached_are_made_again(tiny_llama: Path, cache: Path) -> None:
    states = HiddenStates(LMSource(str(tiny_llama), dtype="float32"), layer=1)
    fitted_texts(states, texts(9))
    (file,) = cache.glob("text/*.npz")
    file.rename(file.with_name(f"{file.name.partition('.')[0]}.readers.npz"))
    fitted_texts(states, texts(9))
    assert file.is_file()


def resolved(auto: torch.dtype) -> Callable[[str], torch.dtype]:
    """``resolve_dtype`` on a machine where ``auto`` is this one."""
    return lambda name: auto if name == "auto" else getattr(torch, name)


def test_a_class_of_other_packages_is_not_imported_where_files_are_not_trusted(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERIP_SAFE", "1")
    reader = encoded(tiny_llama)
    assert len(reader.read(LATER)) == len(LATER)
    with pytest.raises(InputError, match=r"pathlib\.Path: .* it was not imported"):
        replace(reader, source={"class": "pathlib.Path"}).read(LATER)


def test_words_are_read_without_torch_scipy_or_scikit_learn(tmp_path: Path) -> None:
    told, arrays = packed(BagOfWords(4).fit(texts()).readers or [])
    np.savez(tmp_path / "kept.npz", told=np.array(json.dumps(told)), **arrays)
    program = (
        "import json, sys, numpy as np\n"
        "from userip_lightning.texts.reader import read_all, unpacked\n"
        f"kept = np.load({str(tmp_path / 'kept.npz')!r})\n"
        "readers = unpacked(json.loads(str(kept['told'])), kept.__getitem__)\n"
        "assert read_all(readers, ['space wars']).any()\n"
        "print(*sorted({'torch', 'scipy', 'sklearn', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
