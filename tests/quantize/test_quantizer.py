"""Which term of Eq. 5 and Eq. 7 moves what, through the whole engine and through the prior."""

import pytest
import torch
from torch import Tensor, nn

from userip_lightning.batches import RecBatch
from userip_lightning.errors import InputError
from userip_lightning.quantize.joint_prior import QuantizePrior
from userip_lightning.quantize.losses import QuantizeWeights
from userip_lightning.quantize.quantizer import Quantizer
from userip_lightning.surrogate.code_dcn import SurrogateDCN

B, P, S, D, ITEMS = 6, 2, 2, 4, 7
NAMES = ("hobby", "background")


def table(users: int = 40) -> Tensor:
    return torch.randn(users, P, S, D, generator=torch.Generator().manual_seed(0))


def rows() -> RecBatch:
    draw = torch.Generator().manual_seed(1)
    user, item = torch.arange(B).repeat(5), torch.randint(ITEMS, (5 * B,), generator=draw)
    return RecBatch(user, item, torch.randint(2, (5 * B,), generator=draw).float())


def moved(module: nn.Module) -> bool:
    """Whether a gradient other than zero has reached any of its parameters."""
    return any(p.grad is not None and bool(p.grad.ne(0).any()) for p in module.parameters())


@pytest.mark.parametrize(
    ("weights", "reaches"),
    [
        (QuantizeWeights(1, 0, 0), {"codebooks"}),
        (QuantizeWeights(0, 1, 0), {"users"}),
        (QuantizeWeights(0, 0, 1), {"users", "surrogate"}),
        (QuantizeWeights(0, 0, 0), set()),
        (QuantizeWeights(1, 1, 1), {"codebooks", "users", "surrogate"}),
    ],
)
@pytest.mark.parametrize("code_dim", [None, 3])
def test_every_term_reaches_what_it_should_and_nothing_else(
    weights: QuantizeWeights, reaches: set[str], code_dim: int | None
) -> None:
    prior = QuantizePrior({"hobby": 4, "background": 3}, code_dim, weights)
    prior.setup(table(), NAMES, ITEMS, seed=0)
    z = table()[:B].requires_grad_()
    prior(z, rows()).loss.backward()
    found = {"codebooks": moved(prior.quantizer.codebooks), "surrogate": moved(prior.quantizer.surrogate)}
    found["users"] = bool(z.grad is not None and z.grad.ne(0).any())
    assert {name for name, yes in found.items() if yes} == reaches
    if "users" in reaches:
        assert bool(z.grad.flatten(2).ne(0).any(2).all())  # every profile of every user
    if "surrogate" in reaches:
        assert all(p.grad.ne(0).any() for p in prior.quantizer.surrogate.parameters())


@pytest.mark.parametrize("own", [0, 1])
def test_profile_weight_scales_the_semantic_terms_of_its_own_profile(own: int) -> None:
    names = ["hobby", "background"]
    share = {name: float(p == own) for p, name in enumerate(names)}
    prior = QuantizePrior({"hobby": 4, "background": 3}, None, QuantizeWeights(1, 1, 0), share)
    prior.setup(table(), NAMES, ITEMS, seed=0)
    z = table()[:B].requires_grad_()
    prior(z, rows()).loss.backward()
    other = 1 - own
    assert bool(z.grad[:, own].ne(0).any())
    assert not bool(z.grad[:, other].ne(0).any())
    assert moved(prior.quantizer.books()[own])
    assert not moved(prior.quantizer.books()[other])


def test_rows_of_a_user_see_his_own_codes() -> None:
    quantizer = Quantizer([4, 3], D, ITEMS, None, SurrogateDCN).eval()
    v = quantizer.start(table(), seed=0)[:B]
    batch = rows()
    one = RecBatch(*(column[batch.user == 2] for column in batch))
    alone = quantizer.terms(v[2:3], one._replace(user=torch.zeros_like(one.user)))
    torch.testing.assert_close(alone.recommendation, quantizer.terms(v, one).recommendation)


def test_a_frozen_codebook_gets_no_gradient() -> None:
    quantizer = Quantizer([4, 3], D, ITEMS, None, SurrogateDCN)
    v = quantizer.start(table(), seed=0)[:B].requires_grad_()
    quantizer.freeze_codes(True)
    terms = quantizer.terms(v, rows())
    (terms.codebook.sum() + terms.commitment.sum() + terms.recommendation).backward()
    assert not moved(quantizer.codebooks)
    quantizer.freeze_codes(False)
    quantizer.terms(v, rows()).codebook.sum().backward()
    assert moved(quantizer.codebooks)


def test_prior_codes_are_the_nearest_in_lm_space() -> None:
    prior = QuantizePrior({"hobby": 4, "background": 3}, code_dim=None)
    prior.setup(table(), NAMES, ITEMS, seed=0)
    space = prior.quantizer.space
    for p, book in enumerate(prior.quantizer.books()):
        in_lm = book.embedding * space.scale[p] + space.mean[p]
        gaps = (table()[:, p].mean(1).unsqueeze(1) - in_lm).square().sum(2)
        assert torch.equal(prior.codes(table())[:, p], gaps.argmin(1))


def test_a_vector_that_is_not_finite_is_named() -> None:
    broken = table()
    broken[17, 1, 0, 2] = float("nan")
    with pytest.raises(InputError, match="user row 17 is not finite"):
        QuantizePrior({"hobby": 4, "background": 3}).setup(broken, NAMES, ITEMS, seed=0)


def test_weights_of_other_profiles_are_refused() -> None:
    with pytest.raises(InputError, match="profile_weights: keys"):
        QuantizePrior({"hobby": 4, "background": 3}, profile_weights={"hoby": 1.0}).setup(
            table(), NAMES, ITEMS, 0
        )


def test_sizes_follow_the_names_of_the_profiles_and_not_their_own_order() -> None:
    prior = QuantizePrior({"background": 3, "hobby": 4})
    prior.setup(table(), NAMES, ITEMS, seed=0)
    assert [book.size for book in prior.quantizer.books()] == [4, 3]
    with pytest.raises(InputError, match=r"prior\.sizes: keys"):
        QuantizePrior({"hobby": 4}).setup(table(), NAMES, ITEMS, seed=0)
