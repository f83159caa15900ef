"""The catalogue engine's table under a model of the shape of Llama-2-7B: items × 12 combinations of codes."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from matrix_rate import matrix_rate

from benchmarks.gpu.child import Child, start
from benchmarks.gpu.random_lm import Step, grow, llama, measured, random_backbone
from benchmarks.gpu.titles import CATALOGUE, catalogue_tokens, tokenizer_for
from userip_lightning.catalogue.title_scores import TitleScores
from userip_lightning.lm.prompt import DEFAULT_PROMPT

_COMBINATIONS = 12
_GROWING, _TABLE = 45, 25  # seconds


def measure(child: Child) -> None:
    """All rows of the step."""
    config = llama(child.dry)
    backbone = random_backbone(config, child)
    prompt = replace(DEFAULT_PROMPT, disliked=None)
    tokenizer = tokenizer_for(child.assets, config.vocab_size)
    count = 40 if child.dry else CATALOGUE
    tokens, origin = catalogue_tokens(child.assets, tokenizer, config.vocab_size, count)
    count = len(tokens.offset) - 1
    scores = TitleScores(backbone, tokenizer, prompt, tokens).to(child.device)
    shape = (_COMBINATIONS, len(prompt.profiles), prompt.soft_tokens, config.hidden_size)
    z = torch.randn(shape, device=child.device).mul_(0.02).requires_grad_()
    rate = matrix_rate(backbone.model, places=64 if child.dry else 8192)
    weights = sum(weight.numel() for weight in backbone.model.parameters())
    child.tell("7B: matrix rate in bfloat16", **{"TFLOP/s": rate / 1e12, "weights": weights, "of": origin})

    def build(size: int, learns: bool = True) -> Step:
        items = list(range(min(size, count)))
        batch = scores._batch(items, torch.device("cpu"))
        soft = len(prompt.profiles) * prompt.soft_tokens
        places = _COMBINATIONS * (int(batch.valid.sum()) + soft)
        targets = _COMBINATIONS * int(batch.target.sum())

        def forward() -> None:
            with torch.no_grad():
                scores(z, items)

        def both() -> None:
            z.grad = None
            scores(z, items).sum().backward()

        return Step(both if learns else forward, _COMBINATIONS, batch.ids.shape[1] + soft, places, targets)

    size = 8
    with child.part("7B: table forward and backward"):
        most = 16 if child.dry else 1024
        best = grow(
            child,
            "7B: largest batch of titles",
            config,
            build,
            lambda step: measured(child, backbone.model, step, rate, learns=True),
            numbers=z[0].numel(),
            most=most,
            seconds=_GROWING,
        )
        size = int(best["size"])
        child.tell("7B: table forward and backward", **best)
    with child.part("7B: table forward"):
        step = build(size, learns=False)
        found = measured(child, backbone.model, step, rate, learns=False)
        child.tell("7B: table forward", size=size, **found)
    with child.part("7B: table of 16,859 titles × 12"):
        _table(child, scores, z.detach(), size, count)


def _table(child: Child, scores: TitleScores, z: torch.Tensor, size: int, count: int) -> None:
    """Titles in order until they or the time is up."""
    child.synchronise()
    begun, done = time.perf_counter(), 0
    with torch.no_grad():
        while done < count and time.perf_counter() - begun < _TABLE and child.left > 5:
            scores(z, range(done, min(done + size, count))).cpu()  # waits, as the engine does
            done = min(done + size, count)
    seconds = time.perf_counter() - begun
    figures = {"titles": done, "s": seconds, "titles × 12 a second": done * _COMBINATIONS / seconds}
    if done < count:
        figures["s for all, extrapolated"] = seconds * count / done
    child.tell("7B: table of 16,859 titles × 12", **figures)


if __name__ == "__main__":
    start(measure)
