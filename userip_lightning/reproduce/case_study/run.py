"""Table 5: words retrieved for users and codes, scored against titles that the users liked later."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from userip_lightning.explain.lm_words import LanguageModelWords
from userip_lightning.plural import plural
from userip_lightning.report.folder import write_sheets
from userip_lightning.report.notation import interval
from userip_lightning.reproduce.case_report import finished, summary_sheet
from userip_lightning.reproduce.case_study.histories import Histories, histories, word_counts
from userip_lightning.reproduce.case_study.hits import ground, score
from userip_lightning.reproduce.case_study.sheets import Judged, Person, person_sheet, score_sheet
from userip_lightning.reproduce.case_study.sources import (
    COUNT,
    DISTINCTIVE,
    ENTRY,
    EVERY,
    TUNED,
    Retrieved,
    of_soft_tokens,
    retrieve,
)
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.profiled import Cases, Profiled, Tell, each_case
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.run import Finished
from userip_lightning.reproduce.settings import Study

NAME = "table5"
_PEOPLE, _SHOWN = 4, 4
_NOTES = (
    f"Up to {COUNT} words for each user and source, of those that the language model has as one token and "
    "that occur in a title of the catalogue, so that all sources choose among the same words. Nearest is "
    "by cosine, less the mean of the vocabulary's embeddings, which every word is near.",
    "Held-out titles are those that a user liked in validation and test rows and had not met before. Words "
    "have three letters or more, are compared without regard to case, and English stop words are left out of "
    "titles and so of all sources.",
    "A user is held against a group of twenty users or more with about as many held-out words, and only "
    "titles count that neither of the two had met in training: what a user has met is not held out for "
    "them, so their own words would be found with everybody else. Words that know nothing of the user score"
    " zero on average.",
    "Intervals are of a bootstrap over users. Better than chance means that the whole interval is above "
    "zero.",
    "A code's entry is the mean embedding of the titles that its users liked, less that of all liked titles. "
    "Words expected under a code are those that the language model gives a higher log-probability after the "
    "code's distinctive words than after those of the other codes; these words themselves are left out.",
    "Soft tokens before tuning start at the user's own distinctive words, spelt in tokens, where "
    "profile.model.start is `words`: what tuning adds to them is the difference between the two rows.",
    "Codes, soft tokens and draws are those of the first seed.",
)


class _Found(NamedTuple):
    users: int
    judged: list[Judged]
    people: list[Person]


def reproduce_table5(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Retrieve words, score them, and report.

    Args:
        study: its settings.
        choice: which part of it.
        display: shows how far it is.

    Raises:
        InputError: settings or names that cannot be used, or the output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    cases = each_case(NAME, study, choice, display, _look, codes=True)
    scores = [score_sheet(name, found.judged) for name, found in cases.found.items()]
    empty = score_sheet("Words against held-out titles", ())._replace(verdicts=())
    summary = summary_sheet(empty, scores, cases.said)
    sheets = [summary] if len(scores) != 1 else []
    for own, (name, found) in zip(scores, cases.found.items(), strict=True):
        sheets += [summary if len(scores) == 1 else own, person_sheet(name, found.people)]
    results = {name: _record(found) for name, found in cases.found.items()}
    users = sum(found.users for found in cases.found.values())
    write_sheets(cases.root / NAME, NAME, sheets, _NOTES, {"cases": results, "absent": cases.said}, users)
    return finished(cases, NAME, summary, _sentence(cases))


def _look(case: Profiled, tell: Tell) -> _Found:
    people, words = histories(case.data), LanguageModelWords(case.lm, case.prompt.item_max_tokens)
    sources = retrieve(case, people, words, tell)
    has, vocabulary = word_counts(people.words)
    retrieved = frozenset(word for one in sources for own in one.words for word in own)
    users = ground(people.held_out, people.met, has, vocabulary, retrieved)
    judged = [Judged(one, score(one.words, users)) for one in sources]
    return _Found(len(people.users), judged, _persons(case, people, words, sources))


def _persons(
    case: Profiled, people: Histories, words: LanguageModelWords, sources: list[Retrieved]
) -> list[Person]:
    """A few users drawn at random; their words come from the whole vocabulary, as in the paper."""
    count = min(_PEOPLE, len(people.users))
    drawn = np.sort(np.random.default_rng(0).choice(len(people.users), count, replace=False))
    by_source = {(one.group, one.source): one.words for one in sources}
    near = {
        name: [own[user] for user in drawn] for (name, source), own in by_source.items() if source == ENTRY
    }
    if case.plan.profiles:
        z = case.z(people.users[drawn])
        near = {
            name: of_soft_tokens(z[:, p], words, None, _SHOWN) for p, name in enumerate(case.prompt.names)
        }
    return [
        Person(
            people.user_ids[user],
            {name: own[place][:_SHOWN] for name, own in near.items()},
            by_source[EVERY, DISTINCTIVE][user][:_SHOWN],
            people.later(user),
        )
        for place, user in enumerate(drawn)
    ]


def _sentence(cases: Cases[_Found]) -> str:
    """What was found of the paper's source, or of the codes where there are no soft tokens."""
    said = []
    for name, found in cases.found.items():
        sources = {one.retrieved.source for one in found.judged}
        chosen = TUNED if TUNED in sources else ENTRY
        said += [
            f"{name}: words {one.retrieved.source} are {'' if one.score.found else 'not shown to be '}better "
            f"than chance for {one.retrieved.group} ({interval(*one.score.score)}, "
            f"{plural(one.score.users, 'user')})"
            for one in found.judged
            if one.retrieved.source == chosen and one.score is not None
        ]
    return f"{'; '.join(said)}." if said else "Nothing could be retrieved."


def _record(found: _Found) -> dict[str, object]:
    scores = [
        {
            "profile": one.retrieved.group,
            "source": one.retrieved.source,
            "score": None if one.score is None else _as_json(one.score),
        }
        for one in found.judged
    ]
    return {"users": found.users, "scores": scores, "people": [one._asdict() for one in found.people]}


def _as_json(found: Any) -> dict[str, Any]:
    record: dict[str, Any] = found._asdict()
    return record | {key: record[key]._asdict() for key in ("score", "shuffled")}
