import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing import foreign_parquet
from userip_lightning.data.parsing.foreign_parquet import Files, describe, read_foreign, require_decodable
from userip_lightning.data.sources.parquet_folder import read_parquet_folder
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"user_id": range(1000), "item_id": "a"}).write_parquet(path, row_group_size=100)
    return path


@pytest.fixture
def no_idle_child(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(foreign_parquet, "_idle", [])
    yield
    foreign_parquet._end_idle()


def test_rows_come_in_order_and_one_process_reads_one_file_after_another(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_parquet, "_ROWS", 300)
    first, *frames = read_foreign(Files(file, [file]))
    assert first.is_empty()
    assert pl.concat(frames).equals(pl.read_parquet(file))
    (child,) = foreign_parquet._idle
    assert describe(Files(file, [file]))["rows"] == 1000
    require_decodable(Files(file, [file]), ["item_id", "of others"])
    assert foreign_parquet._idle == [child]


def test_a_process_that_ended_while_it_waited_is_replaced(file: Path, no_idle_child: None) -> None:
    require_decodable(Files(file, [file]))
    (child,) = foreign_parquet._idle
    child.process.send_signal(signal.SIGSTOP)  # ended when it is asked, not when it is looked at
    os.kill(child.process.pid, signal.SIGKILL)
    assert describe(Files(file, [file]))["rows"] == 1000


def test_a_crash_while_decoding_is_a_sentence(
    file: Path, tmp_path: Path, no_idle_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "crash.py"
    program.write_text(
        "import os, sys; sys.stdin.readline(); os.write(2, b'no room for 2^61 bytes'); os.abort()"
    )
    monkeypatch.setattr(foreign_parquet, "_CHILD", program)
    with pytest.raises(
        InputError, match=r"log\.parquet: not a readable Parquet file \(decoding it failed: no room"
    ):
        Tabular(str(file)).read()
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(InputError, match="was killed, perhaps for want of memory"):
        Tabular(str(file)).read()


def test_who_needs_no_more_ends_the_process(file: Path, no_idle_child: None) -> None:
    frames = read_foreign(Files(file, [file]))
    next(frames)
    frames.close()
    assert foreign_parquet._idle == []


def test_a_process_that_nobody_asks_ends(
    file: Path, no_idle_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = foreign_parquet._CHILD.read_text().replace("_IDLE_SECONDS = 10.0", "_IDLE_SECONDS = 0.1")
    quick = file.with_name("quick.py")
    quick.write_text(text)
    monkeypatch.setattr(foreign_parquet, "_CHILD", quick)
    require_decodable(Files(file, [file]))
    (child,) = foreign_parquet._idle
    until = time.monotonic() + 60
    while child.process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert child.process.poll() == 0


def test_folders_above_the_log_are_no_partitions(tmp_path: Path) -> None:
    folder = tmp_path / "run=3" / "~" / "log [v2] *?%20#"
    for day in ("1", "2"):
        (folder / f"day={day}").mkdir(parents=True)
        pl.DataFrame({"user_id": [day]}).write_parquet(folder / f"day={day}" / "x[1].parquet")
    assert pl.concat(read_parquet_folder(folder)).drop("__row").rows(named=True) == [
        {"user_id": "1", "day": "1"},
        {"user_id": "2", "day": "2"},
    ]
