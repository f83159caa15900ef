from pathlib import Path

import pytest
import torch

from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.synthesize import Planted


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared folder of 60 planted users with about 1,000 rows."""
    return Preparation(Planted(users=60, rows_per_user=16)).run(
        tmp_path_factory.mktemp("ctr"), lambda _: None
    )


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Threads cost networks of this size more than they give."""
    torch.set_num_threads(1)
