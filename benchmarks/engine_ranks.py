"""Stage 1 in two processes (gloo) against one: seconds, soft tokens, codes. Run as a script, it is a rank."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from engine_data import Corpus
from engine_run import fit
from numpy.typing import NDArray
from planted_profiles import codes
from rich.table import Table

from userip_lightning.data.prepared import PreparedData
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule

SECONDS, PROFILES = "seconds.json", "profiles"
BLOCK = 16  # users; whole blocks go to a process


class Outcome(NamedTuple):
    """What training by some processes gave."""

    seconds: float
    z: NDArray[np.float32]  #    [U, P, S, D]
    codes: NDArray[np.int64]  #  [U, P]


def ranks_table(corpus: Corpus, lm: LMSource, epochs: int, folder: Path) -> Table:
    """One process with one thread, two with one thread each, and one with two threads: the same machine."""
    ways = {
        "1 process, 1 thread": (1, 1),
        "2 processes, 1 thread each": (2, 1),
        "1 process, 2 threads": (1, 2),
    }
    columns = ("", "seconds", "speed-up", "max |z difference|", "codes equal")
    table = Table(*columns, title=f"{len(corpus.training)} users, {epochs} epochs")
    first: Outcome | None = None
    for way, (devices, threads) in ways.items():
        own = _outcome(corpus, lm, epochs, devices, threads, folder / f"{devices}-{threads}")
        first = first or own
        apart, same = np.abs(own.z - first.z).max(), (own.codes == first.codes).mean()
        table.add_row(
            way, f"{own.seconds:.1f}", f"{first.seconds / own.seconds:.2f}x", f"{apart:.2g}", f"{same:.1%}"
        )
    return table


def _outcome(corpus: Corpus, lm: LMSource, epochs: int, devices: int, threads: int, folder: Path) -> Outcome:
    """Train in fresh processes, then quantize here, the same way for all."""
    given = ("--prepared", corpus.prepared, "--lm", lm.name, "--epochs", epochs, "--devices", devices)
    command = [sys.executable, __file__, *map(str, given), "--folder", str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    z = np.load(folder / PROFILES / "z.npy")
    bank = codes(corpus.prepared, folder / PROFILES, "straight_through", 0.25, folder)
    names = PreparedData.load(corpus.prepared).users["user_id"].to_numpy().astype(np.str_)
    seconds = float(json.loads((folder / SECONDS).read_text())["seconds"])
    return Outcome(seconds, z, bank.lookup(names))


def main() -> None:
    """One rank of one training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", required=True)
    parser.add_argument("--lm", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    module = ProfileModule(LMSource(given.lm))
    data = ProfileDataModule(given.prepared, block_size=BLOCK, allow_missing_text=True)
    with quiet():
        clock = fit(module, data, given.folder, given.epochs, devices=given.devices)
        module.export(given.folder / PROFILES)
        if module.global_rank == 0:
            (given.folder / SECONDS).write_text(json.dumps({"seconds": clock.wall}))


if __name__ == "__main__":
    main()
