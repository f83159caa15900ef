"""What long work shows in a terminal and in a log."""

import io
import re

from rich.console import Console

from tests.test_pace import Clock
from userip_lightning.progress_bars import Bars, Piece, piece, say


def logged(seconds_per_step: float, steps: int) -> list[str]:
    """Lines of a log in which a piece of work takes so long."""
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock), piece("item texts read") as reading:
        for done in range(1, steps + 1):
            clock.now += seconds_per_step
            reading.at(done, steps, "loss 0.5")
    return stream.getvalue().splitlines()


def test_a_log_has_at_most_one_line_a_minute():
    assert logged(0.125, 1200) == [
        "item texts read: 480/1,200, 8.0/s, 2 min left, loss 0.5",
        "item texts read: 960/1,200, 8.0/s, 30 s left, loss 0.5",
    ]


def test_work_of_less_than_a_minute_leaves_no_line_in_a_log():
    assert logged(0.125, 479) == []


def test_two_pieces_share_the_lines_of_a_log():
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock) as bars:
        outer, inner = Piece(bars, "epochs"), Piece(bars, "rows")
        clock.now = 61
        inner.at(61, 100)
        outer.at(1, 2)
    assert stream.getvalue() == "rows: 61/100, 1.0/s, 39 s left\n"


def test_a_line_of_a_log_says_where_all_pieces_stand():
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock), piece("parts") as outer:
        for part in range(1, 3):
            with piece("users of this part") as inner:
                for user in (40, 80):
                    clock.now += 25
                    inner.at(user, 80)
            outer.at(part, 4)
    assert stream.getvalue() == "parts: 1/4, 48/h, 4 min left; users of this part: 40/80, 1.6/s, 25 s left\n"


def test_bars_of_a_terminal_do_not_wait_for_each_other():
    console = Console(file=io.StringIO(), force_terminal=True, width=120, legacy_windows=False)
    clock = Clock()
    with Bars(console, clock) as bars:
        outer, inner = Piece(bars, "parts"), Piece(bars, "users")
        clock.now = 10
        inner.at(80, 80)
        outer.at(1, 4)
        assert [task.completed for task in bars.drawn.tasks] == [1, 80]


def test_a_quiet_console_has_no_bars():
    assert not Bars(Console(force_terminal=True, quiet=True)).live


def test_what_a_program_reads_is_left_alone(capsys):
    with Bars(Console(file=io.StringIO(), force_terminal=True)):
        print("codes")  # to a pipe here
    assert capsys.readouterr().out == "codes\n"


def test_a_notice_delays_the_next_line_of_a_log():
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock) as bars:
        own = Piece(bars, "rows")
        clock.now = 59
        bars.notice("ctr/none/seed0: done")
        clock.now = 61
        own.at(61, 100)
    assert stream.getvalue() == "ctr/none/seed0: done\n"


def test_a_total_that_nobody_knows_leaves_the_rate():
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock), piece("reading log.csv", "events") as reading:
        clock.now = 60
        reading.at(1_200_000)
    assert stream.getvalue() == "reading log.csv: 1,200,000 events, 20,000 events/s\n"


def test_another_part_counted_from_its_start_has_a_rate_of_its_own():
    stream, clock = io.StringIO(), Clock()
    with Bars(Console(file=stream, width=100), clock), piece("kar") as own:
        clock.now = 50
        own.at(100, 100, "write")
        own.at(1, 101, "encode")
        clock.now = 100
        own.at(51, 101, "encode")
    assert stream.getvalue() == "kar: 51/101, 1.0/s, 50 s left, encode\n"


def test_a_terminal_shows_work_count_rate_and_time_left():
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, force_terminal=True, width=120, legacy_windows=False)
    with Bars(console, clock) as bars, piece("item texts read [1]") as reading:
        clock.now = 10
        reading.at(40, 100, "loss 0.5")
        bars.drawn.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    (line,) = {line.strip() for line in re.split("[\r\n]", text) if "4.0/s" in line}
    assert re.fullmatch(r"item texts read \[1\] \S+ +40/100 4\.0/s, 15 s left 0:00:\d\d loss 0\.5", line)


def test_a_terminal_shows_no_count_where_nothing_is_counted():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, legacy_windows=False)
    with Bars(console) as bars, piece("report"):
        bars.drawn.refresh()
    assert re.search(r"report \S+ +\S*0:00:0\d", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()))


def test_work_outside_of_bars_shows_itself(capsys, monkeypatch):
    monkeypatch.setattr("userip_lightning.progress_bars.LOG_PERIOD", 0.0)
    with piece("hashing", "MB") as hashing:
        hashing.begin(5)
        hashing.at(5, 10)
    assert capsys.readouterr() == ("", "hashing: 5/10 MB\n")


def test_a_line_goes_to_the_bars_that_are_open(capsys):
    stream = io.StringIO()
    with Bars(Console(file=stream, width=100)):
        say("models [1]: downloading")
    say("elsewhere")
    assert stream.getvalue() == "models [1]: downloading\n"
    assert capsys.readouterr() == ("", "elsewhere\n")
