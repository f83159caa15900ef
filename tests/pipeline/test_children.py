import signal

from userip_lightning.pipeline.children import Children, Failure


def test_a_failure_is_told_with_its_last_words() -> None:
    assert str(Failure(1, -signal.SIGKILL, "")) == "process 1 was killed by SIGKILL"
    assert str(Failure(2, 2, "no such file.")) == "process 2 ended with exit code 2 (no such file)"
    assert Failure(1, 130, "").interrupted
    assert Failure(1, -signal.SIGINT, "").interrupted
    assert not Failure(1, 1, "").interrupted


def test_children_are_watched_and_ended() -> None:
    children = Children(["no-such-command"], {1: {"LOCAL_RANK": "1"}})
    failure = children.failure(60)
    children.end(0)
    assert failure is not None
    assert (failure.rank, failure.code) == (1, 2)
    assert failure.words.startswith("userip: no command 'no-such-command'")
