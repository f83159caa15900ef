import pytest
import torch

from userip_lightning.quantize.losses import (
    QuantizeTerms,
    QuantizeWeights,
    anchor_loss,
    codebook_loss,
    commitment_loss,
    quantization_loss,
    recommendation_loss,
)

Z = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
E = torch.tensor([[1.0, 1.0], [2.0, 4.0]])


def test_distances_are_means_over_users_and_dimensions() -> None:
    expected = (1 + 1 + 0 + 4) / 4
    for loss in (codebook_loss, commitment_loss, anchor_loss):
        assert float(loss(Z, E)) == pytest.approx(expected)


def test_codebook_term_moves_the_codebook_alone() -> None:
    z, e = Z.clone().requires_grad_(), E.clone().requires_grad_()
    codebook_loss(z, e).backward()
    assert z.grad is None
    torch.testing.assert_close(e.grad, 2 * (E - Z) / 4)


def test_commitment_and_anchor_terms_move_the_user_alone() -> None:
    for loss in (commitment_loss, anchor_loss):
        z, e = Z.clone().requires_grad_(), E.clone().requires_grad_()
        loss(z, e).backward()
        assert e.grad is None
        torch.testing.assert_close(z.grad, 2 * (Z - E) / 4)


def test_recommendation_loss_is_cross_entropy_of_logits() -> None:
    logit, label = torch.tensor([0.3, -1.2]), torch.tensor([1.0, 0.0])
    p = torch.sigmoid(logit)
    assert float(recommendation_loss(logit, label)) == pytest.approx(
        float(-(p[0].log() + (1 - p[1]).log()) / 2)
    )


def test_total_weighs_terms_and_profiles() -> None:
    terms = QuantizeTerms(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]), torch.tensor(100.0))
    weights = QuantizeWeights(codebook=0.5, commitment=0.1, recommendation=0.01)
    expected = 3 * (0.5 * 1 + 0.1 * 10 + 1) + 7 * (0.5 * 2 + 0.1 * 20 + 1)
    assert float(quantization_loss(terms, weights, [3.0, 7.0])) == pytest.approx(expected)
