"""How requests are timed: interleaved, on the same requests, and what is made of the rounds."""

import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from userip_lightning.reproduce.request_times import measure, summarise


def spin(seconds: float) -> None:
    """Keep the processor busy."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_server_that_takes_twice_as_long_has_a_ratio_of_two():
    servers = {"one": lambda *_: spin(0.004), "two": lambda *_: spin(0.008), "idle": lambda *_: None}
    found = measure(servers, lambda rng: ([], []), 9, "one")
    assert found["one"].ratio == found["one"].ratio_low == found["one"].ratio_high == 1
    assert found["two"].ratio == pytest.approx(2, rel=0.1)
    assert found["two"].ratio_low <= found["two"].ratio <= found["two"].ratio_high
    assert found["one"].low <= found["one"].median <= found["one"].high
    assert found["idle"].ratio < 0.1


def test_every_round_asks_all_the_same():
    asked: list[tuple[str, str]] = []

    def server(name):
        return lambda users, items: asked.append((name, users[0] + items[0]))

    threads = torch.get_num_threads()
    draw = iter("abcd")
    servers = {"one": server("one"), "two": server("two")}
    found = measure(servers, lambda rng: ([next(draw)], ["x"]), 3, "one")
    assert set(found) == {"one", "two"}
    assert all({name for name, _ in asked[at : at + 2]} == {"one", "two"} for at in (0, 2, 4, 6))
    assert [request for _, request in asked] == [each + "x" for each in "aabbccdd"]
    assert torch.get_num_threads() == threads


def test_each_of_three_servers_comes_right_after_each_other_one_about_as_often():
    asked: list[str] = []
    servers = {name: (lambda *_, name=name: asked.append(name)) for name in ("one", "two", "three")}
    measure(servers, lambda rng: ([], []), 59, "one")
    rounds = [asked[at : at + 3] for at in range(0, len(asked), 3)]
    assert len(rounds) == 60
    pairs = Counter((first, second) for order in rounds for first, second in pairwise(order))
    assert len(pairs) == 6
    assert min(pairs.values()) >= 10  # 20 expected of each


def test_without_a_reference_there_are_seconds_and_no_ratios():
    found = measure({"one": lambda *_: spin(0.001)}, lambda rng: ([], []), 3, None)["one"]
    assert found.median > 0
    assert (found.ratio, found.ratio_low, found.ratio_high) == (None, None, None)


def test_ratios_are_to_the_reference_wherever_it_stands():
    taken = np.tile([3.0, 1.0], (9, 1))
    ratios = [one.ratio for one in summarise(taken, 1, np.random.default_rng(0))]
    assert ratios == [3, 1]


def test_a_slow_minute_of_the_machine_does_not_move_the_ratio():
    taken = np.full((40, 2), 1.0)
    taken[:, 1] = 1.1
    taken[10:22] *= 3
    times = summarise(taken, 0, np.random.default_rng(0))[1]
    assert (times.median, times.ratio) == (1.1, pytest.approx(1.1))
    assert times.high == pytest.approx(3.3)
