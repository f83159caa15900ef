"""A short trial of a loaded language model: is its likelihood under the mask of Fig. 4 that of plain reading?

A row holds four shared tokens, whose keys and values are computed before, and two branches of four tokens at
the same positions, which do not see each other. Its logits are compared with those of the model's own code
on two plain rows, each of the shared tokens and one branch, with ``eager`` attention and nothing else given.
Whatever a family does in its own way, with positions, windows, caches, logits or embeddings, shows here. A
window is made shorter than the row for a second trial. Four passes of a dozen tokens: less than loading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from userip_lightning.errors import InputError
from userip_lightning.lm.families import ADVICE
from userip_lightning.lm.mask import additive
from userip_lightning.lm.windows import SETTINGS, windows_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from userip_lightning.lm.backbone import FrozenBackbone

_SHARED, _BRANCH = 4, 4
#: Of the second trial; shorter than a branch with what it shares.
_SHORT_WINDOW = 3
#: Relative error of the logits, the median over tokens of a branch: rounding stays below, a fault is
#: above. A GPU may round products in float32 to 10 bits; in half precision kernels differ by a few per cent.
_EXACT, _ROUNDED, _HALF = 2e-4, 1e-2, 0.15


def refuse_misread(name: str, backbone: FrozenBackbone) -> None:
    """Refuse an LM whose likelihood under the mask of Fig. 4 is not that of plain reading.

    Args:
        name: of the LM.
        backbone: loaded, undivided.

    Raises:
        InputError: it is not, and why, as far as that can be told.
    """
    config = backbone.model.config
    fault = _fault(backbone)
    if fault is None and windows_of(config):
        with _short_windows(config.get_text_config()):
            fault = _fault(backbone) and "has attention windows that could not be brought into the mask"
    if fault:
        raise InputError(
            f"lm.name: {name!r} ({config.model_type}) {fault}, so profiles would be scored wrongly; {ADVICE}."
        )


@torch.no_grad()
def _fault(backbone: FrozenBackbone) -> str | None:
    ids = _ids(backbone)
    try:
        plain = _plain(backbone.model, ids)
        ours = _branched(backbone, ids)
        _soft(backbone, ids)
    except InputError:
        raise
    except Exception as error:  # a family may fail in any way when it is given what it does not know
        return cannot_be_run(error)
    if _error(ours, plain) <= _limit(backbone):
        return None
    return _reason(backbone, ids, plain)


def cannot_be_run(error: Exception) -> str:
    """What a family that failed is said to be unable to do."""
    told = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {told[0][:200]}" if told else type(error).__name__
    return f"cannot be run with embeddings, positions and a 4-D mask ({reason})"


def _reason(backbone: FrozenBackbone, ids: Tensor, plain: Tensor) -> str:
    """What is known of a trial that went wrong."""
    limit = _limit(backbone)
    other = ids.clone()
    other[:, -1] = ids[:, 0]
    if _error(_plain(backbone.model, other)[:, :-1], plain[:, :-1]) > limit:
        return "reads tokens that come later and is not causal"
    swapped = ids.clone()
    swapped[0, _SHARED:] = ids[0, _SHARED:].flip(0)
    if _error(_branched(backbone, swapped)[1:], _branched(backbone, ids)[1:]) > limit:
        return "reads tokens that a 4-D mask hides"
    if _error(_headed(backbone, ids), plain) > limit:
        return "has more between its last hidden states and its logits than its output layer"
    if _error(_branched(backbone, ids, shift=5)[1:], _branched(backbone, ids)[1:]) <= limit / 100:
        return "takes position_ids and does not follow them"
    return "has another likelihood under a 4-D mask, with positions and embeddings, than in plain reading"


def _limit(backbone: FrozenBackbone) -> float:
    if backbone.dtype.itemsize < torch.float32.itemsize:
        return _HALF
    return _EXACT if backbone.words.device.type == "cpu" else _ROUNDED


def _ids(backbone: FrozenBackbone) -> Tensor:
    """[2, shared + branch] token ids, spread over the vocabulary."""
    size, count = len(backbone.words), _SHARED + 2 * _BRANCH
    spread = (torch.arange(1, count + 1) * size // (count + 2)).to(backbone.words.device)
    shared, branches = spread[:_SHARED], spread[_SHARED:].view(2, _BRANCH)
    return torch.cat([shared.expand(2, -1), branches], 1)


def _plain(model: PreTrainedModel, ids: Tensor) -> Tensor:
    """[2, branch, V] logits of the model's own code at the branches."""
    with _eager(model):
        return _centred(model(input_ids=ids, use_cache=False).logits[:, _SHARED:])


