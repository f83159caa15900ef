"""A bank as a Feast feature repository, so that `feast materialize` brings codes into an online store.

    FOLDER/feature_store.yaml  project and online store; written once, then its reader's to edit
    FOLDER/user_codes.py       entity ``user`` (join key user_id), one feature per profile
    FOLDER/user_codes.parquet  user_id, one Int64 column per profile, event_timestamp; sorted by user_id
    FOLDER/data/               Feast's own, never touched here

The repository is written again for every version of the bank. Two rules keep Feast's copy right:

* Every row carries the time at which its codes came into the repository. Redis keeps what has the newer time
  and `materialize-incremental` takes what is newer than its last run, so with a time further back, such as
  that of the version, an older version that is made current again, or one published late, would never arrive.
* Feast deletes nothing. Who was in the repository and is in the bank no more stays with empty codes, which
  replace the old ones and are read like those of a user never seen.

Feast need not be installed here: files alone are written.
"""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import polars as pl
import yaml

from userip_lightning import atomic, parquet
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError

SETTINGS, DEFINITIONS, ROWS = "feature_store.yaml", "user_codes.py", "user_codes.parquet"
VIEW = "user_codes"
PASSWORD = "${REDIS_PASSWORD}"  # Feast puts variables of the environment in its place
_TIME = "event_timestamp"
_TICK = timedelta(microseconds=1)
_FIRST_LINE = '"""Codes of users; written by `userip bank feast`, and again for every version of the bank.'


class Written(NamedTuple):
    """What :func:`write` did.

    Args:
        users: with codes.
        gone: users of earlier versions, now with empty codes.
        since: when these codes came into the repository.
        until: up to when `feast materialize` has to read for all of them.
    """

    users: int
    gone: int
    since: datetime

    @property
    def until(self) -> datetime:
        return self.since + _TICK


def write(
    bank: FeatureBank,
    folder: str | Path,
    online: str | None = None,
    project: str | None = None,
    now: datetime | None = None,
) -> Written:
    """Write the repository, or bring one that was written here to the bank's version.

    Args:
        bank: the version to publish.
        folder: of the repository; absent, empty or written here before.
        online: ``sqlite`` or ``redis://HOST:PORT[/DATABASE]`` (``rediss`` for TLS); ``sqlite`` for a new
            repository where None. A password in it is not written down but read from REDIS_PASSWORD.
        project: Feast's name for all of this; ``userip`` for a new repository where None.
        now: time of new rows; the present where None.

    Raises:
        InputError: the folder holds something else or has other settings, a profile has the name of a column
            of ours, an address or project that Feast cannot have, or a full or unwritable disk.
    """
    target = Path(folder).absolute()
    if _TIME in bank.names:
        raise InputError(f"{bank.path}: a profile is called {_TIME}, as Feast's time is; rename the profile.")
    _refuse_others(target)
    settings = _settings(target / SETTINGS, online, project)
    rows, written = _rows(bank, target / ROWS, now or datetime.now(timezone.utc))
    with atomic.scratch(target) as draft:
        rows.write_parquet(draft / ROWS)
        _write(draft / DEFINITIONS, _definitions(bank))
        if settings is not None:
            _write(draft / SETTINGS, settings)
        _publish(draft, target)
    return written


