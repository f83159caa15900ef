import pytest
import torch

from userip_lightning.batches import CTRBatch
from userip_lightning.data.row_slices import CHUNK, RowSlices


def rows(count: int) -> CTRBatch:
    ids = torch.arange(count)
    return CTRBatch(torch.stack([ids, ids * 10], dim=1), (ids % 2).float(), ids)


def ids(slices: RowSlices) -> list[int]:
    return torch.cat([batch.row_id for batch in slices]).tolist()


def test_in_order_without_a_seed() -> None:
    batches = list(RowSlices(rows(7), 3, None, rank=0, ranks=1))
    assert [batch.row_id.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert torch.equal(batches[1].fields, torch.tensor([[3, 30], [4, 40], [5, 50]]))
    assert torch.equal(batches[1].label, torch.tensor([1.0, 0.0, 1.0]))


@pytest.mark.parametrize("batch_size", [999, CHUNK, CHUNK + 1])
def test_batches_keep_their_size_where_rows_are_put_in_order_in_chunks(batch_size: int) -> None:
    count = 2 * CHUNK + 5
    slices = RowSlices(rows(count), batch_size, 0, rank=0, ranks=1)
    batches = list(slices)
    assert [len(batch.label) for batch in batches[:-1]] == [batch_size] * (len(slices) - 1)
    order = torch.cat([batch.row_id for batch in batches])
    assert torch.equal(order.sort().values, torch.arange(count))
    for batch in batches:
        assert torch.equal(batch.fields[:, 1], batch.row_id * 10)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        slices = RowSlices(rows(50), 8, seed, rank=0, ranks=1)
        slices.set_epoch(epoch)
        return ids(slices)

    torch.manual_seed(0)
    first = order(0, 0)
    torch.manual_seed(1)
    assert order(0, 0) == first
    assert sorted(first) == list(range(50))
    assert len({tuple(order(seed, epoch)) for seed in range(4) for epoch in range(4)}) == 16


def test_the_epoch_may_be_named_after_the_iterator_was_made() -> None:
    late = RowSlices(rows(50), 8, 0, rank=0, ranks=1)
    iterator = iter(late)
    late.set_epoch(3)
    early = RowSlices(rows(50), 8, 0, rank=0, ranks=1)
    early.set_epoch(3)
    assert torch.equal(next(iterator).row_id, next(iter(early)).row_id)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 12])
@pytest.mark.parametrize("seed", [None, 5])
def test_ranks_cover_everything_in_equal_lengths(count: int, seed: int | None) -> None:
    parts = [RowSlices(rows(count), 2, seed, rank, ranks=3) for rank in range(3)]
    assert len({len(part) for part in parts}) == 1
    assert all(len(list(part)) == len(part) for part in parts)
    seen = [ids(part) for part in parts]
    assert len({len(part) for part in seen}) == 1
    assert set().union(*seen) == set(range(count))
    assert sum(map(len, seen)) - count < 3
