"""`userip infer`: codes for a whole population, with what an experiment has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import ArgumentParser

from userip_lightning.bank import FeatureBank
from userip_lightning.bulk.catalogue_engine import Tabled
from userip_lightning.bulk.part_store import Summary
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.run import infer as infer_population
from userip_lightning.cli.paragraphs import add_experiment, command_parser
from userip_lightning.errors import InputError
from userip_lightning.pipeline.finished import chosen_seed, finished, opened
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.training import instantiate
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.progress_bars import say

#: Users per step of the LM where `fit` took as many as its memory held; codes do not depend on it.
_USERS = 16
_DESCRIPTION = """Give every user of a population one code per profile, with what a finished experiment has
learned. The users need not have been in training, and nothing is trained. The catalogue engine adds up rows
of its table, or of the table of --bank, by the rule that coded its own users; `--engine per_user` uses its
language model, prompt and codebooks. A user's codes depend only on their own events.

Events are Parquet, one row per event, with user_id, item_id and label (1 liked, 0 not; or what the
experiment makes labels from, such as rating). Codes are Parquet, too: CODES/codes/*.parquet with user_id,
one column per profile, and known_behaviours, the number of events behind the code. A user without a known
event has the codes that the classes' shares alone speak for, or with `--engine per_user` the reserved code K
of an unknown user.

Parts are written atomically: after a crash or Ctrl+C the same command continues.
Example: userip infer runs/mine --events events.parquet --codes codes"""


def infer(arguments: Sequence[str]) -> None:
    """Run `userip infer`.

    Raises:
        InputError: the experiment is not finished, the input cannot be used, or Ray is needed and missing.
    """
    config = _parser().parse_args(list(arguments))
    items, bank = (
        None if given is None else Path(given).absolute() for given in (config.further_items, config.bank)
    )
    # Workers of Ray start elsewhere.
    events, codes = Path(config.events).absolute(), Path(config.codes).absolute()
    experiment = Path(config.experiment)
    if (experiment / CONFIG).is_file() and codes.resolve().is_relative_to(experiment.resolve()):
        raise InputError(
            f"--codes: {config.codes} lies in the experiment's folder, whose files its report rests on; name "
            "a folder beside it."
        )
    request = Request(events, items, codes, config.workers, config.part_users)
    with quiet():
        engine = trained_by(experiment, config.seed, bank)
        summary = infer_population(engine, request, say)
    _close(engine, request.output, summary)


def trained_by(folder: Path, seed: int | None, bank: Path | None = None) -> Prompted | Tabled:
    """What the experiment in ``folder`` has left, with the table of ``bank`` if one is given."""
    experiment = opened(folder, "infer")
    prompted = experiment.settings.engine == "per_user"
    found = finished(experiment, folder, chosen_seed(experiment, seed), say, reads_data=prompted)
    profiles = found.plan.profiles
    if not profiles:
        own = found.codes.target
        return Tabled(found.labels, own if bank is None else _version(bank, FeatureBank.open(own), folder))
    if bank is not None:
        raise InputError(
            f"--bank: {bank}, but the codes of {folder} come from the per-user engine, which has no table; "
            "leave it out."
        )
    profile = profiles[found.plan.quantize.index(found.codes) % len(profiles)]
    data = instantiate(profile).data
    assert isinstance(data, ProfileDataModule)
    return Prompted(
        _recipe(profile), found.labels, found.prepared, data.allow_missing_text, found.codes.target
    )


def _version(bank: Path, own: FeatureBank, folder: Path) -> Path:
    """Folder of a bank's current version, which stays the same when a refresh writes the next one."""
    given = FeatureBank.open(bank)
    if given.manifest.data_hash != own.manifest.data_hash:
        raise InputError(
            f"{given.path}: this bank was made from other data than {folder}; give --bank one that "
            "`userip refresh` made from this experiment."
        )
    return given.path


def _recipe(job: Job) -> Recipe:
    """The settings of a stage 1 run."""
    trainee = instantiate(job)
    module, data = trainee.module, trainee.data
    assert isinstance(module, ProfileModule)
    assert isinstance(data, ProfileDataModule)
    epochs = trainee.trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 0:
        raise InputError(
            f"profile.trainer.max_epochs: {epochs}, so it is not known how many steps a user takes; run "
            "`userip fit` with a number."
        )
    return Recipe(
        lm=replace(module.lm, sharded=False),  # each worker has users and the whole model of its own
        prompt=module.prompt,
        start=module.start,
        optimizer=module.optimizer,
        steps=epochs * module.inner_steps,
        behaviours=data.behaviours,
        batch_size=data.batch_size or _USERS,
        block_size=data.block_size,
        accelerator=str(trainee.trainer.get("accelerator") or "auto"),
        precision=str(trainee.trainer.get("precision") or "32-true"),
        seed=job.seed,
    )


def _close(engine: Prompted | Tabled, output: Path, summary: Summary) -> None:
    silent, left_out = summary["users_without_known_behaviour"], summary["events"] - summary["events_shown"]
    print(f"codes of {summary['users']:,} users: {output / 'codes'}")
    for name, counts in summary["counts"].items():
        print(f"{name}: {', '.join(f'{count:,}' for count in counts)} users per code")
    if silent:
        print(f"{silent:,} users have {engine.silent}")
    if left_out:
        print(f"{left_out:,} of {summary['events']:,} events {engine.left_out}")


def _parser() -> ArgumentParser:
    parser = command_parser("userip infer", _DESCRIPTION)
    add_experiment(parser, "which of the experiment's banks; its first seed's if left out")
    parser.add_argument("--events", type=str, required=True, help="Parquet file, or a folder of them")
    parser.add_argument(
        "--codes", type=str, required=True, help="folder to write into; an interrupted run continues there"
    )
    parser.add_argument(
        "--further_items",
        type=str | None,
        default=None,
        help="Parquet file of further items: item_id and the columns of catalogue.data.columns (title), or "
        "with --engine per_user the fields that the prompt writes; items of the log do not change",
    )
    parser.add_argument(
        "--bank",
        type=str | None,
        default=None,
        help="bank whose table codes, such as runs/demo/serving/seed0 after `userip refresh --codebooks "
        "rematch`; the experiment's own if left out",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="for runs with --engine per_user: processes that hold the language model; several need Ray (pip "
        "install 'userip-lightning[ray]'), on this machine or on the cluster that RAY_ADDRESS names, all of "
        "whose machines have to see the folders given here",
    )
    parser.add_argument(
        "--part_users", type=int, default=4096, help="users per part, about; what a killed worker loses"
    )
    return parser
