"""Pickles of plain containers and scalars, read without ever calling anything that the file names.

Python's unpickler runs what a file asks for. This one knows only the opcodes that build None, booleans,
numbers, strings, bytes, lists, tuples and dictionaries (protocols 0 to 5); the others are not switched off
but absent, so that a file with one of them is refused when the opcode is met, before anything happens.
It is the Python implementation: a few bytes can make the one in C reserve gigabytes (its table of objects
grows to whatever number a file mentions). Keys of dictionaries are strings or numbers, for hashing a tuple
that is nested deeply enough overflows C's stack.
"""

from __future__ import annotations

import mmap
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from userip_lightning.errors import InputError

_PLAIN = (
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET", "EMPTY_DICT"),
)
_KEYS = (str, int, float, bytes)
# Whatever a damaged file makes the machine trip over.
_DAMAGE = (
    *(pickle.UnpicklingError, struct.error, EOFError, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, AssertionError, RecursionError, MemoryError),
)


class _Plain(pickle._Unpickler):
    """Opcode to method, for the plain opcodes alone."""

    dispatch: ClassVar[dict[int, Any]] = {}
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[object]]

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._fill(self.stack[-1], items)

    def load_dict(self) -> None:
        made: dict[Any, Any] = {}
        self._fill(made, self.pop_mark())
        self.append(made)

    def _fill(self, target: dict[Any, Any], items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, _KEYS) or not isinstance(target, dict):
                raise ValueError("a dictionary's key is neither text nor a number")
            target[key] = value


_Plain.dispatch = {
    **{getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]] for name in _PLAIN},
    pickle.SETITEM[0]: _Plain.load_setitem,
    pickle.SETITEMS[0]: _Plain.load_setitems,
    pickle.DICT[0]: _Plain.load_dict,
}
#: Opcodes that pickle knows and we do not, by name.
_REFUSED = {
    code: method.__name__.removeprefix("load_").upper()
    for code, method in pickle._Unpickler.dispatch.items()
    if code not in _Plain.dispatch
}


def load_plain(path: Path) -> Any:
    """The object in a pickle file, in memory as a whole.

    Raises:
        InputError: the file is empty, damaged or truncated, or asks for anything but plain data.
    """
    try:
        with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Plain(data).load()
    except OSError as error:
        raise InputError(f"{path}: could not be read ({error.strerror}); check the path.") from None
    except _DAMAGE as error:
        raise InputError(f"{path}: {_reason(error)}; get the file from its source again.") from None


def _reason(error: BaseException) -> str:
    """Why a file is not read, as the middle of a sentence."""
    code = error.args[0] if isinstance(error, KeyError) else None
    if code in _REFUSED:
        return (
            f"the pickle holds {_REFUSED[code]}, an instruction that plain data needs not and that can run "
            "code, but only lists, tuples, dictionaries, strings and numbers are read"
        )
    if code is not None:
        return "not a pickle file, or a damaged one"
    # mmap says ValueError of an empty file.
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"the pickle is damaged or truncated ({words})"
