"""One log, written in every format by :mod:`tests.data.formats`, is read alike."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.formats import FORMATS, Event, Log

SLOW = [HealthCheck.too_slow]
IDS = st.text("abcXYZ019_-é", min_size=1, max_size=6)
WORDS = st.text("abc é'\"XYZ,;|0", min_size=1, max_size=20).map(lambda text: " ".join(text.split()))
TITLES = WORDS.filter(bool)
# A number of eight digits may be refused, for it may be a day: 19700101.
SECONDS = st.integers(0, 9_999_999) | st.integers(100_000_000, 4_000_000_000)
EVENTS = st.lists(
    st.builds(Event, IDS, IDS, st.integers(1, 5), SECONDS, st.none() | WORDS.filter(bool)),
    min_size=1,
    max_size=12,
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    events = draw(EVENTS)
    items = sorted({event.item for event in events})
    titles = draw(st.lists(TITLES, min_size=len(items), max_size=len(items)))
    return Log(events, dict(zip(items, titles, strict=True)))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=SLOW)
@given(log=logs())
def test_the_readers_agree(name: str, log: Log) -> None:
    form = FORMATS[name]
    with TemporaryDirectory() as parent:
        folder = Path(parent) / name
        folder.mkdir()
        read = form.write(folder, log).read()
    carried = [
        [
            number,
            event.user,
            event.item,
            float(event.rating) if "rating" in form.carries else None,
            event.seconds if "timestamp" in form.carries else None,
            event.review if "review" in form.carries else None,
        ]
        for number, event in enumerate(log.events)
    ]
    names = ["row_id", "user_id", "item_id", "rating", "timestamp", "review"]
    assert [list(row) for row in read.events.select(names).rows()] == carried
    assert dict(read.items.select("item_id", "title").rows()) == log.titles
    assert sorted(read.users["user_id"]) == sorted({event.user for event in log.events})
