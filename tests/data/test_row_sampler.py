import torch

from userip_lightning.data.row_sampler import RowBatchSampler


def test_every_row_comes_once_in_an_order_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = RowBatchSampler(10, 4, seed)
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert [len(b) for b in batches] == [4, 4, 2]
        assert len(sampler) == 3
        return torch.cat(batches).tolist()

    assert sorted(order(0, 0)) == list(range(10))
    assert order(0, 3) == order(0, 3)
    assert len({tuple(order(s, e)) for s in (0, 1) for e in (0, 1)}) == 4


def test_the_epoch_may_be_told_after_the_iterator_is_opened() -> None:
    early, late = RowBatchSampler(10, 4, 0), RowBatchSampler(10, 4, 0)
    early.set_epoch(2)
    opened = iter(late)
    late.set_epoch(2)
    assert torch.equal(torch.cat(list(early)), torch.cat(list(opened)))


def test_without_a_seed_rows_keep_their_order() -> None:
    assert torch.cat(list(RowBatchSampler(5, 2, None))).tolist() == [0, 1, 2, 3, 4]
