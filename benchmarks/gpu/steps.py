"""The steps in order of value, what each fills and what it needs."""

from __future__ import annotations

from typing import NamedTuple

#: Of the package; a step that imports more names it.
BASE = ("torch", "numpy", "transformers", "lightning", "safetensors", "tokenizers")
WHOLE = (*BASE, "polars", "scipy", "sklearn", "jsonargparse", "filelock", "psutil", "threadpoolctl", "yaml")
TESTS = (*WHOLE, "pytest", "peft", "torchmetrics", "wandb", "gguf", "optuna", "matplotlib", "rich")


class Step(NamedTuple):
    """A process of its own that measures some rows of the table."""

    name: str
    module: str
    seconds: int  #             its limit
    rows: tuple[str, ...]
    packages: tuple[str, ...]
    assets: tuple[str, ...]  #  of ``lm``, ``ml100k``, ``games``; without one the step is skipped


STEPS = (
    Step(
        "tests",
        "benchmarks.gpu.cuda_tests",
        90,
        (
            "per-user engine on CUDA",
            "catalogue engine on CUDA",
            "likelihood prior on CUDA",
            "quantize on CUDA",
            "CTR on CUDA",
        ),
        TESTS,
        (),
    ),
    Step(
        "games",
        "benchmarks.gpu.games",
        165,
        (
            "hidden states of all titles",
            "soft tokens, 200 steps",
            "likelihood table, all titles × 12",
            "codes without text",
            "codes from hidden states",
            "codes from the likelihood",
        ),
        WHOLE,
        ("lm", "games"),
    ),
    Step(
        "catalogue",
        "benchmarks.gpu.catalogue",
        95,
        (
            "7B: matrix rate in bfloat16",
            "7B: table forward",
            "7B: table forward and backward",
            "7B: largest batch of titles",
            "7B: table of 16,859 titles × 12",
        ),
        (*BASE, "psutil"),
        (),
    ),
    Step(
        "per_user",
        "benchmarks.gpu.per_user",
        95,
        (
            "7B: a step of soft tokens",
            "7B: largest batch of users",
            "MovieLens-100K, an epoch of all users",
            "MovieLens-100K, held-out nats",
        ),
        WHOLE,
        (),
    ),
    Step(
        "ctr",
        "benchmarks.gpu.ctr",
        85,
        (
            "DCN, batch 8,192",
            "DCN, batch 65,536",
            "step at 10,000 users",
            "step at 10,000,000 users",
        ),
        WHOLE,
        (),
    ),
    Step(
        "compiled",
        "benchmarks.gpu.compiled",
        60,
        (
            "language model, forward",
            "DCN step, batch 8,192",
            "language model, forward and backward",
        ),
        (*BASE, "psutil"),
        (),
    ),
)
