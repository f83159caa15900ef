"""Have users the same codes in the bank, in `userip infer`, in a whole log and event by event?

    userip fit --config configs/ml100k.yaml --stages prepare,catalogue
    python benchmarks/agreement.py runs/ml100k [--online 2000]

EXPERIMENT is a folder of the catalogue engine. The training and support events of its users come in random
order, as a stranger's log would. Printed are shares of users with the bank's codes of all profiles, and the
share whose state, added up one event at a time, has the bits of the bank's.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from userip_lightning.bulk.part_store import PartStore
from userip_lightning.cli import main as userip
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.finished import chosen_seed, finished, opened
from userip_lightning.schema import SUPPORT, TRAIN
from userip_lightning.serving import Profiler


def main() -> None:
    """Print a row per way of coding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--online", type=int, default=2000, help="users whose events are added one by one")
    args = parser.parse_args()
    experiment = opened(args.experiment, "agreement")
    found = finished(experiment, args.experiment, chosen_seed(experiment, None), print)
    profiler = Profiler.load(found.codes.target)
    events = PreparedData.load(found.prepared).rows(TRAIN, SUPPORT).filter("logged")
    events = events.select("user_id", "item_id", "label").sample(fraction=1.0, shuffle=True, seed=0)
    bank = profiler.bank.users
    inferred = _inferred(args.experiment, events)  # which prints
    print(f"\n{events.height:,} events, {bank.height:,} users of the bank\n")
    print("| same as in the bank | share of users |\n|---|---|")
    print(f"| Profiler.codes | {_share(bank, profiler.codes(events)):.3f} |")
    print(f"| userip infer | {_share(bank, inferred):.3f} |")
    users = bank.sample(min(args.online, bank.height), seed=1)
    codes, states = _online(profiler, users, events)
    print(f"| one by one, codes of {users.height:,} | {codes:.3f} |")
    print(f"| one by one, bits of the state of {users.height:,} | {states:.3f} |")


def _share(bank: pl.DataFrame, found: pl.DataFrame) -> float:
    """Of the bank's users, those who have its codes in the other table as well."""
    return bank.join(found, on=bank.columns, how="semi").height / bank.height


def _inferred(experiment: Path, events: pl.DataFrame) -> pl.DataFrame:
    with TemporaryDirectory() as folder:
        file, codes = Path(folder, "events.parquet"), Path(folder, "codes")
        events.write_parquet(file)
        if userip(["infer", str(experiment), "--events", str(file), "--codes", str(codes)]):
            raise SystemExit("infer failed")
        return PartStore(codes).codes().collect()


def _online(profiler: Profiler, users: pl.DataFrame, events: pl.DataFrame) -> tuple[float, float]:
    """Shares of users with the bank's codes, and with the bits of its states."""
    kept = dict(zip(users["user_id"], profiler.stored(users["user_id"].to_list()), strict=True))
    states = {user: profiler.start() for user in kept}
    for user, item, label in events.rows():
        if user in states:
            profiler.update(states[user], item, label)
    same_codes = sum(profiler.code(states[user]) == tuple(codes) for user, *codes in users.rows())
    same_bits = sum(states[user].tobytes() == state.tobytes() for user, state in kept.items())
    return same_codes / len(kept), same_bits / len(kept)


if __name__ == "__main__":
    main()
