import torch

from userip_lightning.surrogate.item_tower import ItemTower


def test_without_text_an_item_is_its_free_vector() -> None:
    tower = ItemTower(5, 3, None)
    assert torch.equal(tower(torch.tensor([4, 0])), tower.ids.weight[[4, 0]])


def test_with_text_items_of_the_same_text_differ_by_their_free_vectors_alone() -> None:
    torch.manual_seed(0)
    text = torch.randn(6, 10)
    text[1] = text[0]
    tower = ItemTower(6, 3, text, text_dim=4)
    told = (tower(torch.arange(6)) - tower.ids.weight).detach()
    torch.testing.assert_close(told[0], told[1])
    assert float((told[0] - told[2]).abs().max()) > 1e-2
    assert tower.text.shape == (6, 4)
    assert abs(float(tower.text.square().mean()) - 1) < 1e-5


def test_the_text_is_no_part_of_a_checkpoint() -> None:
    assert set(ItemTower(6, 3, torch.randn(6, 10)).state_dict()) == {"ids.weight", "project.weight"}


def test_equal_texts_do_not_divide_by_zero() -> None:
    tower = ItemTower(4, 3, torch.ones(4, 10))
    assert bool(torch.isfinite(tower(torch.arange(4))).all())
