import torch
from sklearn.metrics import log_loss, roc_auc_score

from userip_lightning.ctr.scored import Scored, gather, measure


def test_measure_agrees_with_scikit_learn_with_ties() -> None:
    torch.manual_seed(0)
    label = torch.randint(2, (500,)).float()
    score = (torch.rand(500) * 20).round() / 25 + 0.1
    quality = measure(label, score)
    assert abs(quality.auc - roc_auc_score(label, score)) < 1e-6
    assert abs(quality.logloss - log_loss(label, score)) < 1e-6
    assert quality.rows == 500


def test_probabilities_near_one_are_not_taken_for_logits() -> None:
    label, score = torch.tensor([0.0, 1.0]), torch.tensor([0.9999, 1.0])
    assert measure(label, score).auc == 1.0


def test_gather_keeps_every_row_once_in_order() -> None:
    ids = torch.tensor([7, 3, 9, 3])
    parts = [Scored(ids[:2], ids[:2] * 1.0, ids[:2] * 0.1), Scored(ids[2:], ids[2:] * 1.0, ids[2:] * 0.1)]
    other_rank = torch.tensor([3, 4, 9, 7])

    def all_gather(mine: torch.Tensor) -> torch.Tensor:
        scale = mine[0] / ids[0]
        return torch.stack([mine, (other_rank * scale).to(mine.dtype)])

    gathered = gather(parts, all_gather)
    assert gathered.row_id.tolist() == [3, 4, 7, 9]
    assert torch.allclose(gathered.score, gathered.row_id * 0.1)
    assert torch.equal(gathered.label, gathered.row_id * 1.0)
