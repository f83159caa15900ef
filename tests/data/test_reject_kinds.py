from userip_lightning.data.parsing.reject_kinds import RejectKinds


def test_rows_of_one_kind_are_one_line() -> None:
    kinds = RejectKinds()
    for row, value in enumerate(("x", "it's", "12", "y")):
        kinds.add("log.csv", row, f"has rating {value!r}, expected a number")
    kinds.add("log.csv", 9, "has 1 fields, expected 2")
    kinds.add("log.csv", 10, "has 3 fields, expected 2")
    kinds.add("items.csv", 0, "has an empty item_id")
    assert kinds.lines() == [
        "log.csv: row 1 has rating 'x', expected a number; 4 such rows, also 2 and 3",
        "log.csv: row 10 has 1 fields, expected 2; 2 such rows, also 11",
        "items.csv: row 1 has an empty item_id",
    ]


def test_there_is_a_limit_to_kinds() -> None:
    kinds = RejectKinds()
    for row in range(1000):
        kinds.add("log.csv", row, f"is {'a' * row}")
    assert len(kinds.lines()) == 101
    assert kinds.lines()[-1].endswith("; 900 such rows, also 102 and 103")
