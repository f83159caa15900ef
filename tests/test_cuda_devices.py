"""What only a CUDA device can show."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch.optim import Adam

from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.mask_check import refuse_misread
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.user_table import UserTable

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
HERE = torch.device("cuda", 0)


def test_a_fused_optimizer_moves_users_as_a_plain_one() -> None:
    """Its step counts have to be on the device, or its kernel reads memory that it cannot reach."""
    ends = []
    for fused in (False, True):
        table = UserTable(torch.arange(5), (1, 1, 2), partial(Adam, lr=0.1, fused=fused))
        for users in (torch.arange(5), torch.tensor([1, 3]), torch.arange(5)):
            leaf, optimizer = table.checkout(users, HERE)
            (leaf - 1).square().sum().backward()
            optimizer.step()
            table.checkin(users, leaf, optimizer)
        ends.append(table.z)
    torch.testing.assert_close(ends[1], ends[0])


def test_row_adam_repeats_itself() -> None:
    """Sums over look-ups of a row in any order would differ in their last bits."""
    torch.manual_seed(0)
    start, rows = torch.randn(50, 8, device=HERE), torch.randint(50, (20_000,), device=HERE)
    slope, ends = torch.randn(20_000, 8, device=HERE), []
    for _ in range(3):
        table = torch.nn.Embedding.from_pretrained(start.clone(), freeze=False, sparse=True)
        optimizer = RowAdam(table.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            (table(rows) * slope).sum().backward()
            optimizer.step()
        ends.append(table.weight.detach())
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


def test_a_model_is_taken_under_deterministic_algorithms(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with HERE:
        backbone = load_backbone(LMSource(str(tiny_llama), dtype="bfloat16"))
    torch.use_deterministic_algorithms(True)
    try:
        refuse_misread("some", backbone)
    finally:
        torch.use_deterministic_algorithms(False)
