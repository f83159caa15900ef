"""Shares of a step's time by kind of work, from torch's profiler on the CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from plain_loop import DATA
from torch.profiler import ProfilerActivity, profile

KINDS = ("matrices", "logits and loss", "attention", "elementwise", "data", "optimizer", "rest")
_MATRICES = ("aten::mm", "aten::addmm", "aten::mkldnn", "mkldnn::", "aten::_addmm_activation", "aten::linear")
_ATTENTION = ("aten::_scaled_dot", "aten::_softmax", "aten::softmax", "aten::bmm", "aten::baddbmm")
_LOOKUP = ("aten::embedding", "aten::index_select", "aten::index")
_LOSS = ("aten::_log_softmax", "aten::nll_loss", "aten::logsumexp", "aten::cross_entropy")


def shares(work: Callable[[], object], vocabulary: int) -> dict[str, float]:
    """Share of every kind in the time that the profiler attributes; ``rest`` is Python outside of it.

    Args:
        work: is called once under the profiler.
        vocabulary: V, which tells the products of the vocabulary from others.
    """
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as recorded:
        work()
    events = [event for event in recorded.events() if event.self_cpu_time_total > 0]
    spent: Counter[str] = Counter()
    for event in events:
        spent[_kind(event, vocabulary)] += event.self_cpu_time_total
    wall = max(e.time_range.end for e in events) - min(e.time_range.start for e in events)
    spent["rest"] = max(0.0, wall - sum(spent.values()))
    return {kind: spent[kind] / sum(spent.values()) for kind in KINDS}


def _kind(event: Any, vocabulary: int) -> str:
    line = event
    while line is not None:
        if line.name.startswith("Optimizer."):
            return "optimizer"
        if line.name == DATA or "DataLoader" in line.name:
            return "data"
        line = line.cpu_parent
    if event.name.startswith(_LOSS) or (
        not event.name.startswith(_LOOKUP) and any(vocabulary in (s or []) for s in event.input_shapes)
    ):
        return "logits and loss"
    if event.name.startswith(_MATRICES):
        return "matrices"
    return "attention" if event.name.startswith(_ATTENTION) else "elementwise"
