"""A language model's weights in 8 bits, to be carried: a scale per row, restored to bfloat16.

    q_rc = round(w_rc / s_r),  s_r = max_c |w_rc| / 127        w_rc ≈ s_r q_rc

Matrices alone; vectors (norms, biases) stay as they are. The largest error of a weight is s_r / 2.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

_SCALE = ".row_scale"
_LEVELS = 127


def quantise(weights: Path, target: Path) -> None:
    """A safetensors file to one of 8 bits a weight."""
    kept: dict[str, Tensor] = {}
    for name, weight in load_file(weights).items():
        if weight.ndim != 2:
            kept[name] = weight.float()
            continue
        scale = weight.float().abs().amax(1, keepdim=True).div_(_LEVELS).clamp_(min=1e-12)
        kept[name] = (weight.float() / scale).round_().to(torch.int8)
        kept[name + _SCALE] = scale.squeeze(1)
    save_file(kept, target)


def restore_weights(packed: Path, target: Path) -> None:
    """That file to one in bfloat16, as ``from_pretrained`` reads it."""
    stored = load_file(packed)
    weights = {}
    for name, weight in stored.items():
        if name.endswith(_SCALE):
            continue
        scale = stored.get(name + _SCALE)
        whole = weight.float() if scale is None else weight.float() * scale.unsqueeze(1)
        weights[name] = whole.bfloat16()
    save_file(weights, target, metadata={"format": "pt"})
