import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from userip_lightning.batches import RecBatch
from userip_lightning.quantize.code_search import CodeSearch
from userip_lightning.quantize.quantizer import Quantizer
from userip_lightning.surrogate.code_dcn import SurrogateDCN

USERS, ITEMS, N = 12, 5, 60


def engine() -> tuple[Quantizer, Tensor, RecBatch]:
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    quantizer = Quantizer([3, 2], 4, ITEMS, None, SurrogateDCN)
    v = quantizer.start(torch.randn(USERS, 2, 1, 4, generator=draw), seed=0)
    torch.nn.init.normal_(quantizer.surrogate.items.ids.weight)
    user = torch.randint(USERS - 1, (N,), generator=draw)  # the last user has no rows
    item, label = torch.randint(ITEMS, (N,), generator=draw), torch.randint(2, (N,), generator=draw)
    return quantizer, v, RecBatch(user, item, label.float())


def searched(quantizer: Quantizer, rows: RecBatch) -> CodeSearch:
    search = CodeSearch(quantizer, USERS)
    for half in (slice(0, 25), slice(25, N)):
        search.add(RecBatch(*(column[half] for column in rows)))
    return search


def user_loss(quantizer: Quantizer, rows: RecBatch, user: int, codes: list[Tensor]) -> float:
    own = rows.user == user
    logit = quantizer.surrogate.eval()([code.expand(int(own.sum()), -1) for code in codes], rows.item[own])
    return float(
        functional.binary_cross_entropy_with_logits(logit.detach(), rows.label[own], reduction="sum")
    )


@pytest.mark.parametrize("anchor", [0.0, 0.5, 1e6])
def test_every_user_gets_the_combination_with_the_least_loss(anchor: float) -> None:
    quantizer, v, rows = engine()
    weight = 10.0
    found = searched(quantizer, rows).solve(v, v if anchor else None, anchor / weight)
    codes = quantizer.assign(found)
    books = [book.embedding.detach() for book in quantizer.books()]
    for user in range(USERS - 1):
        costs = {}
        for choice in itertools.product(range(3), range(2)):
            e = torch.stack([book[c] for book, c in zip(books, choice, strict=True)])
            # The user's share of w L_rec + anchor ‖v - v_0‖², both means of the training loss.
            recommendation = user_loss(quantizer, rows, user, list(e)) / N
            costs[choice] = weight * recommendation + anchor * float((e - v[user]).square().mean()) / USERS
        best = min(costs, key=lambda choice: costs[choice])
        assert tuple(codes[user].tolist()) == best
        torch.testing.assert_close(found[user], torch.stack([books[0][best[0]], books[1][best[1]]]))
    assert torch.equal(found[-1], v[-1])
