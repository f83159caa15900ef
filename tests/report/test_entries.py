import json

import pytest

from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry, check_entries, write_entries

PLAIN = Entry("ml100k", "random", "ids", "DCN", "network", "DCN", None, ("cells/a", "cells/b"))
CODES = Entry(
    "ml100k",
    "random",
    "ids",
    "UserIP-DCN",
    "userip",
    "DCN",
    "DCN",
    ("cells/c", "cells/d"),
    chosen={"lr": 1e-3},
    sizes={"hobby": 4},
    validation_auc=0.78,
    seconds=3.5,
)
PART = Entry(
    *("ml100k", "random", "ids", "ReLLa", "llm", None, "DCN", ("cells/e",)),
    note="Trained on 256 rows.",
    part=True,
)
MISSING = Entry("movies", "random", "ids", "KAR", "llm", None, None, (), not_run="needs Llama-2-7B.")


def test_a_file_has_every_field_of_an_entry(tmp_path):
    write_entries(tmp_path, [PLAIN, CODES, PART, MISSING])
    records = json.loads((tmp_path / "entries.json").read_text())
    entries = [Entry(**{**record, "runs": tuple(record["runs"])}) for record in records]
    assert entries == [PLAIN, CODES, PART, MISSING]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (PLAIN._replace(runs=()), "'DCN' of ml100k / random / ids has no runs"),
        (PLAIN._replace(against="FFM"), "compared with 'FFM', which is not in that block"),
    ],
)
def test_entries_that_contradict_each_other_are_refused(entry, message):
    with pytest.raises(InputError, match=r"^study: ") as caught:
        check_entries([entry], "study")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_label_per_block_and_method(tmp_path):
    with pytest.raises(InputError, match="'DCN' of ml100k / random / ids occurs twice"):
        check_entries([PLAIN, PLAIN], "study")
    check_entries([PLAIN, PLAIN._replace(split="temporal")], "study")
    with pytest.raises(InputError, match="occurs twice"):
        write_entries(tmp_path, [PLAIN, PLAIN])
    assert list(tmp_path.iterdir()) == []
