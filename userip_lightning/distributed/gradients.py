"""Sums of gradients over ranks: dense ones in one reduction, row-sparse ones as the rows that were touched.

Only dense tensors travel, so NCCL, which reduces no sparse ones, can carry them as gloo does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, distributed
from torch.nn import functional


def sum_gradients(weights: Iterable[Tensor]) -> None:
    """Replace every gradient by its sum over the ranks of the default process group.

    All ranks need gradients of the same weights. A sparse gradient comes back with the look-ups of all
    ranks, not coalesced, as the whole batch would have left it but for their order.

    Args:
        weights: parameters; those without a gradient are passed over.
    """
    found = [weight for weight in weights if weight.grad is not None]
    dense = [weight.grad for weight in found if weight.grad is not None and not weight.grad.is_sparse]
    if dense:
        sum_tensors(dense)
    sparse = [weight for weight in found if weight.grad is not None and weight.grad.is_sparse]
    if sparse:
        _join_rows(sparse)


@torch.no_grad()
def sum_tensors(tensors: Sequence[Tensor]) -> None:
    """Replace tensors of one device by their sums over the ranks, in place."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    for tensor, whole in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
        tensor.copy_(whole.view_as(tensor))


def _join_rows(tables: Sequence[Tensor]) -> None:
    """Give every table [R, E] the rows of its gradient that any rank touched."""
    gradients = [table.grad for table in tables if table.grad is not None]
    index = [gradient._indices()[0] for gradient in gradients]
    values = [gradient._values() for gradient in gradients]
    own = torch.tensor([len(rows) for rows in index], device=index[0].device)
    counts = torch.stack(_gather(own)).tolist()  # [ranks, T]
    widths = [value.shape[1:].numel() for value in values]
    lengths = [[n * width for n, width in zip(rank, widths, strict=True)] for rank in counts]
    indexes = _gather_ragged(torch.cat(index), counts)
    contents = _gather_ragged(torch.cat([value.flatten() for value in values]), lengths)
    for t, (table, gradient) in enumerate(zip(tables, gradients, strict=True)):
        joined = torch.cat([rank[t] for rank in contents]).view(-1, *gradient.shape[1:])
        at = torch.cat([rank[t] for rank in indexes])
        table.grad = torch.sparse_coo_tensor(at[None], joined, gradient.shape, check_invariants=False)


def _gather_ragged(own: Tensor, lengths: Sequence[Sequence[int]]) -> list[tuple[Tensor, ...]]:
    """Tensors of every rank, laid end to end in ``own``; ``lengths`` are [ranks, T]."""
    longest = max(map(sum, lengths))
    gathered = _gather(functional.pad(own, (0, longest - len(own))))
    return [torch.split(whole[: sum(n)], list(n)) for whole, n in zip(gathered, lengths, strict=True)]


def _gather(own: Tensor) -> list[Tensor]:
    gathered = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(gathered, own)
    return gathered
