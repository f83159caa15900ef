"""Free memory, within the limits of a container."""

from pathlib import Path

import psutil
import pytest
import torch

from userip_lightning.lm.device_memory import available_bytes

CPU = torch.device("cpu")


def container(folder: Path, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("900000\n")
    (folder / "memory.stat").write_text("anon 5\ninactive_file 300000\nactive_file 7\n")
    return folder


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    assert available_bytes(CPU, container(tmp_path, "1000000")) == 400_000
    assert available_bytes(CPU, container(tmp_path, "500000")) == 0


@pytest.mark.parametrize("limit", ["max", None])
def test_without_a_limit_the_machine_counts(tmp_path: Path, limit: str | None) -> None:
    cgroup = tmp_path if limit is None else container(tmp_path, limit)
    total = psutil.virtual_memory().total
    assert 0.001 * total < available_bytes(CPU, cgroup) <= total
