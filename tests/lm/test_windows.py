"""Windows of attention in the mask: by position, per kind of layer, and only where a row outgrows them."""

import torch
from transformers import Gemma3TextConfig, Llama4TextConfig, LlamaConfig, MistralConfig, PreTrainedConfig

from userip_lightning.lm.windows import windowed

LOW = torch.finfo(torch.float32).min
#: Two shared tokens, and two branches of three at the same positions.
PLACES = torch.tensor([[0, 1, 2, 3, 4, 2, 3, 4]])


def shown(config: PreTrainedConfig, kind: str | None = None) -> list[str]:
    """Rows of the mask, where all may see all; x is seen."""
    mask = windowed(config, torch.zeros(1, 1, 8, 8), PLACES, PLACES)
    assert isinstance(mask, dict) == (kind is not None)
    chosen = mask[kind] if isinstance(mask, dict) else mask
    assert set(chosen.unique().tolist()) <= {0.0, LOW}
    return ["".join("x" if number == 0 else "." for number in row) for row in chosen[0, 0].tolist()]


def test_a_sliding_window_counts_positions_and_not_places() -> None:
    rows = shown(MistralConfig(sliding_window=2))
    assert rows[4] == "...xx.xx"  # position 4 sees 3 and 4, of either branch
    assert rows[5] == ".xxxxxxx"
    assert shown(MistralConfig(sliding_window=8)) == ["x" * 8] * 8


def test_a_chunk_begins_anew() -> None:
    config = Llama4TextConfig(
        attention_chunk_size=3, num_hidden_layers=2, layer_types=["chunked_attention", "full_attention"]
    )
    rows = shown(config, "chunked_attention")
    assert rows[3] == "...xx.xx"
    assert rows[5] == "xxx..x.."
    assert shown(config, "full_attention") == ["x" * 8] * 8


def test_every_kind_of_layer_has_its_own() -> None:
    kinds = ["sliding_attention", "full_attention"]
    config = Gemma3TextConfig(sliding_window=2, num_hidden_layers=2, layer_types=kinds)
    assert shown(config, "sliding_attention")[4] == "...xx.xx"
    assert shown(config, "full_attention")[4] == "x" * 8
    alike = Gemma3TextConfig(sliding_window=2, num_hidden_layers=2, layer_types=kinds[:1] * 2)
    assert shown(alike)[4] == "...xx.xx"


def test_a_model_without_windows_keeps_its_mask() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    assert windowed(LlamaConfig(), mask, PLACES, PLACES) is mask
