"""What a run needs is known before its weights are loaded."""

from pathlib import Path

import pytest

from tests.profile.runner import Run
from userip_lightning.errors import InputError
from userip_lightning.profile import planner


def test_a_run_is_planned_and_an_open_batch_is_chosen(run: Run, tmp_path: Path) -> None:
    module, data = run.module(), run.data(batch_size=None)
    run.trainer(tmp_path, 1).fit(module, datamodule=data)
    assert 1 < data.batch_size <= 64
    assert module.plan.total <= module.plan.budget
    assert module.plan.table == 40 * 4 * 32 * 4  # users, soft tokens, width, bytes
    assert module.plan.optimizer == 2 * module.plan.table
    assert module.plan.summary().startswith("planned memory 0.")


def test_streaming_plans_for_no_table(run: Run, tmp_path: Path) -> None:
    assert run.fit(tmp_path, epochs=1, schedule="streaming").plan.table == 0
    assert run.fit(tmp_path / "disk", epochs=1, table="disk").plan.table == 0


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        (1 << 10, r"profile\.model\.lm: its weights need"),
        (1 << 19, r"profile\.(data|model\.schedule)"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_loaded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, sentence: str
) -> None:
    monkeypatch.setattr(planner, "available_bytes", lambda device: free)
    module = run.module()
    with pytest.raises(InputError, match=sentence):
        run.trainer(tmp_path, 1).fit(module, datamodule=run.data())
    assert module.likelihood is None
