"""How requests are timed: interleaved, on the same requests, and what is made of the rounds."""

import time

import numpy as np
import pytest
import torch

from userip_lightning.reproduce.request_times import measure, summarise


def spin(seconds: float) -> None:
    """Keep the processor busy."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_server_that_takes_twice_as_long_has_a_ratio_of_two():
    servers = {"one": lambda *_: spin(0.004), "two": lambda *_: spin(0.008), "idle": lambda *_: None}
    found = measure(servers, lambda rng: ([], []), rounds=9)
    assert found["one"].ratio == found["one"].ratio_low == found["one"].ratio_high == 1
    assert found["two"].ratio == pytest.approx(2, rel=0.1)
    assert found["two"].ratio_low <= found["two"].ratio <= found["two"].ratio_high
    assert found["one"].low <= found["one"].median <= found["one"].high
    assert found["idle"].ratio < 0.1


def test_every_round_asks_all_the_same_and_begins_with_another():
    asked: list[tuple[str, str]] = []

    def server(name):
        return lambda users, items: asked.append((name, users[0] + items[0]))

    threads = torch.get_num_threads()
    draw = iter("abcd")
    found = measure({"one": server("one"), "two": server("two")}, lambda rng: ([next(draw)], ["x"]), rounds=3)
    assert set(found) == {"one", "two"}
    assert asked[::2] == [("one", "ax"), ("two", "bx"), ("one", "cx"), ("two", "dx")]
    assert [request for _, request in asked] == [each + "x" for each in "aabbccdd"]
    assert torch.get_num_threads() == threads


def test_a_slow_minute_of_the_machine_does_not_move_the_ratio():
    taken = np.full((40, 2), 1.0)
    taken[:, 1] = 1.1
    taken[10:22] *= 3
    times = summarise(taken, np.random.default_rng(0))[1]
    assert (times.median, times.ratio) == (1.1, pytest.approx(1.1))
    assert times.high == pytest.approx(3.3)
