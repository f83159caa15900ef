import itertools

import torch
from torch import Tensor
from torch.nn import functional

from userip_lightning.batches import RecBatch
from userip_lightning.quantize.e_step import CodeSearch, Pull
from userip_lightning.quantize.losses import QuantizeWeights
from userip_lightning.quantize.quantizer import Quantizer
from userip_lightning.quantize.surrogate import SurrogateDCN

USERS, ITEMS, N = 12, 5, 60
WEIGHTS, LAMBDA = QuantizeWeights(1.0, 0.25, 10.0), [1.0, 3.0]


def engine() -> tuple[Quantizer, Tensor, RecBatch]:
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    quantizer = Quantizer([3, 2], 4, ITEMS, None, SurrogateDCN)
    v = quantizer.start(torch.randn(USERS, 2, 1, 4, generator=draw), seed=0)
    torch.nn.init.normal_(quantizer.surrogate.items.weight)
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
    logit = quantizer.surrogate([code.expand(int(own.sum()), -1) for code in codes], rows.item[own])
    return float(functional.binary_cross_entropy_with_logits(logit, rows.label[own], reduction="sum"))


def test_without_anchor_every_user_gets_the_combination_with_the_least_loss() -> None:
    quantizer, v, rows = engine()
    found = searched(quantizer, rows).solve(v, None, Pull.of(WEIGHTS, 0.0, LAMBDA))
    codes = quantizer.assign(found)
    quantizer.surrogate.eval()
    books = [book.embedding.detach() for book in quantizer.books()]
    for user in range(USERS - 1):
        costs = {
            (j, k): user_loss(quantizer, rows, user, [books[0][j], books[1][k]])
            for j, k in itertools.product(range(3), range(2))
        }
        assert tuple(codes[user].tolist()) == min(costs, key=lambda choice: costs[choice])
    assert torch.equal(found[-1], v[-1])
    assert quantizer.surrogate.training is False


def test_with_an_anchor_code_and_vector_minimise_the_whole_loss() -> None:
    quantizer, v, rows = engine()
    anchor = 2.0
    found = searched(quantizer, rows).solve(v, v, Pull.of(WEIGHTS, anchor, LAMBDA))
    quantizer.surrogate.eval()
    books = [book.embedding.detach() for book in quantizer.books()]
    for user in range(USERS - 1):
        best = []
        for j, k in itertools.product(range(3), range(2)):
            codes = [books[0][j], books[1][k]]
            x = torch.stack(codes).requires_grad_()
            for _ in range(200):
                pull = anchor * (x - v[user]).square().mean()
                for p, weight in enumerate(LAMBDA):
                    pull = pull + weight * WEIGHTS.commitment * (x[p] - codes[p]).square().mean()
                (slope,) = torch.autograd.grad(pull, x)
                x = (x - slope).detach().requires_grad_()
            recommendation = WEIGHTS.recommendation * sum(LAMBDA) * user_loss(quantizer, rows, user, codes)
            best.append((recommendation / N + float(pull) / USERS, x.detach()))
        torch.testing.assert_close(found[user], min(best, key=lambda pair: pair[0])[1], atol=1e-3, rtol=1e-3)
