import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources import synthesize
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.synthesize import TOPICS, Planted
from userip_lightning.errors import InputError
from userip_lightning.schema import Interactions


def joined(log: Interactions) -> pl.DataFrame:
    return log.events.join(log.items, on="item_id").join(log.users, on="user_id")


def test_the_seed_decides_everything() -> None:
    once, again = Planted(users=50, seed=3).read(), Planted(users=50, seed=3).read()
    assert once.events.equals(again.events)
    assert once.users.equals(again.users)
    assert not once.events.equals(Planted(users=50, seed=4).read().events)
    assert Planted(seed=3).identity() == Planted(seed=3).identity() != Planted(seed=4).identity()


def test_every_user_has_distinct_items_in_order_of_time() -> None:
    events = Planted(users=50, rows_per_user=20).read().events
    users = events.group_by("user_id", maintain_order=True).agg("item_id", "timestamp")
    assert users["item_id"].list.n_unique().unique().to_list() == [20]
    assert all(times.is_sorted() for times in users["timestamp"])


def test_titles_tell_the_hobby_and_prices_tell_the_background() -> None:
    rows = joined(Planted().read())
    assert (rows["genres"] == rows["hobby"]).mean() == pytest.approx(0.85, abs=0.06)
    level = pl.col("background").replace_strict(
        {"student": "budget", "parent": "standard", "collector": "premium"}
    )
    assert rows.select((pl.col("price_level") == level).mean()).item() == pytest.approx(0.6, abs=0.08)
    words = {topic: set(f"{a} {n}".split()) for topic, (a, n) in TOPICS.items()}
    assert all(set(title.split()) <= words[topic] for title, topic in rows.select("title", "genres").rows())
    assert sum(map(len, words.values())) == len(set().union(*words.values()))


def test_the_label_needs_both_profiles() -> None:
    rows = joined(Planted().read()).with_columns(
        liked=pl.col("rating") > 3, fond=pl.col("genres") == pl.col("hobby")
    )
    by_hobby = dict(rows.group_by("fond").agg(pl.col("liked").mean()).rows())
    assert by_hobby[True] - by_hobby[False] > 0.5
    by_background = dict(rows.group_by("background").agg(pl.col("liked").mean()).rows())
    assert by_background["student"] + 0.1 < by_background["parent"] < by_background["collector"] - 0.1


def test_real_titles_can_be_planted() -> None:
    source = MovieLens100K(str(TINY / "ml-100k"))
    log = Planted(users=30, rows_per_user=8, titles=source).read()
    assert set(log.items["title"]) <= set(source.read().items["title"])
    assert set(log.users["hobby"]) == {"Documentary", "Sci-Fi", "Comedy", "Action"}
    with pytest.raises(InputError, match="no column 'mood'"):
        Planted(titles=source, topic_column="mood").read()


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(InputError, match="41 events per user need as many items, there are 40"):
        Planted(rows_per_user=41, items_per_topic=10).read()
    with pytest.raises(InputError, match="must lie between 0 and 1"):
        Planted(focus=1.0)
    with pytest.raises(InputError, match="items_per_topic is 0, at least 1 is needed"):
        Planted(items_per_topic=0)


def test_users_are_drawn_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesize, "_DRAWS", 1000)
    blocks = [block for block in Planted(users=50).blocks(Rejects()) if block.events is not None]
    assert len(blocks) > 5
    assert [row for block in blocks for row in block.events["row_id"]] == list(range(1000))
    assert Planted(users=50).read().users["hobby"].n_unique() == 4


def test_many_items_keep_the_odds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesize, "_FEW", 10)
    rows = joined(Planted().read())
    assert rows.height == rows.select("user_id", "item_id").n_unique() == 8000
    assert (rows["genres"] == rows["hobby"]).mean() == pytest.approx(0.83, abs=0.05)
