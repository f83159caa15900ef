"""What a case is, and how its end is judged."""

from __future__ import annotations

import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from userip_lightning.errors import InputError

#: Verdicts that are no finding.
RIGHT, REFUSED = "right", "refused"
#: Verdicts that are one: another answer without a word, an exception that is none of ours, a sentence that
#: is none, and whatever takes the process down with it.
WRONG, TRACEBACK, SENTENCE = "wrong", "traceback", "sentence"
DIED, HANGS, MEMORY = "died", "hangs", "memory"
#: Characters of a sentence; one that quotes a whole file has more.
LONGEST = 2000
_SHOWN = 300


class Outcome(NamedTuple):
    """How a case ended.

    Args:
        verdict: one of the constants above.
        mutation: what was done, in words.
        told: the sentence, or an exception's last line, or right and wrong answer.
        error: type of the exception, if there was one.
        where: innermost line of the package that the exception went through.
        trace: the whole traceback.
    """

    verdict: str
    mutation: str
    told: str = ""
    error: str = ""
    where: str = ""
    trace: str = ""

    @property
    def is_finding(self) -> bool:
        return self.verdict not in (RIGHT, REFUSED)


class Kind(ABC):
    """A family of cases; a case is a seed.

    One object of it lives in every worker. Nothing in a case may depend on what ran before it.
    """

    name: ClassVar[str]

    def build(self, folder: Path) -> None:
        """Make what all cases start from, once, in a worker of its own; here an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def open(self, folder: Path) -> None:
        """Load what :meth:`build` made into a worker, before its first case."""

    @abstractmethod
    def run(self, seed: int, scratch: Path) -> Outcome:
        """One case, in an empty folder that goes afterwards unless it is a finding."""

    def random(self, seed: int) -> random.Random:
        """The draws of a case; every kind has others."""
        return random.Random(f"{self.name}:{seed}")


def judge(
    mutation: str,
    ask: Callable[[], Any],
    differs: Callable[[Any], str | None],
    may_refuse: bool = True,
) -> Outcome:
    """Ask, and judge the answer.

    Args:
        mutation: what was done.
        ask: gives an answer or raises.
        differs: what is wrong with an answer, None if nothing is.
        may_refuse: whether an InputError is a good end.
    """
    try:
        answer = ask()
        wrong = differs(answer)
    except InputError as error:
        return _refusal(mutation, error, may_refuse)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of polars is no Exception
        return raised(mutation, error)
    return Outcome(RIGHT if wrong is None else WRONG, mutation, short(wrong or ""))


def raised(mutation: str, error: BaseException) -> Outcome:
    """The finding that an exception is."""
    said = traceback.format_exception_only(error)[-1].strip()
    trace = "".join(traceback.format_exception(error))[-8000:]
    verdict = MEMORY if isinstance(error, MemoryError) else TRACEBACK
    return Outcome(verdict, mutation, short(said), type(error).__name__, place_of(error), trace)


def place_of(error: BaseException) -> str:
    """The innermost line of the package in a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "userip_lightning" in Path(frame.filename).parts]
    if not ours:
        return "outside the package"
    parts = Path(ours[-1].filename).parts
    name = "/".join(parts[len(parts) - 1 - parts[::-1].index("userip_lightning") :])
    return f"{name}:{ours[-1].name}"


def fault_of_sentence(text: str) -> str | None:
    """What keeps a message from being one sentence for people."""
    if len(text) > LONGEST:
        return f"{len(text)} characters"
    if not text.endswith((".", "?", "!")):
        return "does not end like a sentence"
    return "has lines" if "\n" in text else None


def difference(right: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """The first entry in which an answer differs; a missing one was not asked for."""
    for name, value in found.items():
        if not _same(value, right[name]):
            return f"{name}: {_at(right[name], value)}"
    return None


def _same(found: Any, right: Any) -> bool:
    """Equal, where NaN is NaN."""
    return bool(found == right) or repr(found) == repr(right)


def _at(right: Any, found: Any) -> str:
    """Where two answers part, rather than all of both."""
    if isinstance(right, list) and isinstance(found, list):
        if len(right) != len(found):
            return f"{len(found)} entries instead of {len(right)}"
        place = next(place for place, pair in enumerate(zip(right, found, strict=True)) if not _same(*pair))
        return f"[{place}] {short(repr(found[place]), 100)} instead of {short(repr(right[place]), 100)}"
    return f"{short(repr(found), 100)} instead of {short(repr(right), 100)}"


def short(text: str, limit: int = _SHOWN) -> str:
    """Text for one line of a report."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def _refusal(mutation: str, error: InputError, may_refuse: bool) -> Outcome:
    text = str(error)
    place = place_of(error)
    if not may_refuse:
        return Outcome(WRONG, mutation, short(f"refused what is right: {text}"), "InputError", place)
    fault = fault_of_sentence(text)
    if fault is not None:
        return Outcome(SENTENCE, mutation, short(f"{fault}: {text}"), "InputError", place)
    return Outcome(REFUSED, mutation, short(text))
