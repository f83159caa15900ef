"""The plan is arithmetic; its refusals are sentences."""

from pathlib import Path

import pytest
import torch

from userip_lightning.errors import InputError
from userip_lightning.lm import planner
from userip_lightning.lm.cost import Line, LMCost
from userip_lightning.lm.planner import MemoryPlan, SoftTokens, plan_memory, plan_run, refuse_too_large
from userip_lightning.lm.source import LMSource

GIB = 2**30
CPU = torch.device("cpu")
COST = LMCost(512, 12 * GIB, Line(0, 2 * GIB), Line(GIB, 2 * GIB + 2**20), GIB // 2)
FORMS = {"lm.quantization to int8": 7 * GIB, "lm.quantization to nf4": 4 * GIB}


def soft(users: int = 1000, table: planner.Table = "memory", per_row: float = 1.0) -> SoftTokens:
    return SoftTokens(users, 2 * 4 * 4096, states=2, table=table, per_row=per_row)


def plan(cost: LMCost, z: SoftTokens, gib: int, rows: int | None = None) -> MemoryPlan:
    return plan_memory(cost, z, gib * GIB, spare=0.1, rows=rows)


def refusal(told: MemoryPlan) -> str:
    with pytest.raises(InputError) as error:
        refuse_too_large(told, "cuda:0", FORMS)
    return str(error.value)


@pytest.mark.parametrize("gib", [15, 16, 20, 40, 80])
@pytest.mark.parametrize("logits", [0, 3 * GIB])
def test_the_largest_batch_fits_and_one_row_more_does_not(gib: int, logits: int) -> None:
    cost, z = COST._replace(logits=logits), soft(per_row=3)
    made = plan(cost, z, gib)
    if made.largest == 0:
        assert made.total > made.budget
        return
    assert made.rows == made.largest
    assert made.total <= made.budget
    assert plan(cost, z, gib, rows=made.largest + 1).total > made.budget


def test_every_part_is_what_its_formula_says() -> None:
    made = plan(COST, soft(users=10_000, per_row=2), 80, rows=8)
    z = 2 * 4 * 4096 * 4
    assert made.weights == 12 * GIB
    assert made.table == 10_000 * z
    assert made.optimizer == 2 * 10_000 * z
    assert made.activations == 16 * GIB
    assert made.workspace == GIB + 8 * 2**20  # more than the logits
    assert made.batch == 8 * 2 * z * 4  # z, its gradient, two moments
    assert made.budget == 72 * GIB
    assert made.total == sum(made[4:10])


@pytest.mark.parametrize("table", ["disk", "streaming"])
def test_off_the_device_users_cost_nothing(table: planner.Table) -> None:
    few, many = (plan(COST, soft(users, table), 40) for users in (1000, 10_000_000))
    assert few == many
    assert few.table == few.optimizer == 0


def test_the_table_can_be_read() -> None:
    told = plan(COST, soft(), 40, rows=4).summary()
    assert told.startswith("planned memory ")
    assert "(weights 12.00, activations " in told


def test_a_plan_that_fits_is_not_refused() -> None:
    refuse_too_large(plan(COST, soft(), 40, rows=4), "cuda:0", FORMS)


def test_weights_that_do_not_fit() -> None:
    assert refusal(plan(COST, soft(), 10)) == (
        "profile.model.lm: its weights need 12.0 GiB and 9.0 GiB are free for it on cuda:0; "
        "set lm.quantization to int8 (7.0 GiB) or lm.quantization to nf4 (4.0 GiB)."
    )
    assert "set lm.quantization to nf4 (4.0 GiB)." in refusal(plan(COST, soft(), 7))
    assert "take a smaller LM" in refusal(plan(COST, soft(), 3))


def test_a_table_that_does_not_fit() -> None:
    assert refusal(plan(COST, soft(10_000_000), 80, rows=4)) == (
        "profile.model.schedule: the soft tokens of all users and their optimizer state need 3662.1 GiB "
        "beside 12.0 GiB of weights, and 72.0 GiB are free for it on cuda:0; set "
        "profile.model.table to disk, or profile.model.schedule to streaming."
    )


def test_a_row_that_does_not_fit() -> None:
    assert refusal(plan(COST, soft(), 15, rows=16)) == (
        "profile.data: a batch of one row of 512 tokens needs 15.4 GiB with the weights, and 13.5 GiB are "
        "free for it on cuda:0; shorten the rows, or set lm.quantization to int8 (7.0 GiB) or "
        "lm.quantization to nf4 (4.0 GiB)."
    )


def test_a_batch_that_does_not_fit() -> None:
    assert refusal(plan(COST, soft(per_row=2.5), 40, rows=64)) == (
        "profile.data.batch_size: 64 rows of 512 tokens need 141.5 GiB with the weights, and 36.0 GiB are "
        "free for it on cuda:0; at most 11 rows (28 users) fit."
    )


def test_a_run_is_planned_from_the_configuration_alone(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_bytes((tiny_llama / "config.json").read_bytes())  # and no weights
    source, z = LMSource(str(tmp_path), dtype="float32"), SoftTokens(100, 256, 2, "memory")
    made = plan_run(source, z, 64, CPU)
    assert made.rows == made.largest > 1000
    with pytest.raises(InputError, match=r"at most \d+ rows"):
        plan_run(source, z, 64, CPU, rows=100 * made.largest)
    monkeypatch.setattr(planner, "available_bytes", lambda device: 200_000)
    with pytest.raises(InputError, match=r"its weights need 0\.2 MiB.*set lm\.dtype to bfloat16 \("):
        plan_run(source, z, 64, CPU)
