"""A language model divided among two processes computes what the whole one does."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.distributed.tensor import DTensor

from tests.lm.test_quantized import nats
from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.sharded import decoder_blocks
from userip_lightning.lm.source import LMSource


def block_bytes(backbone: FrozenBackbone) -> int:
    """Bytes of weights that this process holds of the decoder's blocks."""
    local = [w.to_local() for w in backbone.parameters() if isinstance(w, DTensor)]
    return sum(weight.numel() * weight.element_size() for weight in local)


def one_of_two(rank: int, folders: list[str], rendezvous: str, out: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{rendezvous}", rank=rank, world_size=2)
    torch.save([found_in(folder, rank) for folder in folders], f"{out}.{rank}")
    distributed.destroy_process_group()


def found_in(folder: str, rank: int) -> tuple[list[tuple[Tensor, Tensor]], tuple[Tensor, Tensor], str, int]:
    backbone = load_backbone(LMSource(folder, dtype="float32", sharded=True))
    steps = [nats(backbone, seed=rank + 2 * step) for step in range(2)]  # other users on every process
    whole = nn.ModuleDict({"backbone": backbone})
    whole.load_state_dict(whole.state_dict(), strict=True)
    return steps, nats(backbone, seed=rank), backbone.fingerprint(), block_bytes(backbone)


def test_two_processes_equal_one(tiny_llama: Path, tiny_gpt2: Path, tmp_path: Path) -> None:
    folders, out = [str(tiny_llama), str(tiny_gpt2)], tmp_path / "out"
    multiprocessing.spawn(one_of_two, (folders, str(tmp_path / "rendezvous"), str(out)), nprocs=2)
    found = [torch.load(f"{out}.{rank}") for rank in range(2)]
    for folder, of_first, of_second in zip(folders, *found, strict=True):
        plain = load_backbone(LMSource(folder, dtype="float32"))
        for rank, (steps, again, fingerprint, _) in enumerate((of_first, of_second)):
            for step, one in enumerate(steps):
                same(one, nats(plain, seed=rank + 2 * step))
            same(again, nats(plain, seed=rank))
            assert fingerprint == plain.fingerprint()
        whole = sum(weight.numel() * 4 for weight in decoder_blocks(plain.model).parameters())
        assert of_first[-1] + of_second[-1] == whole  # each weight lies in one process
        assert 0.4 * whole < of_first[-1] < 0.6 * whole


def same(found: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]) -> None:
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_one_process_is_told_before_anything_is_loaded() -> None:
    with pytest.raises(InputError, match="this run has one"):
        load_backbone(LMSource("nobody/nothing", sharded=True))
