"""The per-user engine: soft tokens under a model of the shape of Llama-2-7B, and MovieLens-100K in full."""

from __future__ import annotations

import numpy as np
import torch
from engine_run import fit
from lightning.pytorch import Trainer
from matrix_rate import matrix_rate
from numpy.typing import NDArray

from benchmarks.gpu.assets import SAID
from benchmarks.gpu.child import Child, start
from benchmarks.gpu.random_lm import Step, grow, llama, measured, random_backbone
from benchmarks.gpu.titles import CATALOGUE, catalogue_tokens, tokenizer_for
from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.lm.prompt import DEFAULT_PROMPT, build_prefix
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.prompt_bodies import BodyWriter, Drawn
from userip_lightning.profile.steps import padded_width

_BEHAVIOURS, _GROWING = 8, 35
_EPOCH, _HELD_OUT = "MovieLens-100K, an epoch of all users", "MovieLens-100K, held-out nats"


def measure(child: Child) -> None:
    """All rows of the step."""
    with child.part("7B: a step of soft tokens"):
        _seven_billion(child)
    if child.assets.lm is None or child.assets.ml100k is None:
        for row in (_EPOCH, _HELD_OUT):
            child.refuse(row, f"{SAID['lm']} or {SAID['ml100k']} not at hand")
        return
    with child.part(_EPOCH):
        _movielens(child)


def _seven_billion(child: Child) -> None:
    """Steps of Adam on the soft tokens of users with eight behaviours each."""
    config = llama(child.dry)
    backbone = random_backbone(config, child)
    tokenizer = tokenizer_for(child.assets, config.vocab_size)
    items, _ = catalogue_tokens(child.assets, tokenizer, config.vocab_size, 40 if child.dry else CATALOGUE)
    likelihood = PromptLikelihood(backbone, build_prefix(DEFAULT_PROMPT, tokenizer), independent=True)
    likelihood.to(child.device)
    writer = BodyWriter(DEFAULT_PROMPT, tokenizer)
    soft = (len(DEFAULT_PROMPT.profiles), DEFAULT_PROMPT.soft_tokens)
    rate = matrix_rate(backbone.model, places=64 if child.dry else 8192)

    def build(size: int) -> Step:
        rng, users = np.random.default_rng(0), np.arange(size)
        user = np.repeat(users, _BEHAVIOURS)
        group = np.tile(np.arange(_BEHAVIOURS) * 2 // _BEHAVIOURS, size)  # half liked, half disliked
        drawn = Drawn(user, group, rng.integers(len(items.offset) - 1, size=user.size))
        bodies = writer.write(drawn, items, size)
        columns = bodies.rows(users, padded_width(int(bodies.length.max())))
        batch = _on(child, users, columns)
        z = torch.randn((size, *soft, config.hidden_size), device=child.device).mul_(0.02).requires_grad_()
        optimizer = torch.optim.Adam([z], lr=0.01)

        def work() -> None:
            optimizer.zero_grad()
            likelihood(z, batch).per_token.sum().backward()
            optimizer.step()

        places = int(columns["valid"].sum()) + size * soft[0] * soft[1]
        width = columns["ids"].shape[1] + soft[0] * soft[1]
        return Step(work, size, width, places, int(columns["target"].sum()))

    best = grow(
        child,
        "7B: largest batch of users",
        config,
        build,
        lambda step: measured(child, backbone.model, step, rate, learns=True),
        numbers=soft[0] * soft[1] * config.hidden_size,
        most=16 if child.dry else 4096,
        seconds=_GROWING,
    )
    child.tell("7B: a step of soft tokens", **best)


def _on(
    child: Child, users: NDArray[np.int64], columns: dict[str, NDArray[np.int64] | NDArray[np.bool_]]
) -> ProfileBatch:
    """Bodies on the device, without rows for a prior."""
    tensors = {name: torch.from_numpy(values).to(child.device) for name, values in columns.items()}
    nothing = torch.empty(0, dtype=torch.long)
    rows = RecBatch(nothing, nothing, nothing.float())
    return ProfileBatch(user=torch.from_numpy(users).to(child.device), rows=rows, **tensors)


def _movielens(child: Child) -> None:
    """All users, one epoch with the defaults, then held-out nats under own, another's and no z."""
    users = {"max_users": 12, "k_core": 1} if child.dry else {}
    source = MovieLens100K(str(child.assets.ml100k))
    prepared = Preparation(source, **users).run(child.folder / "prepared", lambda _: None)
    module = ProfileModule(LMSource(str(child.assets.lm)))
    size = 8 if child.dry else None  # as many as the planner says
    data = ProfileDataModule(str(prepared), batch_size=size, allow_missing_text=True, eval_users=943)
    child.reset_peak()
    clock = fit(module, data, child.folder, accelerator=child.accelerator)
    figures = {"users": sum(map(len, clock.users)), "users a step": data.batch_size, "s": clock.wall}
    speed = {"target tokens/s": clock.targets / clock.wall, "tokens/s": clock.places / clock.wall}
    child.tell(_EPOCH, **figures, **speed, **child.peak(), **{"planned GB": module.plan.total / 1e9})
    with child.part(_HELD_OUT):
        tester = Trainer(
            accelerator=child.accelerator,
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=child.folder,
        )
        tester.test(module, data, verbose=False)
        child.tell(_HELD_OUT, **module.held_out.means(), users=len(module.held_out.own))


if __name__ == "__main__":
    start(measure)
