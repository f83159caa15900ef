"""What any object means as an id, by docs/data.md and written anew: no line of the package is used."""

from __future__ import annotations

import decimal
import math
import re
from typing import Any

import numpy as np

#: Meanings beside an id's text; a lookup may answer a missing id with reserved codes or refuse it.
MISSING, BAD = object(), object()
LONGEST = 256
_EXACT = 2**53
_WHOLE = re.compile(r"-?\d+\.0+")


def meanings(value: Any) -> set[Any]:
    """All that a value may be taken for: texts, ``MISSING``, ``BAD``; several where the rule is silent."""
    if value is None:
        return {MISSING}
    if isinstance(value, (bool, np.bool_)):
        return {BAD}
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        number = int(value)
        return {BAD, MISSING} if abs(number) >= 10**LONGEST else {str(number)}
    if isinstance(value, np.float32) and abs(value) >= 2**24:  # refused in a column, perhaps read alone
        return {BAD} | _of_float(float(value))
    if isinstance(value, (float, np.floating)):
        return _of_float(float(value))
    if isinstance(value, str):
        return of_text(str(value))
    if isinstance(value, decimal.Decimal):
        return {MISSING, BAD} if value.is_nan() else {BAD, *_of_float(float(value))}
    if isinstance(value, (np.datetime64, np.timedelta64)) and np.isnat(value):
        return {MISSING, BAD}
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return {BAD} | meanings(value[()])
    return {BAD}


def of_text(text: str) -> set[Any]:
    """Of a string, as a CSV file or a Python program has it."""
    if not text.strip():
        return {MISSING} if text.strip(" \t\r\n\f\v") == "" else {MISSING, text}
    if "\0" in text:
        return {BAD}
    if len(text) > LONGEST:  # a lookup may say that nobody has it
        return {BAD, MISSING}
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        return {BAD, text}
    if _WHOLE.fullmatch(text):
        whole = text.partition(".")[0]
        plain = whole == str(int(whole)) and whole.isascii()
        return {whole} if plain else {whole, str(int(whole)), text}
    return {text}


def _of_float(value: float) -> set[Any]:
    if math.isnan(value):
        return {MISSING}
    if math.isinf(value) or value != int(value) or abs(value) >= _EXACT:
        return {BAD}
    return {str(int(value))}
