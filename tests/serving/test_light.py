"""The Profiler needs numpy and polars alone, and polars for whole logs alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.small_bank import bank

_PROGRAM = """
import sys
from userip_lightning.serving import Profiler

profiler = Profiler.load(sys.argv[1])
state = profiler.start()
profiler.update(state, "i1")
profiler.code(state), profiler.additive or profiler.posterior(state)
print(*({"polars", "torch", "scipy"} & set(sys.modules)))
import polars as pl

profiler.codes(pl.DataFrame({"user_id": ["u"], "item_id": ["i1"]}))
profiler.stored(["held"])
print(*({"torch", "lightning", "scipy", "sklearn", "pandas", "pyarrow", "transformers"} & set(sys.modules)))
"""


@pytest.mark.parametrize("codebooks", ["joint", "additive"])
def test_coding_loads_neither_torch_nor_scipy(tmp_path: Path, codebooks: str) -> None:
    bank(tmp_path, codebooks, False)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == []
