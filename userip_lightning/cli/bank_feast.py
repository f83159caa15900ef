"""`userip bank feast`: a bank as a Feast feature repository."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank import FeatureBank
from userip_lightning.cli.bank_command import BankCommand
from userip_lightning.serving import feast_repository

_FEAST = "a Feast repository of the codes, for feast apply, feast materialize and get_online_features"
_DESCRIPTION = (
    "Write a Feast feature repository of the current codes: feature_store.yaml, the definitions (entity user "
    "with join key user_id, view user_codes with one Int64 feature per profile) and the rows as Parquet. Run "
    "it again for every version of the bank, then the command that it prints. Feast is not needed here."
)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help="the bank's folder, or that of one of its versions")
    parser.add_argument("folder", type=str, help="the repository: absent, empty or written by this command")
    parser.add_argument(
        "--online",
        type=str | None,
        default=None,
        help="online store: sqlite (what a new repository has), redis://HOST:PORT or redis://HOST:PORT/DATABASE"
        " (rediss for TLS). A password in it is not written down: Feast reads it from the variable "
        "REDIS_PASSWORD. Whatever else Feast knows is set in the repository's feature_store.yaml, which is "
        "written once",
    )
    parser.add_argument(
        "--project",
        type=str | None,
        default=None,
        help="Feast's name for this repository (what a new one has: userip), part of every key in the store",
    )


def _run(chosen: Namespace) -> None:
    bank = FeatureBank.open(chosen.path)
    written = feast_repository.write(bank, chosen.folder, chosen.online, chosen.project)
    gone = f", gone since earlier versions and now with empty codes: {written.gone}" if written.gone else ""
    print(f"{chosen.folder}: version {bank.path.name}, users: {written.users}{gone}")
    until = written.until.replace(tzinfo=None).isoformat()
    print("next, in that folder (apply the first time and where profiles change):")
    print("  feast apply")
    print(f"  feast materialize-incremental {until}")


FEAST = BankCommand(_FEAST, _DESCRIPTION, _arguments, _run)
