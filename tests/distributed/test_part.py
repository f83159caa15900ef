import pytest
import torch

from userip_lightning.distributed.part import Part, active, every, of_users, taking

CPU = torch.device("cpu")


@pytest.mark.parametrize("total", [1, 2, 5, 6])
def test_every_row_counts_on_one_rank(total: int) -> None:
    parts = [every(total, rank, 3, CPU) for rank in range(3)]
    counted = torch.cat([part.rows[: part.counted] for part in parts])
    assert counted.sort().values.tolist() == list(range(total))
    assert sum(part.weight for part in parts) == pytest.approx(1.0)


def test_a_rank_without_rows_holds_one_that_counts_for_nothing() -> None:
    part = every(1, 2, 3, CPU)
    assert (part.rows.tolist(), part.counted, part.weight) == ([0], 0, 0.0)


def test_all_rows_of_a_user_are_on_one_rank() -> None:
    user = torch.tensor([4, 1, 4, 3, 2, 1])
    assert of_users(user, 0, 2).rows.tolist() == [0, 2, 4]
    assert of_users(user, 1, 2).rows.tolist() == [1, 3, 5]


def test_a_part_is_active_in_its_block_alone() -> None:
    part = Part(torch.tensor([1]), 1, 2)
    with taking(part):
        assert active() is part
    assert active() is None
