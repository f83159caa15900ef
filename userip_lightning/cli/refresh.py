"""`userip refresh`: next week's log in, a new version of the bank out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml
from jsonargparse import ArgumentParser

from userip_lightning.artifact import stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.cli.paragraphs import add_experiment, command_parser
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import preparation
from userip_lightning.pipeline.earlier_artifacts import RESULTS
from userip_lightning.pipeline.finished import chosen_seed, finished, opened
from userip_lightning.pipeline.local_paths import names_alone
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.stages import CATALOGUE
from userip_lightning.pipeline.training import instantiate
from userip_lightning.progress_bars import say
from userip_lightning.refresh.event_log import LaterLog
from userip_lightning.refresh.run import Fitted, Refreshed, Request, copy
from userip_lightning.refresh.run import refresh as refresh_bank

_DESCRIPTION = """Bring codes up to date with events that came after `userip fit`, and say who moved. Events
are Parquet as `userip infer` takes it: user_id, item_id and label (or what the experiment makes labels
from).

With --codebooks keep, the default, events are added to the users' states with the same table. A code keeps
its meaning, so a CTR model that reads the codes need not be trained again. Give each event once; a file that
is in the bank already is refused, and so is the log of the fit.

With --codebooks rematch, EM continues from the table, over the experiment's own events and the given ones.
Each new code takes the number of the old code that has most of its users. Give all events since the fit,
and train the CTR model again if many users moved.

The next version goes into the bank EXPERIMENT/serving/seedN, which begins as a copy of the experiment's own
bank; without --events only that copy is made. The experiment's own bank and its report do not change.
Readers of the serving bank find a new version when they next look for one (docs/serving.md).
Example: userip refresh runs/mine --events week_48.parquet --limit 0.2"""


def refresh(arguments: Sequence[str]) -> None:
    """Run `userip refresh`.

    Raises:
        InputError: the experiment is not finished or has no table, the events cannot be used, or more users
            moved than allowed.
    """
    config = _parser().parse_args(list(arguments))
    about_events = (config.dry_run, config.json, config.limit is not None, config.codebooks != "keep")
    if config.events is None and any(about_events):
        raise InputError(
            "--dry_run, --json, --limit and --codebooks say what to do with --events; give some, or "
            "leave these out to make the bank that is served."
        )
    if config.limit is not None and not 0 <= config.limit <= 1:
        raise InputError(f"--limit: {config.limit} given, a share from 0 to 1 is needed.")
    root = Path(config.experiment)
    with quiet():
        experiment = opened(root, "refresh")
        if experiment.settings.engine != "catalogue":
            raise InputError(
                f"{root}: its codes come from the per-user engine, which has no table to go on with; "
                "give its users new codes with `userip infer`, or fit with the catalogue engine."
            )
        seed = chosen_seed(experiment, config.seed)
        bank = _bank(root, config.bank, seed)

        def codes() -> Job:  # prepares data, so only where it is asked for
            return finished(experiment, root, seed, say).codes

        fitted = Fitted(
            settings=_settings(root, seed),
            data_hash=_data_hash(root),
            prepared=lambda data_hash: cache_root() / f"prepared-{data_hash}",
            bank=lambda: codes().target,
            parts=lambda: _parts(codes()),
        )
        if config.events is None:
            print(f"bank: {copy(fitted, bank)}")
            return
        log = LaterLog.read(Path(config.events), preparation(experiment, say).labels)
        request = Request(bank, config.codebooks, config.limit, config.dry_run)
        done = refresh_bank(fitted, log, request, say)
    _show(done, config.json)


def _bank(root: Path, given: str | None, seed: int) -> Path:
    """Of the bank that is served."""
    bank = (Path(given) if given else root / "serving" / f"seed{seed}").resolve()
    if (root / CATALOGUE.name).resolve() in bank.parents:
        raise InputError(
            f"--bank: {given} is the experiment's own bank, on which its report rests; name another folder."
        )
    return bank


def _settings(root: Path, seed: int) -> str:
    """What the settings of the fit are known by, as `userip fit` wrote them down, but where files lie."""
    written = yaml.safe_load((root / CONFIG).read_text(encoding="utf-8"))
    return stable_hash(names_alone([written["data"], written[CATALOGUE.name], written["seed"], seed]))


def _data_hash(root: Path) -> str | None:
    """Of the data that the experiment's last report is of, if it has one."""
    file = root / RESULTS
    return json.loads(file.read_text(encoding="utf-8")).get("data_hash") if file.is_file() else None


def _parts(job: Job) -> tuple[CatalogueModule, CatalogueDataModule]:
    trainee = instantiate(job)
    assert isinstance(trainee.module, CatalogueModule)
    assert isinstance(trainee.data, CatalogueDataModule)
    return trainee.module, trainee.data


def _show(done: Refreshed, as_json: bool) -> None:
    where = None if done.version is None else str(done.version)
    if as_json:
        print(json.dumps({**done.movement.as_json(), "version": where}, indent=2))
        return
    print("\n".join(done.movement.sentences()))
    print("nothing was written (--dry_run)" if where is None else f"bank: {where}")


def _parser() -> ArgumentParser:
    parser = command_parser("userip refresh", _DESCRIPTION)
    add_experiment(parser, "which of the experiment's banks; its first seed's if left out")
    parser.add_argument("--events", type=str | None, default=None, help="Parquet file, or a folder of them")
    parser.add_argument(
        "--codebooks",
        type=Literal["keep", "rematch"],
        default="keep",
        help="the table as it is, or moved by EM",
    )
    parser.add_argument(
        "--limit",
        type=float | None,
        default=None,
        help="refuse, and write nothing, if a larger share of the bank's users would move to another code",
    )
    parser.add_argument("--dry_run", action="store_true", help="say who would move, write nothing")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument(
        "--bank", type=str | None, default=None, help="folder of the bank that is served, if another one"
    )
    return parser
