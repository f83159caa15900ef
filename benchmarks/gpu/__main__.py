"""Every figure that needs a GPU, one process after another, in ten minutes at most.

    python -m benchmarks.gpu --assets FOLDER --out FOLDER     on the GPU machine (`make gpu`)
    python -m benchmarks.gpu --steps catalogue ctr            only these
    python -m benchmarks.gpu --dry                            toy sizes on a CPU: that it runs to its end
    python -m benchmarks.gpu pack FOLDER [--histories FILE --items FILE]     here, where the data are

It lists first what is missing on the machine and which steps that costs. Each step has a limit of its own and
results are written as they come: gpu.jsonl has a line each, gpu.md is the table. A step that dies, hangs or
meets a driver that fails leaves its reason in its rows, and the next one runs.

Nothing is fetched. `pack` writes the default language model (8-bit weights, a scale per row), MovieLens-100K
and, where their two files are named, the Amazon game histories, in parts of 48 MiB that can be carried one
by one. --assets names the folder where they lie together again; it is checked, and restored to the folder
`assets` of --out. Without --assets the package's own cache is looked into, which has no game histories.
Where speed alone counts, models have random weights.

Steps, in order of value:
  tests      every stage on CUDA against float32 on the CPU, twice alike, resumed (tests/test_cuda.py)
  games      the catalogue engine with the default language model on the game histories, all users
  catalogue  a model of the shape of Llama-2-7B: a table of 16,859 titles × 12, rates, memory planned and used
  per_user   the same model under soft tokens of users; MovieLens-100K in full with the default one
  ctr        DCN against a plain loop with fused Adam and torch.compile; a step by the number of users
  compiled   torch.compile and CUDA graphs on fixed shapes
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gpu.archive import MANIFEST, collect, pack, restore
from benchmarks.gpu.assets import Assets, find_assets
from benchmarks.gpu.children import Message, run_child
from benchmarks.gpu.figures import Figures
from benchmarks.gpu.machine import described, look, missing
from benchmarks.gpu.steps import STEPS, Step
from userip_lightning.errors import InputError

_MIB = 1 << 20


def main(args: list[str] | None = None) -> int:
    """Run what the command line asks for; 2 where that cannot be done."""
    words = sys.argv[1:] if args is None else args
    try:
        return _pack(words[1:]) if words[:1] == ["pack"] else _measure(words)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def _measure(words: list[str]) -> int:
    given = _arguments(words)
    begun, out = time.monotonic(), given.out
    out.mkdir(parents=True, exist_ok=True)
    steps = tuple(step for step in STEPS if step.name in given.steps)
    machine = look(steps, out / "machine.log")
    if machine["device"] is None and not given.dry:
        raise InputError(
            f"No CUDA device here ({machine['reason']}); run on a machine with one, or with --dry for toy "
            "sizes on the CPU."
        )
    assets, cut = _assets(given.assets, out)
    title = "Dry run: toy sizes on a CPU, figures mean nothing. " if given.dry else ""
    figures = Figures(out, steps, title + described(machine))
    print(title + described(machine), flush=True)
    absent = {step.name: missing(step, machine, assets, cut) for step in steps}
    for name, reason in absent.items():
        if reason:
            print(f"{name}: will be skipped, {reason}", flush=True)
    for step in steps:
        left = given.limit - (time.monotonic() - begun)
        reason = absent[step.name] or _too_late(left)
        if reason is None:
            reason = _run(step, min(step.seconds, left), given, figures)
        for row in figures.open_rows(step):
            figures.add(step.name, row, reason=reason or "the step ended without it")
        print(f"{step.name}: {reason or 'done'} ({time.monotonic() - begun:.0f} s in all)", flush=True)
    print((out / "gpu.md").read_text(encoding="utf-8"))
    return 0


def _run(step: Step, seconds: float, given: argparse.Namespace, figures: Figures) -> str | None:
    """A step's process; why it ended before its end, or None."""
    shutil.rmtree(given.out / step.name, ignore_errors=True)  # what an earlier run kept would cost nothing
    command = [sys.executable, "-m", step.module, "--seconds", f"{seconds:.0f}"]
    command += ["--folder", str(given.out / step.name), "--device", "cpu" if given.dry else "cuda"]
    command += ["--dry"] if given.dry else []
    command += ["--assets", str(given.out / "assets")] if given.assets else []

    def receive(message: Message) -> None:
        figures.add(step.name, message["row"], message.get("figures"), message.get("reason", ""))

    return run_child(command, seconds, given.out / f"{step.name}.log", receive)


def _assets(archive: Path | None, out: Path) -> tuple[Assets, str | None]:
    """What is at hand, and what is wrong with the archive that was given."""
    if archive is None:
        return find_assets(None), None
    try:
        return find_assets(restore(archive, out / "assets")), None
    except (InputError, ImportError, OSError) as error:
        return Assets(None, None, None), str(error)


def _too_late(left: float) -> str | None:
    return "the time of the whole run was up" if left < 5 else None


def _pack(words: list[str]) -> int:
    from userip_lightning.assets import ensure_ml100k, ensure_model

    parser = argparse.ArgumentParser("python -m benchmarks.gpu pack", description="See --help of the whole.")
    parser.add_argument("folder", type=Path, help="gets the parts")
    parser.add_argument("--histories", type=Path, help="the game histories (docs/data.md)")
    parser.add_argument("--items", type=Path, help="their items")
    given = parser.parse_args(words)
    if (given.histories is None) != (given.items is None):
        raise InputError("pack: game histories are two files; give --histories and --items together.")
    if (given.folder / MANIFEST).exists():
        raise InputError(f"{given.folder}: holds an archive already; delete it or name another folder.")
    games = None if given.histories is None else (given.histories, given.items)
    with tempfile.TemporaryDirectory() as work:
        parts = pack(collect(ensure_model(), ensure_ml100k(), games, Path(work)), given.folder)
    sizes = ", ".join(f"{part.name} {part.stat().st_size / _MIB:.0f} MiB" for part in parts)
    print(f"{given.folder}: {sizes}; carry them with {MANIFEST}.")
    return 0


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [step.name for step in STEPS]
    parser.add_argument("--steps", nargs="+", choices=names, default=names, help="(default: all)")
    parser.add_argument("--out", type=Path, default=Path("gpu-figures"), help="(default: %(default)s)")
    parser.add_argument("--assets", type=Path, help="folder of an archive that `pack` wrote")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds in all (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="toy sizes, on the CPU")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
