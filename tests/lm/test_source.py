"""What ``auto`` stands for."""

from types import SimpleNamespace

import pytest
import torch

from userip_lightning.lm.source import LMSource, resolve_dtype, with_dtype


@pytest.mark.parametrize(("generation", "dtype"), [(7, torch.float32), (8, torch.bfloat16)])
def test_bfloat16_is_taken_where_a_gpu_multiplies_it_natively(
    generation: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A V100 and a T4 are of generation 7; torch says that they have it, for it emulates it there."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(major=generation))
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)
    assert resolve_dtype("auto") == dtype
    assert with_dtype(LMSource()) == LMSource(dtype=str(dtype).removeprefix("torch."))  # type: ignore[arg-type]  # one of its names
    assert with_dtype(LMSource(dtype="float16")) == LMSource(dtype="float16")
