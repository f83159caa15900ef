import json

import pytest

from tests.explain.synthetic import explanation
from userip_lightning.explain.page_users import EVENTS, reach, sample


def test_evidence_still_adds_up_after_events_join_the_rest():
    found = explanation(shown=30)
    for user in found["users"]:
        events = user["evidence"]["events"]
        user["evidence"]["events"] = [
            {**event, "title": f"{event['title']} {n}"} for n in range(3) for event in events
        ]
        user["evidence"]["total"] += 2 * sum(event["nats"] for event in events)
    for user, (*_, evidence, _) in zip(found["users"], json.loads(sample(found).text)["users"], strict=True):
        against, prior, rest, others, total, events = evidence
        assert against == user["evidence"]["against"]
        assert len(events) == EVENTS
        assert others == user["evidence"]["rest_events"] + 36 - EVENTS
        assert prior + rest + sum(nats for *_, nats in events) == pytest.approx(total, abs=1e-3)
        assert total == pytest.approx(user["evidence"]["total"], abs=1e-4)
        assert [nats for *_, nats in events] == sorted((nats for *_, nats in events), reverse=True)
        weakest = min(abs(nats) for *_, nats in events)
        assert sum(abs(event["nats"]) > weakest + 1e-4 for event in user["evidence"]["events"]) < EVENTS


def test_titles_are_written_once_and_users_end_where_the_bytes_do():
    found = explanation(users=2000, shown=1000)
    whole = sample(found)
    assert whole.shown == 1000
    told = json.loads(whole.text)
    assert len(set(told["titles"])) == len(told["titles"])
    some = sample(found, most=100_000)
    assert 0 < some.shown < 1000
    assert 90_000 < len(some.text.encode()) < 101_000
    assert len(some.ids) == some.shown
    titles = json.loads(some.text)["titles"]
    assert {row[0] for user in json.loads(some.text)["users"] for row in user[4][5]} == set(
        range(len(titles))
    )
    assert f"sample of {some.shown:,} of 2,000 users" in reach(found, some.shown)


def test_a_file_that_holds_everybody_says_so():
    found = explanation(users=40, shown=40)
    assert reach(found, 40).startswith("All 40 users are in this file.")
