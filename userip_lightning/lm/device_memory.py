"""How many bytes a device has free."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes(device: torch.device, cgroup: Path = _CGROUP) -> int:
    """Free bytes of a CUDA device, or of main memory within the limits of the process's container.

    Args:
        device: a CUDA device or the CPU; of any other kind, main memory is told.
        cgroup: where Linux tells the limits of a container (version 2).
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # what PyTorch has reserved and not handed out is free for it alone
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = int(psutil.virtual_memory().available)
    return min(free, _left_in_container(cgroup, free))


def _left_in_container(cgroup: Path, unlimited: int) -> int:
    try:
        limit, used, stat = ((cgroup / f"memory.{name}").read_text() for name in ("max", "current", "stat"))
    except OSError:  # not Linux, not in a container, or version 1
        return unlimited
    if not limit.strip().isdigit():
        return unlimited
    cached = next((line.split()[1] for line in stat.splitlines() if line.startswith("inactive_file ")), "0")
    return max(0, int(limit) - int(used) + int(cached))  # files in the cache give way
