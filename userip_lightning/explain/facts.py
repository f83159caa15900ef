"""Everything there is to say of an experiment's codes.

facts = Facts(source)
facts.explanation().as_json()
facts.user("7")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from userip_lightning.errors import InputError
from userip_lightning.explain.cards import cards, labels
from userip_lightning.explain.certainty import certainty
from userip_lightning.explain.event_log import Log
from userip_lightning.explain.evidence import evidence
from userip_lightning.explain.explanation import Explanation, Profile, Sample, User, UserMap
from userip_lightning.explain.held_out_gain import gained, held_out
from userip_lightning.explain.overlap import overlaps
from userip_lightning.explain.source import Ints, Source
from userip_lightning.explain.typical import sample_of
from userip_lightning.explain.user_map import code_places, user_map
from userip_lightning.ids import id_string
from userip_lightning.serving import Profiler

if TYPE_CHECKING:
    from userip_lightning.explain.lm_words import LanguageModelWords

#: Users that are shown one by one, and how many events of each.
USERS, EVENTS = 500, 8
_NO_TABLE = (
    "These codes come from the per-user engine, whose bank has no table of what an event says of a code; so "
    "how sure codes are, what they gain and which events speak for them cannot be said."
)
_NO_CLASSES = (
    "These codes are additive, places among the classes of a table and no classes themselves; so how sure "
    "codes are and what they gain cannot be said, and what an event says of them are scores, not log-odds."
)


def explain(source: Source, words: LanguageModelWords | None, users: int = USERS) -> Explanation:
    """Explain the codes of an experiment; see :class:`Facts`."""
    return Facts(source).explanation(words, users)


class Facts:
    """Data and codes of an experiment, ready to be asked.

    Args:
        source: the experiment.

    Raises:
        InputError: data or codes are missing or damaged, or do not belong together.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.log = Log(source)
        has_table = "codebooks" in self.log.bank.manifest.extra
        self.profiler = Profiler.load(source.bank) if has_table else None

    def explanation(self, words: LanguageModelWords | None = None, users: int = USERS) -> Explanation:
        """All codes, and a sample of users.

        Args:
            words: a language model that reads codes.
            users: how many are shown one by one, those who are typical of a code first.

        Raises:
            InputError: the language model cannot be had, or there is nobody to explain.
        """
        log, profiler, source = self.log, self.profiler, self.source
        if not log.n_users:
            raise InputError(f"{source.bank}: no user of the data has a code here; run `userip fit` again.")
        sure = told = None
        if profiler is not None and not profiler.additive:
            sure = certainty(profiler, log.counts, log.codes)
            told = gained(profiler, log.counts, log.hidden)
        made = [
            cards(log, sure, None if told is None else told.profiles[p], words, p)
            for p in range(len(log.sizes))
        ]
        shown = sample_of(log.n_users, [own for one in made for own in one.typical], users, source.seed)
        plane = None if profiler is None else user_map(profiler, log, shown)
        events = int(log.events.sum())
        return Explanation(
            experiment=source.experiment,
            engine=source.engine,
            explicit=log.explicit,
            n_users=log.n_users,
            items=log.n_items,
            events=events,
            click_rate=float(log.liked.sum() / events) if log.explicit and events else None,
            language_model=None if words is None else source.language_model,
            why_no_words=source.why_no_words if words is None else None,
            why_no_table=self._missing(),
            gained_nats=None if told is None else told.codes,
            profiles=[_placed(one.profile, plane, log.codes[shown, p]) for p, one in enumerate(made)],
            overlap=overlaps(log.codes, log.names, log.sizes),
            map=plane,
            sample=Sample(len(shown), log.n_users, _how(len(shown), log.n_users)),
            users=[self._user(int(user), EVENTS) for user in shown],
        )

    def user(self, user_id: str) -> User:
        """One user, with all of their events.

        Raises:
            InputError: nobody has this id.
        """
        log = self.log
        (places,) = np.nonzero((log.user_ids == id_string(user_id, "--user")).to_numpy())
        if not places.size:
            known = ", ".join(map(repr, log.user_ids.head(3)))
            raise InputError(
                f"--user: nobody has the id {user_id!r} here; there are {log.n_users:,} users, such as "
                f"{known}. Give an id as the log has it."
            )
        return self._user(int(places[0]), None)

    def labels(self) -> list[list[str]]:
        """[P][K] labels of codes, without any other figure of them."""
        return [labels(self.log, profile) for profile in range(len(self.log.sizes))]

    def held_out(self) -> float | None:
        """How well codes predict events that nobody has learned from: log Σ_c r_uc exp(l_ec), their mean.

        Nats per event, more is better. None where there are no such events, or codes are no classes.
        """
        if self.profiler is None or self.profiler.additive:
            return None
        return held_out(self.profiler, self.log.counts, self.log.hidden)

    def _missing(self) -> str | None:
        if self.profiler is None:
            return _NO_TABLE
        return _NO_CLASSES if self.profiler.additive else None

    def _user(self, user: int, most: int | None) -> User:
        log, profiler = self.log, self.profiler
        probabilities = None
        if profiler is not None and not profiler.additive:
            sure = certainty(profiler, log.counts[user], log.codes[[user]])
            probabilities = sure.probability[0].tolist()
        return User(
            user_id=str(log.user_ids[user]),
            codes=log.codes[user].tolist(),
            probabilities=probabilities,
            events=int(log.events[user]),
            evidence=None if profiler is None else evidence(profiler, log, user, most),
        )


def _placed(profile: Profile, plane: UserMap | None, codes: Ints) -> Profile:
    """With the places of its codes in the map."""
    places: Sequence[list[float] | None] = code_places(plane, codes, profile.size)
    placed = [replace(code, map=place) for code, place in zip(profile.codes, places, strict=True)]
    return replace(profile, codes=placed)


def _how(shown: int, users: int) -> str:
    if shown == users:
        return "All users."
    return "The users who are typical of a code, and others drawn at random."
