"""Stage 1 on a CUDA device: a model of the shape of Llama-2-7B, and MovieLens-100K in full."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from engine_data import read
from engine_run import fit
from lightning.pytorch import Trainer
from matrix_rate import floor_flops, matrix_rate
from rich.table import Table
from transformers import AutoModelForCausalLM, LlamaConfig

from userip_lightning.batches import RecBatch
from userip_lightning.data.behaviours import Behaviours, encode_items, item_texts
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.profile_datamodule import ProfileDataModule
from userip_lightning.data.profile_steps import BodySource
from userip_lightning.profile import attention
from userip_lightning.profile.backbone import FrozenBackbone, LMSource, load_tokenizer
from userip_lightning.profile.body import BodyWriter, Ints
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.prompt import DEFAULT_PROMPT, build_prefix
from userip_lightning.schema import TRAIN

LLAMA_2_7B = LlamaConfig(
    vocab_size=32_000,
    hidden_size=4096,
    intermediate_size=11_008,
    num_hidden_layers=32,
    num_attention_heads=32,
    max_position_embeddings=4096,
)
DEVICE = "cuda"
BEHAVIOURS, STEPS = 8, 5
NO_ROWS = RecBatch(torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long), torch.empty(0))


class Folded:
    """The default LM's tokenizer with its ids folded into another vocabulary: real lengths, random words."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self.tokenizer, self.vocabulary, self.bos_token_id = tokenizer, vocabulary, 1

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        ids = self.tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"]
        return {"input_ids": [number % self.vocabulary for number in ids]}


class Measured(NamedTuple):
    """Of steps at one batch size."""

    seconds: float  # of a step
    targets: int
    places: int  #    without padding
    peak: int  #      bytes


class RandomLM:
    """A frozen LM of random weights in bfloat16, and users of MovieLens-100K to step through."""

    def __init__(self, config: LlamaConfig, lm: LMSource, prepared: Path) -> None:
        with torch.device(DEVICE):
            self.model = AutoModelForCausalLM.from_config(
                config, dtype=torch.bfloat16, attn_implementation=attention.NAME
            )
        tokenizer = Folded(load_tokenizer(lm), config.vocab_size)
        prefix = build_prefix(DEFAULT_PROMPT, tokenizer)
        self.likelihood = PromptLikelihood(FrozenBackbone(self.model), prefix, independent=True).to(DEVICE)
        data = PreparedData.load(prepared)
        items = encode_items(item_texts(data, DEFAULT_PROMPT, allow_missing=True), DEFAULT_PROMPT, tokenizer)
        behaviours = Behaviours.collect(data.rows(TRAIN), items, data.n_users, grouped=True)
        writer = BodyWriter(DEFAULT_PROMPT, tokenizer)
        self.source = BodySource(behaviours, items, writer, lambda users: NO_ROWS)
        self.users = data.n_users

    def steps(self, size: int) -> Measured:
        """Some steps of Adam on the soft tokens of ``size`` users; the first does not count."""
        users: Ints = np.resize(np.random.default_rng(0).permutation(self.users), size)
        bodies = self.source.draw(np.sort(users), BEHAVIOURS, np.random.default_rng(0))
        batch = self.source.batch(np.sort(users), bodies, np.arange(size))
        batch = batch._replace(rows=NO_ROWS, **{n: getattr(batch, n).to(DEVICE) for n in batch._fields[:-1]})
        shape = (
            size,
            len(DEFAULT_PROMPT.profiles),
            DEFAULT_PROMPT.soft_tokens,
            self.model.config.hidden_size,
        )
        z = torch.randn(shape, device=DEVICE).mul_(0.02).requires_grad_()
        optimizer = torch.optim.Adam([z], lr=0.01)
        torch.cuda.reset_peak_memory_stats()
        for step in range(STEPS + 1):
            if step == 1:
                torch.cuda.synchronize()
                start = time.perf_counter()
            optimizer.zero_grad()
            self.likelihood(z, batch).per_token.sum().backward()
            optimizer.step()
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - start) / STEPS
        places = int(batch.valid.sum()) + z[..., 0].numel()
        return Measured(seconds, int(batch.target.sum()), places, torch.cuda.max_memory_allocated())


def gpu_tables(lm: LMSource, folder: Path, config: LlamaConfig = LLAMA_2_7B) -> list[Table]:
    """Throughput by batch size up to what fits, and held-out nats after an epoch; or why there is none."""
    if not torch.cuda.is_available():
        table = Table("GPU")
        table.add_row("not run: no CUDA device here")
        return [table]
    prepared = read(folder, DEFAULT_PROMPT, print).prepared
    return [_seven_billion(config, lm, prepared), _movielens(lm, prepared, folder)]


def _seven_billion(config: LlamaConfig, lm: LMSource, prepared: Path) -> Table:
    random = RandomLM(config, lm, prepared)
    rate = matrix_rate(random.model, places=4096)
    weights = sum(weight.numel() for weight in random.model.parameters()) / 1e9
    title = f"{weights:.1f} billion random weights in bfloat16, {rate / 1e12:.0f} TFLOP/s of its matrices"
    table = Table("users per step", "target tokens/s", "floor / time", "peak memory", title=title)
    size = 8
    while True:
        try:
            own = random.steps(size)
        except torch.cuda.OutOfMemoryError:
            table.add_row(str(size), "does not fit", "", "")
            return table
        share = floor_flops(random.model, own.places, own.targets) / rate / own.seconds
        row = (f"{own.targets / own.seconds:,.0f}", f"{share:.0%}", f"{own.peak / 1e9:.1f} GB")
        table.add_row(str(size), *row)
        size *= 2


def _movielens(lm: LMSource, prepared: Path, folder: Path) -> Table:
    """All users, one epoch with the defaults, then held-out nats under own, another's and no z."""
    module = ProfileModule(lm)
    data = ProfileDataModule(str(prepared), allow_missing_text=True)
    clock = fit(module, data, folder, accelerator="gpu")
    tester = Trainer(accelerator="gpu", devices=1, logger=False, enable_progress_bar=False)
    tester.test(module, data, verbose=False)
    table = Table(
        "users", "seconds", "target tokens/s", "own", "other", "none", title="MovieLens-100K in full"
    )
    speed = (f"{clock.wall:.1f}", f"{clock.targets / clock.wall:,.0f}")
    nats = (f"{np.mean(values):.4f}" for values in module.held_out)
    table.add_row(str(sum(map(len, clock.users))), *speed, *nats)
    return table
