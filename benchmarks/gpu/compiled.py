"""torch.compile and CUDA graphs on fixed shapes: what a step gains, and what compiling costs.

The language model has six blocks of the default one's thirty, since compiling takes its time for each, and
random weights; 12 rows, as the catalogue engine has them. A CUDA graph is captured by hand of what is not
compiled; ``reduce-overhead`` is torch's way to both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.gpu.child import Child, driver_failed, start, told
from benchmarks.gpu.random_lm import llama
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.lm import attention
from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.mask import additive
from userip_lightning.schema import FeatureSchema, Field

#: Of SmolLM2-135M, but for its 30 blocks.
_SMALL = LlamaConfig(
    vocab_size=49_152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=6,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=8192,
    tie_word_embeddings=True,
)
_MODES = ("default", "reduce-overhead")


def measure(child: Child) -> None:
    """All rows of the step."""
    with child.part("language model, forward"):
        _language_model(child, "language model, forward", learns=False)
    with child.part("DCN step, batch 8,192"):
        _network(child)
    with child.part("language model, forward and backward"):
        _language_model(child, "language model, forward and backward", learns=True)


def _language_model(child: Child, row: str, learns: bool) -> None:
    config, tokens = (llama(True), 24) if child.dry else (_SMALL, 224)
    torch.manual_seed(0)
    with child.device:
        make: Any = AutoModelForCausalLM.from_config  # transformers lacks the type
        backbone = FrozenBackbone(make(config, dtype=torch.bfloat16, attn_implementation=attention.NAME))
        inputs = torch.randn(12, tokens, config.hidden_size, dtype=torch.bfloat16).requires_grad_(learns)
        seen = torch.ones(tokens, tokens, dtype=torch.bool).tril().expand(12, tokens, tokens)
        position = torch.arange(tokens).expand(12, tokens)
    mask = additive(seen, torch.bfloat16)

    def build(hidden: Callable[..., Tensor]) -> Callable[[], None]:
        def work() -> None:
            if not learns:
                with torch.no_grad():
                    hidden(inputs, mask, position)
                return
            inputs.grad = None
            hidden(inputs, mask, position).sum().backward()

        return work

    child.tell(row, **_ways(child, backbone.hidden, build, () if child.dry else _MODES))


def _network(child: Child) -> None:
    torch.manual_seed(0)
    network = DCN(FeatureSchema((Field("user_id", 10_000), Field("item_id", 10_000)))).to(child.device)
    # what a graph replays has to read its step count on the device
    optimizer = torch.optim.Adam(network.parameters(), fused=True, capturable=child.device.type == "cuda")
    size = 64 if child.dry else 8_192
    fields = torch.randint(10_000, (size, 2), device=child.device)
    label = torch.randint(2, (size,), device=child.device).float()

    def build(forward: Callable[..., Tensor]) -> Callable[[], None]:
        def work() -> None:
            optimizer.zero_grad(set_to_none=True)
            F.binary_cross_entropy_with_logits(forward(fields), label).backward()
            optimizer.step()

        return work

    modes = _MODES[:1] if child.dry else _MODES
    child.tell("DCN step, batch 8,192", **_ways(child, network, build, modes))


def _ways(
    child: Child,
    function: Callable[..., Tensor],
    build: Callable[[Callable[..., Tensor]], Callable[[], None]],
    modes: Sequence[str],
) -> dict[str, float | str]:
    """Milliseconds of a step in every way, and seconds until the first compiled one was done."""
    rounds = 2 if child.dry else 30
    found: dict[str, float | str] = {"as it is, ms": 1e3 * child.seconds_of(build(function), rounds)}
    if child.device.type == "cuda":
        found["CUDA graph, ms"] = _tried(lambda: 1e3 * child.seconds_of(_captured(build(function)), rounds))
    for mode in modes:
        torch.compiler.reset()
        kind = {"backend": "eager"} if child.dry else {"mode": mode}
        work = build(torch.compile(function, dynamic=False, **kind))
        begun = time.perf_counter()
        failed = _tried(work)
        child.synchronise()
        seconds = time.perf_counter() - begun
        if failed is not None:
            found[f"{mode}, ms"] = failed
            continue
        found |= {f"{mode}, ms": 1e3 * child.seconds_of(work, rounds), f"{mode}, s to compile": seconds}
    return found


def _captured(work: Callable[[], None]) -> Callable[[], None]:
    """The work as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _tried(work: Callable[[], Any]) -> Any:
    """What it returns, or why it failed, as a figure."""
    try:
        return work()
    except Exception as error:  # a compiler may fail in any way
        if driver_failed(error) and "captur" not in str(error):
            raise
        return f"failed ({told(error)})"


if __name__ == "__main__":
    start(measure)
