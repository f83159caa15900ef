"""What an id is, everywhere: in logs, tables and banks, and where somebody asks for a user's codes.

Ids are strings and whole numbers, and ``7``, ``7.0``, ``"7"`` and ``"7.0"`` are one id: a column of integers
with a gap often comes as decimals. A text that is a whole decimal (``7.0``, ``-7.00``) is that whole number,
all of its digits kept; any other text is what it is, with its leading zeros, signs and exponents.

Null, NaN and blank are missing: no user and no item. No ids are: other decimals, floats from 2^53 on (a
float64 does not tell neighbours apart there), booleans, dates, bytes, lists, text with a NUL character
(arrays of NumPy drop it at the end, so that two ids would become one) or of more than ``MAX_LENGTH``
characters. Where codes are asked for, a missing or too long id is a user who is in no bank.

The first half of this file reads columns, the second one Python's values; only the first loads polars.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    import polars as pl

#: Ids in order: a list, a tuple, an array, or a column of polars, pandas or Arrow.
Ids = Sequence[Any] | NDArray[Any]
#: Characters of the longest id.
MAX_LENGTH = 256
#: What an id is, for the sentences.
ID = f"a string or a whole number below 2^53, without NUL characters and of at most {MAX_LENGTH} in all"
_EXACT, _EXACT_SINGLE = 2**53, 2**24  # from here on, a float64 or float32 tells no neighbours apart
# one group or the other has the number; minus zero is zero, and with zeros in front it is no number
_WHOLE = r"-?(0)\.0+|(-?[1-9][0-9]*)\.0+"
_LONGEST = 10**MAX_LENGTH
_TOO_LONG = "9" * (MAX_LENGTH + 1)  # stands for every whole number with as many digits or more


def read_ids(name: str, dtype: pl.DataType, source: str = "events") -> pl.Expr:
    """The column ``name`` as strings; null where an id is missing or broken. Blank ones stay as they are.

    Args:
        name: of the column, as of the result.
        dtype: of the column as it comes.
        source: where the column is from, for the message.

    Raises:
        InputError: neither strings nor numbers; when this is called.
    """
    import polars as pl

    column, text = pl.col(name), _text(name)
    if dtype.is_float():
        return pl.when(_is_whole(name, dtype)).then(column).cast(pl.Int64).cast(pl.String).alias(name)
    if dtype.is_integer():
        return column.cast(pl.String)
    if _is_text(dtype) or dtype.is_decimal():
        return pl.when(~is_broken(name, dtype)).then(text.str.replace(f"^(?:{_WHOLE})$", "$1$2")).alias(name)
    raise InputError(
        f"{source}: column {name!r} has type {dtype}, ids are strings or integers; write it again."
    )


def is_broken(name: str, dtype: pl.DataType) -> pl.Expr:
    """Whether a value of the column ``name``, as it comes, is there and no id; never null.

    Numbers: a fraction, an infinity, or a float of 2^53 and more. Strings: one with a NUL character, or of
    more than ``MAX_LENGTH`` characters.
    """
    import polars as pl

    column, text = pl.col(name), _text(name)
    if _is_text(dtype):
        return (text.str.contains("\0", literal=True) | (text.str.len_chars() > MAX_LENGTH)).fill_null(False)
    if dtype.is_decimal():
        return text.str.contains(r"\.[0-9]*[1-9]").fill_null(False)
    if dtype.is_float():
        return (column.is_not_nan() & ~_is_whole(name, dtype)).fill_null(False)
    return pl.lit(False)


def is_missing(name: str) -> pl.Expr:
    """Whether a row of what :func:`read_ids` read has no id, or a blank one."""
    import polars as pl

    return (pl.col(name).str.strip_chars() == "").fill_null(True)


def _is_text(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype in (pl.String, pl.Null, pl.Categorical, pl.Enum)


def _text(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).cast(pl.String)


def _is_whole(name: str, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    exact = _EXACT if dtype == pl.Float64 else _EXACT_SINGLE
    return (column == column.floor()) & (column.abs() < exact)


def id_strings(values: Ids, what: str) -> list[str]:
    """Every id as the string that a bank knows.

    Args:
        values: [N].
        what: they are called in the sentence.

    Raises:
        InputError: one of them is missing, too long or no id, or ``values`` is nothing with an order and a
            length: a set, a dictionary, a generator, a table, or one string.
    """
    found = _texts(values, what)
    for place, text in enumerate(found):
        if not text.strip():
            raise InputError(f"{what}: number {place + 1} is missing; an id is {ID}.")
        if len(text) > MAX_LENGTH:
            raise _refusal(text, place, what, f"has more than {MAX_LENGTH} characters")
    return found


def asked_ids(values: Ids, what: str = "user_ids", whole: bool = True) -> list[str]:
    """As :func:`id_strings`, for a lookup: empty where an id is missing or too long, so that none is found.

    Args:
        values: [N].
        what: they are called in the sentence.
        whole: whether texts that are whole decimals become integers. Banks that were written before this
            rule may have ``7.0`` itself, so a reader asks for both.

    Raises:
        InputError: one of them is no id, or ``values`` is nothing with an order and a length.
    """
    found = _texts(values, what, whole)
    if len(max(found, key=len, default="")) > MAX_LENGTH:
        return [text if len(text) <= MAX_LENGTH else "" for text in found]
    return found


def asked_array(values: Ids, what: str = "user_ids", whole: bool = True) -> NDArray[np.str_]:
    """As :func:`asked_ids`, [N]; an array whose ids need nothing done is returned as it is."""
    if type(values) is np.ndarray and values.ndim == 1:
        if values.dtype.kind == "U" and not _needs_reading(values, whole):
            return values
        if values.dtype.kind in "iu":
            return values.astype(np.str_)
    return np.array(asked_ids(values, what, whole), dtype=np.str_)


def id_string(value: object, what: str) -> str:
    """One id as a string; empty where it is missing.

    Raises:
        InputError: it is no id.
    """
    return _read(value, 0, what)


def _needs_reading(ids: NDArray[np.str_], whole: bool) -> bool:
    """Whether one of [N] ids may be too long, have a NUL character inside, or be a ``whole`` decimal."""
    width = ids.dtype.itemsize // 4
    if not 0 < width <= MAX_LENGTH:
        return True
    points = np.ascontiguousarray(ids, dtype=f"=U{width}").view(np.uint32).reshape(ids.size, width)
    end = points == 0
    if (end[:, :-1] > end[:, 1:]).any():
        return True
    if not whole or not (point := points[:, :-1] == ord(".")).any():
        return False
    return bool((point & (points[:, 1:] == ord("0"))).any())


def _texts(values: Ids, what: str, whole: bool = True) -> list[str]:
    """Every value as text, of any length; empty where it is missing."""
    listed = _listed(values, what)
    try:
        joined = "".join(listed)
        if "\0" not in joined and not (whole and ".0" in joined) and _is_encodable(joined):
            return list(listed)
    except TypeError:  # not all of them are text
        pass
    return [_read(value, place, what, whole) for place, value in enumerate(listed)]


def _listed(values: object, what: str) -> Sequence[Any]:
    """The values of what has an order and a length."""
    dates = isinstance(values, np.ndarray) and values.dtype.kind in "mM"  # as lists they would be integers
    if len(getattr(values, "shape", "1")) == 1 and not dates:
        for method in ("to_list", "tolist", "to_pylist"):
            if hasattr(values, method):
                return list(getattr(values, method)())
        if isinstance(values, Sequence) and not isinstance(values, str | bytes | bytearray):
            return values
    raise InputError(
        f"{what}: {_shown(values)} given, expected ids in order; give a list, an array of one dimension or a "
        "column of them."
    )


def _read(value: object, place: int, what: str, whole: bool = True) -> str:
    """A value as text; empty where it is missing."""
    if isinstance(value, str):
        if "\0" in value or not _is_encodable(value):
            raise _refusal(value, place, what, "has a NUL character or half of a character")
        found = re.fullmatch(_WHOLE, value) if whole and value.endswith("0") else None
        return found[1] or found[2] if found else value
    if value is None or type(value).__name__ == "NAType":
        return ""
    if isinstance(value, float | np.floating | Decimal):
        text = _whole_number(value)
        if text is not None:
            return text
    elif isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64):
        return str(int(value)) if abs(int(value)) < _LONGEST else _TOO_LONG
    raise _refusal(value, place, what, "is no id")


def _whole_number(value: float | np.floating | Decimal) -> str | None:
    """Of a decimal; empty where it is NaN, None where it is another one."""
    exact = isinstance(value, Decimal)
    number = value if isinstance(value, Decimal) else Decimal(float(value))
    if number.is_nan():
        return ""
    if not number.is_finite() or number != number.to_integral_value() or not (exact or abs(number) < _EXACT):
        return None
    return str(int(number)) if number.adjusted() < MAX_LENGTH else _TOO_LONG


def _is_encodable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no file takes."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refusal(value: object, place: int, what: str, why: str) -> InputError:
    return InputError(f"{what}: {_shown(value)} (number {place + 1}) {why}; an id is {ID}.")


def _shown(value: object) -> str:
    """A value of any size in a sentence."""
    if isinstance(value, str | bool | float | np.generic | Decimal):
        return reprlib.repr(value)
    return "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
