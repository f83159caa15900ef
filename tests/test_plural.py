from userip_lightning.plural import plural


def test_a_noun_agrees_with_its_count():
    assert [plural(count, "row") for count in (0, 1, 2, 1000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]
