"""Fig. 4 as literal matrices: two profiles, BOS, padding."""

import torch

from userip_lightning.lm.mask import additive, visible

# BOS | name z | name z | task a a b | padding
SEGMENT = torch.tensor([[0, 1, 1, 2, 2, 3, 4, 4, 5, -2]])
HEAD = torch.tensor([[-1, -1, -1, -1, -1, 3, 3, 3, 3, -1]])
VALID = torch.tensor([[True] * 9 + [False]])


def matrix(text: str) -> torch.Tensor:
    return torch.tensor([[mark == "x" for mark in row.split()] for row in text.strip().splitlines()])


CAUSAL_BODY = matrix("""
    x . . . . . . . . .
    x x . . . . . . . .
    x x x . . . . . . .
    x . . x . . . . . .
    x . . x x . . . . .
    x x x x x x . . . .
    x x x x x x x . . .
    x x x x x x x x . .
    x x x x x x x x x .
    x . . . . . . . . x
""")
INDEPENDENT_BODY = matrix("""
    x . . . . . . . . .
    x x . . . . . . . .
    x x x . . . . . . .
    x . . x . . . . . .
    x . . x x . . . . .
    x x x x x x . . . .
    x x x x x x x . . .
    x x x x x x x x . .
    x x x x x x . . x .
    x . . . . . . . . x
""")


def test_two_profiles_with_bos_and_padding() -> None:
    assert torch.equal(visible(SEGMENT, HEAD, VALID, 2, independent=False)[0], CAUSAL_BODY)


def test_independent_behaviours_do_not_see_each_other() -> None:
    assert torch.equal(visible(SEGMENT, HEAD, VALID, 2, independent=True)[0], INDEPENDENT_BODY)


def test_two_task_texts_keep_their_behaviours_apart() -> None:
    # BOS | z | liked a | disliked b
    segment = torch.tensor([[0, 1, 2, 4, 3, 5]])
    head = torch.tensor([[-1, -1, 2, 2, 3, 3]])
    shown = visible(segment, head, torch.ones(1, 6, dtype=torch.bool), 1, independent=True)[0]
    assert torch.equal(shown[5], torch.tensor([True, True, False, False, True, True]))
    assert torch.equal(shown[4], torch.tensor([True, True, False, False, True, False]))


def test_additive_mask_is_finite_in_every_dtype_and_has_a_head_axis() -> None:
    shown = visible(SEGMENT, HEAD, VALID, 2, independent=False)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        mask = additive(shown, dtype)
        assert mask.shape == (1, 1, 10, 10)
        assert mask.dtype == dtype
        assert mask.isfinite().all()
        assert torch.equal(mask[0, 0] == 0, CAUSAL_BODY)
        assert (mask[0, 0][~CAUSAL_BODY] == torch.finfo(dtype).min).all()


def test_a_row_never_loses_its_own_key() -> None:
    nobody = torch.zeros(1, 10, dtype=torch.bool)
    assert visible(SEGMENT, HEAD, nobody, 2, independent=False)[0].diagonal().all()
