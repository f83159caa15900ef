import numpy as np
import polars as pl

from tests.controls.test_affinity import hobbies
from tests.controls.test_places import places_of
from userip_lightning.controls.choosing import Coding, best_coding
from userip_lightning.data.prepared import PreparedData


def test_additive_codes_are_judged_by_their_places_and_others_as_they_are(
    implicit: PreparedData, explicit: PreparedData
) -> None:
    hobby, true = hobbies(implicit), places_of(implicit)
    rng = np.random.default_rng(0)
    nobody, astray = rng.permutation(hobby), rng.permutation(true)
    assert best_coding(implicit, [Coding(nobody), Coding(hobby), Coding(nobody)]) is hobby
    assert best_coding(implicit, [Coding(hobby, astray), Coding(nobody, true)]) is nobody
    hobby, true = hobbies(explicit), places_of(explicit)
    assert best_coding(explicit, [Coding(nobody, true), Coding(hobby, astray)]) is hobby


def test_of_equals_the_first_is_taken(implicit: PreparedData) -> None:
    first, second = np.zeros((2, implicit.n_users, 1), dtype=np.int64)
    assert best_coding(implicit, [Coding(first), Coding(second)]) is first


def test_where_nobody_had_the_validation_items_their_words_judge(implicit: PreparedData) -> None:
    judged, cold = pl.col("split") == "val", pl.col("item") % 2 == 0
    events = implicit.events.filter(judged == cold)
    data = PreparedData(implicit.path, implicit.manifest, events, implicit.items, implicit.users)
    hobby, true = hobbies(data), places_of(data)
    rng = np.random.default_rng(0)
    nobody, astray = rng.permutation(hobby), rng.permutation(true)
    assert best_coding(data, [Coding(nobody), Coding(hobby)]) is hobby
    assert best_coding(data, [Coding(nobody, true), Coding(hobby, astray)]) is hobby  # an item has no place
    wordless = data.items.select("item", "item_id", title=pl.lit(""))
    silent = PreparedData(data.path, data.manifest, events, wordless, data.users)
    assert best_coding(silent, [Coding(nobody, astray)]) is nobody  # nothing tells, nothing fails
