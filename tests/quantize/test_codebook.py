import numpy as np
import pytest
import torch

from userip_lightning.errors import InputError
from userip_lightning.quantize.codebook import Codebook


def blobs(per_blob: int = 20) -> torch.Tensor:
    centres = torch.tensor([[10.0, 0.0], [-10.0, 0.0], [0.0, 10.0]])
    noise = torch.randn(3 * per_blob, 2, generator=torch.Generator().manual_seed(0))
    return centres.repeat_interleave(per_blob, 0) + 0.1 * noise


def test_kmeans_puts_codes_at_the_centres() -> None:
    book, table = Codebook(3, 2), blobs()
    book.init_from(table, seed=0)
    means = table.view(3, 20, 2).mean(1)
    torch.testing.assert_close(torch.cdist(means, book.embedding.detach()).min(1).values, torch.zeros(3))


def test_codes_are_the_brute_force_argmin() -> None:
    book = Codebook(5, 7)
    torch.nn.init.normal_(book.embedding)
    # Far from the origin, where expanding ‖z - e‖² in float32 picks wrong codes.
    shift, z = 3000.0, torch.randn(200, 7)
    with torch.no_grad():
        book.embedding += shift
    codes = book.embedding.detach().double()
    exact = [
        min(range(5), key=lambda j: float((row - codes[j]).square().sum())) for row in (z + shift).double()
    ]
    assert book.assign(z + shift).tolist() == exact


def test_autocast_does_not_change_codes() -> None:
    book, z = Codebook(4, 16), torch.randn(500, 16)
    torch.nn.init.normal_(book.embedding)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = book.assign(z)
    assert torch.equal(inside, book.assign(z))


def test_straight_through_has_the_code_as_value_and_the_identity_as_gradient() -> None:
    book = Codebook(3, 2)
    book.init_from(blobs(), seed=0)
    z = blobs(5).requires_grad_()
    found = book.quantize(z)
    torch.testing.assert_close(found.straight_through, book.embedding[found.codes])
    slope = torch.randn_like(z)
    (found.straight_through * slope).sum().backward()
    torch.testing.assert_close(z.grad, slope)
    assert book.embedding.grad is None


def test_more_codes_than_users_is_refused() -> None:
    with pytest.raises(InputError, match="5 codes for 4 users"):
        Codebook(5, 2).init_from(torch.randn(4, 2), seed=0)


def test_dead_codes_move_to_distinct_far_users() -> None:
    book, table = Codebook(4, 2), blobs()
    with torch.no_grad():
        book.embedding.copy_(torch.tensor([[10.0, 0.0], [1e3, 1e3], [-1e3, 1e3], [10.0, 1.0]]))
    before, counts = book.embedding.detach().clone(), torch.bincount(book.assign(table), minlength=4)
    assert counts.tolist()[1:3] == [0, 0]
    assert book.reseed_dead(table, counts, torch.Generator().manual_seed(0)) == 2
    assert torch.equal(book.embedding[[0, 3]], before[[0, 3]])
    assert (torch.bincount(book.assign(table), minlength=4)[1:3] > 0).all()


def test_reseeding_draws_by_squared_distance() -> None:
    table = torch.tensor([[0.0], [1.0], [2.0]])  # squared distances to the live code: 0, 1, 4
    drawn = []
    for seed in range(400):
        book = Codebook(2, 1)
        with torch.no_grad():
            book.embedding.copy_(torch.tensor([[0.0], [1e6]]))
        book.reseed_dead(table, torch.tensor([3, 0]), torch.Generator().manual_seed(seed))
        drawn.append(int(book.embedding[1]))
    shares = np.bincount(drawn, minlength=3) / 400
    assert shares == pytest.approx([0, 0.2, 0.8], abs=0.07)


def test_nothing_is_reseeded_where_all_users_sit_on_codes() -> None:
    book = Codebook(2, 1)
    with torch.no_grad():
        book.embedding.copy_(torch.tensor([[1.0], [5.0]]))
    assert book.reseed_dead(torch.ones(6, 1), torch.tensor([6, 0]), torch.Generator()) == 0
