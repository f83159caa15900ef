"""`python -m benchmarks.fuzz`: damaged input by the thousand; exit code 1 if any is answered badly.

    python -m benchmarks.fuzz                          all kinds, 25,200 cases
    python -m benchmarks.fuzz --kinds banks,readers --share 0.05
    python -m benchmarks.fuzz --only banks:17          one case again, with its traceback
    python -m benchmarks.fuzz --large                  a user with a million events, a line of a gigabyte

A case is a kind and a seed. A good end is the right answer or one sentence (InputError, exit code 2). A
finding is another answer, another exception, a sentence that is none, a process that dies, hangs or takes
too much memory. Findings are written as JSON lines; the damaged input of each is kept beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.fuzz.findings import Findings
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.large import run_large
from benchmarks.fuzz.pool import Limits, Pool
from benchmarks.fuzz.progress import Progress
from userip_lightning.artifact import stable_hash

_GIB = 1 << 30
#: One thread each, no network, nothing of the user's own cache.
_QUIET = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"),
    **{"HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled", "PYTHONFAULTHANDLER": "1"},
}


def main() -> int:
    """Run what is asked for; 1 if anything was found."""
    given = _parser().parse_args()
    os.environ.update(_QUIET)
    work = given.work or Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["USERIP_CACHE"] = str(work / "cache")
    limits = Limits(given.seconds, int(given.memory_gib * _GIB))
    try:
        if given.large is not None:
            return run_large(given.large, work, sys.stdout)
        return _again(given, work, limits) if given.only else _all(given, work, limits)
    finally:
        if given.work is None:
            shutil.rmtree(work, ignore_errors=True)


def _all(given: argparse.Namespace, work: Path, limits: Limits) -> int:
    counts = {name: given.cases or round(KINDS[name].cases * given.share) for name in given.kinds}
    findings = Findings(given.findings)
    progress = Progress(counts, sys.stderr)
    verdicts: dict[str, Counter[str]] = {}
    with Pool(given.workers, work / "pool", limits) as pool:
        for name, count in counts.items():
            progress.say(f"{name}: making what its {count:,} cases start from")
            folder = _built(pool, name, work)
            progress.start(name)
            seen = verdicts[name] = Counter()
            for seed, outcome, scratch in pool.run(
                KINDS[name].kind, folder, range(given.seed, given.seed + count)
            ):
                seen[outcome.verdict] += 1
                if outcome.is_finding:
                    findings.add(name, seed, outcome, scratch)
                progress.step(findings.count)
    for name, seen in verdicts.items():
        print(f"{name}: {', '.join(f'{count:,} {verdict}' for verdict, count in seen.most_common())}")
    count = sum(map(Counter.total, verdicts.values()))
    print(f"{count:,} cases in {progress.elapsed}, {findings.count:,} findings")
    print(findings.summary())
    return int(findings.count > 0)


def _again(given: argparse.Namespace, work: Path, limits: Limits) -> int:
    """Single cases, told in full."""
    findings = Findings(given.findings)
    with Pool(1, work / "pool", limits) as pool:
        for case in given.only:
            name, _, seed = case.partition(":")
            for found, outcome, scratch in pool.run(KINDS[name].kind, _built(pool, name, work), [int(seed)]):
                print(json.dumps(outcome._asdict() | {"trace": ""}, indent=1, ensure_ascii=False))
                print(outcome.trace)
                if outcome.is_finding:
                    print(f"its input: {findings.add(name, found, outcome, scratch)}")
    return int(findings.count > 0)


def _built(pool: Pool, name: str, work: Path) -> Path:
    """What a kind's cases start from; made once per folder, and again after the code has changed."""
    folder, mark = work / name, work / f"{name}.built"
    code = _code()
    if not mark.is_file() or mark.read_text() != code:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        pool.build(KINDS[name].kind, folder)
        mark.write_text(code)
    return folder


def _code() -> str:
    """Which code it is, by the times and sizes of its files."""
    root = Path(__file__).parents[2]
    files = sorted([*(root / "userip_lightning").rglob("*.py"), *Path(__file__).parent.glob("*.py")])
    return stable_hash([(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files])


def _kinds(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(KINDS)):
        raise argparse.ArgumentTypeError(f"no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", type=_kinds, default=list(KINDS), help=f"of {','.join(KINDS)} (all)")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of every kind's cases (default: %(default)s)"
    )
    parser.add_argument("--cases", type=int, help="of every kind, in place of a share")
    parser.add_argument("--seed", type=int, default=0, help="of the first case; another finds other things")
    parser.add_argument("--only", nargs="+", metavar="KIND:SEED", help="these cases again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="a case may take (default: %(default)s)")
    parser.add_argument(
        "--memory_gib", type=float, default=1.5, help="a case may take (default: %(default)s)"
    )
    parser.add_argument("--work", type=Path, help="keep what cases start from here, for the next time")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="(default: %(default)s)")
    parser.add_argument(
        "--large", nargs="*", metavar="NAME", help="the large cases instead, or those of these names"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