def _refuse_others(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    file = folder / DEFINITIONS
    if not file.is_file() or not file.read_bytes().startswith(_FIRST_LINE.encode()):
        raise InputError(
            f"{folder}: is there and was not written by `userip bank feast` (its {DEFINITIONS} is missing or "
            "somebody else's); name a folder that is empty or does not exist."
        )


def _settings(file: Path, online: str | None, project: str | None) -> str | None:
    """Text of feature_store.yaml; None where the one that is there stays."""
    store = None if online is None else _online_store(online)
    if project is not None and not re.fullmatch(r"[A-Za-z0-9]\w*", project, re.ASCII):
        raise InputError(
            f"project: {project!r} given, but Feast wants letters, digits and underscores, the first no "
            "underscore; change it."
        )
    if not file.is_file():
        return _new_settings(store or _online_store("sqlite"), project or "userip")
    wanted = {"online_store": store, "project": project}
    there = _read_settings(file)
    for key, value in wanted.items():
        if value is not None and there.get(key) != value:
            raise InputError(
                f"{file}: has another {key} than {value!r}, which is asked for; edit the file, or leave the "
                "option out."
            )
    return None


def _read_settings(file: Path) -> dict[str, object]:
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: not readable as YAML ({reason}); mend or delete it.") from None
    if not isinstance(settings, dict):
        raise InputError(f"{file}: settings by name were expected; mend or delete it.")
    return settings


def _online_store(online: str) -> dict[str, str]:
    """Feast's section of that name."""
    if online == "sqlite":
        return {"type": "sqlite", "path": "data/online_store.db"}
    return {"type": "redis", "connection_string": _connection(online)}


def _connection(online: str) -> str:
    """``redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`` as Feast writes it: HOST:PORT,db=…,ssl=true."""
    try:
        address = urlsplit(online)
        port = address.port or 6379
    except ValueError:
        address, port = SplitResult("", "", "", "", ""), 0
    host, database = address.hostname or "", address.path.strip("/")
    known = address.scheme in ("redis", "rediss") and not address.query and not address.fragment
    if not known or not re.fullmatch(r"[\w.-]+", host, re.ASCII) or not re.fullmatch(r"\d*", database):
        shown = re.sub(r"//.*@", "//…@", online)
        raise InputError(
            f"online: {shown!r} given, sqlite or redis://HOST:PORT or redis://HOST:PORT/DATABASE expected; "
            "change it."
        )
    options = {
        "db": database,
        "ssl": "true" if address.scheme == "rediss" else "",
        "username": address.username or "",
        "password": PASSWORD if address.password else "",
    }
    return ",".join([f"{host}:{port}", *(f"{key}={value}" for key, value in options.items() if value)])


def _new_settings(store: dict[str, str], project: str) -> str:
    settings = {
        "project": project,
        "provider": "local",
        "registry": "data/registry.db",
        "online_store": store,
        "offline_store": {"type": "file"},
        "entity_key_serialization_version": 3,
    }
    head = "# Written once by `userip bank feast`; yours to edit. The files beside it are written again.\n"
    return head + str(yaml.safe_dump(settings, sort_keys=False))


def _rows(bank: FeatureBank, file: Path, now: datetime) -> tuple[pl.DataFrame, Written]:
    """Rows to write, with the time of those that are there if they are the same."""
    now = now.astimezone(timezone.utc)
    rows = users = bank.users
    if file.is_file():
        before = _read_rows(file)
        gone = before.select("user_id").join(users, on="user_id", how="anti")
        rows = pl.concat([users, gone], how="diagonal").sort("user_id")
        since = before.get_column(_TIME).max()
        if isinstance(since, datetime):  # None in a repository without users
            # never back, whatever the clock of this machine says
            now = max(now, since + _TICK)
            if before.drop(_TIME).equals(rows):
                now = since
    time = pl.lit(now).cast(pl.Datetime("us", "UTC")).alias(_TIME)
    return rows.with_columns(time), Written(users.height, rows.height - users.height, now)


def _read_rows(file: Path) -> pl.DataFrame:
    try:
        rows = parquet.read(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file}: not readable as Parquet ({reason}); delete it, it is written anew."
        ) from None
    if not {"user_id", _TIME} <= set(rows.columns):
        raise InputError(f"{file}: columns user_id and {_TIME} expected; delete it, it is written anew.")
    return rows


def _definitions(bank: FeatureBank) -> str:
    fields = "\n".join(
        f"        Field(name={name!r}, dtype=Int64, description={_meaning(size)!r}),"
        for name, size in zip(bank.names, bank.sizes, strict=True)
    )
    return f'''{_FIRST_LINE}

Put definitions of your own into another file. `feast apply` has to run again only where the profiles change.
"""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64, String

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)

{VIEW} = FeatureView(
    name="{VIEW}",
    entities=[user],
    ttl=timedelta(0),  # codes stay until the next version replaces them
    schema=[
        Field(name="user_id", dtype=String),
{fields}
    ],
    source=FileSource(name="{VIEW}_rows", path="{ROWS}", timestamp_field="{_TIME}"),
)
'''


def _meaning(size: int) -> str:
    return f"0 to {size - 1}; where Feast has none, {size} stands for an unknown user"


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _publish(draft: Path, folder: Path) -> None:
    """Put the files in place: all at once, or one after the other where the folder is there already.

    The one that tells whose folder it is goes first, so that a run that was killed can be repeated.
    """
    names = [name for name in (DEFINITIONS, ROWS, SETTINGS) if (draft / name).is_file()]
    for name in names:
        with open(draft / name, "rb") as handle:
            os.fsync(handle.fileno())
    if folder.exists():
        for name in names:
            os.replace(draft / name, folder / name)
    else:
        draft.rename(folder)