def _headed(backbone: FrozenBackbone, ids: Tensor) -> Tensor:
    """The same from the model's own hidden states and its output layer."""
    with _eager(backbone.model):
        hidden = backbone.decoder(input_ids=ids, use_cache=False).last_hidden_state
    return _centred(backbone.head(hidden[:, _SHARED:]))


def _branched(backbone: FrozenBackbone, ids: Tensor, shift: int = 0) -> Tensor:
    """The same from one row of both branches; ``shift`` moves the second one's positions."""
    shared, branches = ids[:1, :_SHARED], ids[:, _SHARED:].reshape(1, -1)
    place = torch.arange(_SHARED + 2 * _BRANCH, device=ids.device)
    position = torch.cat([place[: _SHARED + _BRANCH], place[_SHARED : _SHARED + _BRANCH]])
    branch = (place - _SHARED) // _BRANCH  # -1, where shared
    shown = (place.unsqueeze(1) >= place) & ((branch < 0) | (branch.unsqueeze(1) == branch))
    mask = additive(shown.unsqueeze(0), backbone.dtype)
    first, rest = slice(0, _SHARED), slice(_SHARED, None)
    own = position[rest] + shift * (branch[rest] > 0)
    seen = backbone.keys_values(backbone.embed(shared), mask[:, :, first, first], position[None, first])
    hidden = backbone.hidden(backbone.embed(branches), mask[:, :, rest], own.unsqueeze(0), seen)
    return _centred(backbone.head(hidden.view(2, _BRANCH, -1)))


def _soft(backbone: FrozenBackbone, ids: Tensor) -> None:
    """Read vectors that no token has; a family fails where it looks for their tokens."""
    inputs = backbone.embed(ids)
    inputs = inputs + inputs.roll(1, 1)
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
    place = torch.arange(ids.shape[1], device=ids.device)
    backbone.hidden(inputs, additive(causal.expand(2, -1, -1), backbone.dtype), place.expand(2, -1))


def _centred(logits: Tensor) -> Tensor:
    wide = logits.float()
    return wide - wide.mean(-1, keepdim=True)


def _error(found: Tensor, right: Tensor) -> float:
    """Relative error of the logits of [branch, token, V]: of the worse branch, the median over tokens.

    ``torch.median`` has no deterministic kernel for CUDA.
    """
    each = (found - right).norm(dim=-1) / right.norm(dim=-1).clamp(min=1e-12)
    ordered = each.nan_to_num(nan=torch.inf).sort(-1).values
    return float(ordered[..., (ordered.shape[-1] - 1) // 2].max())


@contextmanager
def _eager(model: PreTrainedModel) -> Iterator[None]:
    """With the family's own attention; one that cannot be told to has no other."""
    if not model._can_set_attn_implementation():
        yield
        return
    kept = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(kept)


@contextmanager
def _short_windows(text: object) -> Iterator[None]:
    kept = {name: getattr(text, name) for name in SETTINGS if getattr(text, name, None)}
    for name in kept:
        setattr(text, name, _SHORT_WINDOW)
    try:
        yield
    finally:
        for name, size in kept.items():
            setattr(text, name, size)
