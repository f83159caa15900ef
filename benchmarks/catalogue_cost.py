"""What an E step of the catalogue engine costs by the number of users, and how many tokens an LM reads.

    python benchmarks/catalogue_cost.py [--users 1000 ...] [--events 10] [--items 16859] [--classes 12]

Users come in blocks of 65,536, as in training, with random events; making them is not timed. Seconds are
those of one processor. ``codes``: what coding the same users costs once the table stands. A language model
reads a text once per item (``HiddenStates``) or once per item and class (``Likelihood``): its tokens know
nothing of users.
"""

from __future__ import annotations

import argparse
import resource
from time import process_time

import numpy as np
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.catalogue.joint_table import CodeTable

_BLOCK, _TOKENS = 65_536, 12.8  # tokens of a title of the game histories, SmolLM2's tokenizer


def main() -> None:
    """Print a row per number of users."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[1_000, 100_000, 10_000_000])
    parser.add_argument("--events", type=int, default=10, help="of every user")
    parser.add_argument("--items", type=int, default=16_859)
    parser.add_argument("--classes", type=int, default=12)
    args = parser.parse_args()
    read = args.items * _TOKENS
    print("| users | E step, s | codes, s | memory, GiB | LM tokens, hidden states | LM tokens, likelihood |")
    print("|---|---|---|---|---|---|")
    for users in args.users:
        step, codes = _times(users, args.events, args.items, args.classes)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        tokens = f"{read / 1e6:.2f} M | {read * args.classes / 1e6:.1f} M"
        print(f"| {users:,} | {step:.2f} | {codes:.2f} | {peak:.2f} | {tokens} |", flush=True)


def _times(users: int, events: int, items: int, classes: int) -> tuple[float, float]:
    """Seconds of an E step and of coding."""
    rng = np.random.default_rng(0)
    table = CodeTable(rng.normal(size=(items, classes)), np.full(classes, -np.log(classes)))
    start = JointStart(items, classes, event_model(False, None, classes))
    start.learned = table
    step = codes = 0.0
    for first in range(0, users, _BLOCK):
        size = min(_BLOCK, users - first)
        cells = np.sort(rng.integers(items, size=(size, events)), axis=1).ravel()
        counts = csr_matrix((np.ones(cells.size), cells, np.arange(size + 1) * events), shape=(size, items))
        begun = process_time()
        start.observe(counts, 1.0)
        between = process_time()
        table.codes(counts)
        step, codes = step + between - begun, codes + process_time() - between
    return step, codes


if __name__ == "__main__":
    main()
