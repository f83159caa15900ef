import pytest
import torch

from userip_lightning.batches import RecBatch
from userip_lightning.quantize.cross_fit import chooses, split


def rows(n: int = 20_000) -> RecBatch:
    draw = torch.Generator().manual_seed(0)
    user, item = torch.randint(500, (n,), generator=draw), torch.randint(300, (n,), generator=draw)
    return RecBatch(user, item, torch.randint(2, (n,), generator=draw).float())


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_the_share_holds_overall_and_for_single_users(share: float) -> None:
    batch = rows()
    side = chooses(batch, share, seed=0, epoch=1).double()
    assert abs(float(side.mean()) - share) < 4 * (share * (1 - share) / len(side)) ** 0.5
    per_user = torch.zeros(500).double().index_add_(0, batch.user, side)
    counts = torch.bincount(batch.user, minlength=500)
    spread = (per_user - counts * share) / (counts * share * (1 - share)).sqrt()
    assert 0.8 < float(spread.std()) < 1.2  # as wide as independent draws are


def test_a_pair_keeps_its_side_wherever_it_is_met_and_changes_it_between_epochs_and_seeds() -> None:
    batch = rows()
    first = chooses(batch, 0.5, seed=3, epoch=1)
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(1))
    again = chooses(RecBatch(*(column[order] for column in batch)), 0.5, seed=3, epoch=1)
    assert torch.equal(first[order], again)
    sides: dict[tuple[int, int], set[bool]] = {}
    for user, item, side in zip(batch.user.tolist(), batch.item.tolist(), first.tolist(), strict=True):
        sides.setdefault((user, item), set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    for other in (chooses(batch, 0.5, seed=3, epoch=2), chooses(batch, 0.5, seed=4, epoch=1)):
        assert 0.45 < float((first == other).double().mean()) < 0.55


def test_nobody_chooses_at_share_zero_and_a_split_keeps_every_row_once() -> None:
    batch = rows(100)
    assert not bool(chooses(batch, 0.0, seed=0, epoch=0).any())
    choosing = chooses(batch, 0.5, seed=0, epoch=0)
    ours, others = split(batch, choosing)
    assert torch.equal(ours.item, batch.item[choosing])
    assert torch.equal(others.user, batch.user[~choosing])
    assert len(ours.label) + len(others.label) == 100
