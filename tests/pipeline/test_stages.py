"""What a stage makes of its section."""

import pytest

from userip_lightning.pipeline.stages import CTR, PROFILE, Stage, shared_strategy


@pytest.mark.parametrize(
    ("stage", "asked", "processes", "taken"),
    [
        (PROFILE, "auto", 1, "auto"),
        (PROFILE, "ddp", 1, "auto"),
        (PROFILE, "ddp", 2, "user_sharded"),
        (PROFILE, "auto", 2, "user_sharded"),
        (PROFILE, "fsdp", 2, "fsdp"),
        (CTR, "ddp", 1, "ddp"),
        (CTR, "ddp", 2, "ddp"),
    ],
)
def test_stage_1_never_meets_ddp(stage: Stage, asked: str, processes: int, taken: str) -> None:
    assert shared_strategy(stage, asked, processes) == taken
