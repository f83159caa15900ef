from pathlib import Path

import pytest

from userip_lightning.data.sources.recbole import RecBole
from userip_lightning.errors import InputError

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tvisits:float\n"
LOG = HEADER + "u\ta\t4\t9.0\t2\nv\tb\t1\t8.5\t1\n"
ITEMS = "item_id:token\tmovie_title:token_seq\tclass:token_seq\na\tSun Roses\tDrama War\n"


def dataset(folder: Path, log: str = LOG, items: str | None = ITEMS, users: str | None = None) -> Path:
    folder.mkdir()
    for kind, text in (("inter", log), ("item", items), ("user", users)):
        if text is not None:
            (folder / f"{folder.name}.{kind}").write_text(text)
    return folder


def test_a_dataset_with_items(tmp_path: Path) -> None:
    read = RecBole(str(dataset(tmp_path / "toy", users="user_id:token\tage:token\nu\t30\n"))).read()
    assert read.events.rows() == [(0, "u", "a", 4.0, 9, None, "2"), (1, "v", "b", 1.0, 8, None, "1")]
    assert read.events.columns[-1] == "visits"
    assert read.items.rows() == [("a", "Sun Roses", "Drama War"), ("b", None, None)]
    assert read.users.rows() == [("u", "30"), ("v", None)]


def test_a_log_alone_under_other_names(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "toy", "who:token\tbusiness_id:token\tstars:float\nu\ta\t4\n", items=None)
    source = RecBole(str(folder), {"user_id": "who", "item_id": "business_id", "rating": "stars"}, (1, 5))
    assert source.read().events.rows() == [(0, "u", "a", 4.0, None, None)]
    assert source.read().items.rows() == [("a", None)]


@pytest.mark.parametrize(
    ("log", "items", "complaint"),
    [
        ("user_id:token\tmovie_id:token\nu\ta\n", None, r"toy\.inter: column 'item_id' is missing"),
        ("user_id:token\tuser_id:float\nu\ta\n", None, r"column 'user_id' comes twice in the header"),
        (
            LOG,
            "item_id:token\tclass:token_seq\na\tWar\n",
            r"toy\.item: no column is a title, the file has item_id",
        ),
        (LOG.replace("\t4\t", "\t9\t"), ITEMS, "row 1 has rating 9, expected 1 to 5"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, log: str, items: str | None, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        RecBole(str(dataset(tmp_path / "toy", log, items)), rating_range=(1, 5)).read()


def test_a_missing_log_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"toy\.inter: no such file; give the folder of a dataset"):
        RecBole(str(tmp_path / "toy")).identity()
