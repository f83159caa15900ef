import ast
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.literal import read_literal_lines, to_json
from userip_lightning.data.parsing.rejects import Rejects

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    # What Python calls a string may be no text: lone surrogates stay out.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text("'\"\\a\n", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab'\" ", max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(value=st.dictionaries(st.text("ab'\" ", max_size=4), VALUES, max_size=4))
def test_what_python_writes_is_read_as_it_was(value: dict[str, object]) -> None:
    turned = to_json(repr(value))
    assert turned is not None
    assert json.loads(turned) == ast.literal_eval(repr(value)) == value


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{'a': \"it's\", 'b': 'say \"hi\"'}", {"a": "it's", "b": 'say "hi"'}),
        ("{'a': (1, 2), u'b': .5}", {"a": [1, 2], "b": 0.5}),
        ("{'a': 'C:\\\\dir\\d'}", {"a": "C:\\dir\\d"}),
        ("{'None': None}  # remark", {"None": None}),
    ],
)
def test_other_spellings(line: str, expected: object) -> None:
    assert json.loads(to_json(line) or "") == expected


@pytest.mark.parametrize(
    "line",
    [
        "__import__('os').system('true')",
        "{'a': open('x')}",
        "{'a': b'raw'}",
        "{'a': 1j}",
        "{'a': 'cut",
        "(" * 5000,
        "-" * 50_000 + "1",
        "[x for x in (1,)]",
        "'" + "\\x41" * 300_000 + "'",
    ],
)
def test_what_is_no_plain_literal_is_nothing(line: str) -> None:
    assert to_json(line) is None


def test_bad_lines_are_rejected_under_their_number(tmp_path: Path) -> None:
    file = tmp_path / "meta.json"
    file.write_text("{'a': 1, 'n': ['x']}\n\noops(\n{'a': 'it\\'s'}\n")
    with Rejects(1) as rejects:
        (frame,) = read_literal_lines(file, "get it", rejects, ["a"], {"n": pl.String()})
    assert rejects.count == 1
    assert frame.select(ROW, "a", "n").rows() == [(0, "1", '["x"]'), (3, "it's", None)]
