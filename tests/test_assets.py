"""Fetching with the real pip from a local folder of wheels; nothing here needs the network."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import gguf
import numpy as np
import pytest
import torch
from packaging.version import Version
from transformers import AutoModelForCausalLM, AutoTokenizer

from userip_lightning import assets
from userip_lightning.errors import InputError
from userip_lightning.progress_bars import Piece
from userip_lightning.wheel_download import Wheel

# pip draws no progress of less than 512 kB
CONTENT = {"toy/data.txt": b"user item rating\n", "toy/unwanted.txt": b"not asked for\n" * 70_000}


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """An empty folder that pip takes for the only index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wheel(index) -> Wheel:
    """A published wheel of two files, of which one is wanted."""
    file = index / "toy_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(name, content)
        archive.writestr(
            "toy_data-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-data\nVersion: 1.0\n"
        )
        archive.writestr("toy_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("toy_data-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(CONTENT["toy/data.txt"]).hexdigest()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return Wheel("toy-data", "1.0", sha256, 1, {"toy/data.txt": digest})


def test_only_the_named_files_are_unpacked_and_the_wheel_goes(wheel, tmp_path):
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert {file.name for file in folder.iterdir()} == {"data.txt", "manifest.json"}
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]
    assert not any((tmp_path / "cache" / "downloads").iterdir())


def test_a_whole_asset_is_not_fetched_again_but_a_changed_one_is(wheel, index, tmp_path):
    said: list[str] = []
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", said.append)
    assets.ensure_files(wheel, tmp_path / "cache", "toy", said.append)
    assert len(said) == 1
    (folder / "data.txt").write_bytes(b"USER item rating\n")  # same size, another byte
    assets.ensure_files(wheel, tmp_path / "cache", "toy", said.append)
    assert len(said) == 2
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]


def test_a_download_that_was_finished_or_put_there_by_hand_is_used(wheel, index, tmp_path):
    downloads = tmp_path / "cache" / "downloads"
    downloads.mkdir(parents=True)
    (index / wheel.filename).rename(downloads / wheel.filename)  # pip could not find it any more
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]


@pytest.fixture
def served(index, wheel, tmp_path, monkeypatch) -> Iterator[None]:
    """The index on loopback, as pip draws progress of what comes over a network alone."""
    pages = tmp_path / "pages"
    folder = pages / "toy-data"
    folder.mkdir(parents=True)
    (index / wheel.filename).rename(folder / wheel.filename)
    (folder / "index.html").write_text(f'<a href="{wheel.filename}">{wheel.filename}</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(pages)))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    for name, value in {"INDEX_URL": f"http://127.0.0.1:{server.server_port}", "EXTRA_INDEX_URL": ""}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    yield
    server.shutdown()


def test_a_bar_shows_the_megabytes_of_a_download(wheel, served, tmp_path, monkeypatch):
    told: list[tuple[float, float | None]] = []
    monkeypatch.setattr(Piece, "at", lambda piece, done, total=None, note="": told.append((done, total)))
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]
    if Version(version("pip")) < Version("24.1"):
        assert not told
    else:
        done, total = told[-1]
        assert done == total
        assert 0.98 < done < 0.99


def test_a_truncated_download_is_fetched_again(wheel, index, tmp_path):
    downloads = tmp_path / "cache" / "downloads"
    downloads.mkdir(parents=True)
    (downloads / wheel.filename).write_bytes((index / wheel.filename).read_bytes()[:100])
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]


def test_offline_ends_in_one_sentence_and_leaves_nothing(wheel, index, tmp_path):
    (index / wheel.filename).unlink()
    with pytest.raises(InputError, match=r"toy-data==1\.0 could not be downloaded .*go online") as caught:
        assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert "\n" not in str(caught.value)
    assert [file.name for file in (tmp_path / "cache").rglob("*")] == ["downloads"]


def test_a_wheel_of_another_hash_is_refused(wheel, index, tmp_path):
    with zipfile.ZipFile(index / wheel.filename, "a") as archive:
        archive.writestr("toy/added.txt", b"tampered")
    with pytest.raises(InputError, match="could not be downloaded"):
        assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert not (tmp_path / "cache" / "toy").exists()


