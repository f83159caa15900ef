import os
from pathlib import Path

import torch
from torch import distributed

from tests.distributed.processes import together
from userip_lightning.pipeline.process_group import World


def take_turns(folder: Path) -> None:
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    world = World(rank, size, distributed.FileStore(str(folder / "store"), size))

    def work(turn: int) -> dict[str, int]:
        with open(folder / "done", "a") as done:
            done.write(f"{rank}{turn} ")
        return {"turn": turn}

    assert [world.first(lambda turn=turn: work(turn)) for turn in range(3)] == [{"turn": n} for n in range(3)]
    for _ in range(2):
        world.connect()
        summed = torch.ones(1)
        distributed.all_reduce(summed)
        assert summed.item() == size
        world.disconnect()
        assert not distributed.is_initialized()
    world.leave(60)


def test_the_first_process_works_for_all(tmp_path: Path) -> None:
    together(take_turns, tmp_path)
    assert (tmp_path / "done").read_text() == "00 01 02 "


def test_a_single_process_works_itself() -> None:
    world = World()
    assert world.first(lambda: "done") == "done"
    world.leave(0)
