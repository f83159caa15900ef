import numpy as np

from userip_lightning.catalogue.code_order import code_order, split_classes


def test_alike_classes_share_the_code_of_the_first_profile():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, 2)) * 5
    evidence = np.stack(
        [centres[:, group] + 0.1 * rng.normal(size=50) for group in (0, 1, 0, 1, 1, 0)], axis=1
    )
    order = code_order(evidence, {"hobby": 2, "background": 3})
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4, 5]
    assert {frozenset(order[:3].tolist()), frozenset(order[3:].tolist())} == {
        frozenset({0, 2, 5}),
        frozenset({1, 3, 4}),
    }


def test_a_class_has_one_combination_of_codes():
    codes = split_classes(np.arange(12), [4, 3])
    assert codes.tolist() == [[a, b] for a in range(4) for b in range(3)]
    assert code_order(np.zeros((5, 1)), {"only": 1}).tolist() == [0]