def test_a_file_of_another_hash_inside_the_wheel_is_refused(wheel, tmp_path):
    wrong = Wheel(wheel.project, wheel.version, wheel.sha256, 1, {"toy/data.txt": "0" * 64})
    with pytest.raises(InputError, match=r"toy/data\.txt has another hash"):
        assets.ensure_files(wrong, tmp_path / "cache", "toy", report=print)
    assert not (tmp_path / "cache" / "toy").exists()


def test_a_cache_that_cannot_be_written_is_named(wheel, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"cannot be written .*USERIP_CACHE"):
        assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)


def test_a_killed_fetch_is_taken_up_by_the_next(wheel, index, tmp_path):
    """Killed after the download and before the files are in place; the index is gone when it is run again."""
    program = (
        "import time\n"
        "from pathlib import Path\n"
        "from userip_lightning import assets\n"
        "from userip_lightning.wheel_download import Wheel\n"
        f"wheel = {wheel!r}\n"
        "assets.zipfile.ZipFile = lambda archive: time.sleep(60)\n"
        f"assets.ensure_files(wheel, Path({str(tmp_path / 'cache')!r}), 'toy', print)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    downloaded = tmp_path / "cache" / "downloads" / wheel.filename
    deadline = time.monotonic() + 60
    while not list((tmp_path / "cache").glob(".toy.*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert downloaded.is_file()
    assert not (tmp_path / "cache" / "toy").exists()
    (index / wheel.filename).unlink()
    folder = assets.ensure_files(wheel, tmp_path / "cache", "toy", report=print)
    assert (folder / "data.txt").read_bytes() == CONTENT["toy/data.txt"]


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "mine"))
    assert assets.cache_root() == tmp_path / "mine"
    monkeypatch.delenv("USERIP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert assets.cache_root() == tmp_path / "userip"


def test_only_the_default_name_is_resolved():
    assert assets.resolve_lm("gpt2") == "gpt2"


def test_an_unknown_asset_lists_the_known_ones(tmp_path):
    with pytest.raises(
        InputError, match=r"unknown asset 'ml-1m'; .*smollm2-135m-instruct, ml-100k, all-minilm-l6-v2"
    ):
        assets.fetch(["ml-1m"], tmp_path)


@pytest.fixture
def tiny_gguf(tmp_path) -> Path:
    """A Llama of one layer and a byte-pair tokenizer, written by the gguf library."""
    width, inner, heads = 32, 64, 4
    tokens = ["<unk>", "<s>", "</s>", *"abcdefghij", "Ġ", "ab", "Ġa"]
    file = tmp_path / "tiny" / "tiny.gguf"
    file.parent.mkdir()
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges(["a b", "Ġ a"])
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    rng = np.random.default_rng(0)
    shapes = {"token_embd": (len(tokens), width), "output_norm": (width,), "output": (len(tokens), width)}
    shapes |= {f"blk.0.{name}": (width, width) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    shapes |= {f"blk.0.{name}": (inner, width) for name in ("ffn_gate", "ffn_up")}
    shapes |= {"blk.0.ffn_down": (width, inner), "blk.0.attn_norm": (width,), "blk.0.ffn_norm": (width,)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_the_converted_model_predicts_and_tokenizes_as_the_gguf_file(tiny_gguf, tmp_path):
    target = tmp_path / "plain"
    target.mkdir()
    assets.convert(tiny_gguf, target)
    where = tiny_gguf.parent
    ids = torch.tensor([[1, 3, 4, 14, 5, 2]])
    with torch.no_grad():
        before = AutoModelForCausalLM.from_pretrained(where, gguf_file=tiny_gguf.name)(ids).logits
        after = AutoModelForCausalLM.from_pretrained(target)(ids).logits
    assert torch.equal(before, after)
    tokenizers = [
        AutoTokenizer.from_pretrained(where, gguf_file=tiny_gguf.name),
        AutoTokenizer.from_pretrained(target),
    ]
    assert tokenizers[0]("ab ac").input_ids == tokenizers[1]("ab ac").input_ids
    assert len(set(tokenizers[1]("ab ac").input_ids)) > 1
    assert "quantization_config" not in (target / "config.json").read_text()
