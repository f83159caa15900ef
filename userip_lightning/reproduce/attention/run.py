"""Figure 7: attention between words and soft tokens before and after tuning, as pictures and a number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from userip_lightning.errors import InputError, Unavailable
from userip_lightning.plural import plural
from userip_lightning.profile.behaviours import item_texts
from userip_lightning.profile.prompt_bodies import Ints
from userip_lightning.profile.start import embed_start, random_start
from userip_lightning.report.folder import Drawn, write_sheets
from userip_lightning.report.notation import interval, number
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.reproduce.attention.pictures import heat_maps, layer_lines
from userip_lightning.reproduce.attention.reader import AttentionReader, Read
from userip_lightning.reproduce.attention.shares import OTHER, RANDOM, START, TUNED, Share, shares
from userip_lightning.reproduce.case_report import finished, summary_sheet
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.profiled import Cases, Profiled, Tell, each_case
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.run import Finished
from userip_lightning.reproduce.settings import Study
from userip_lightning.schema import TEST, VAL

NAME = "fig7"
_START = {"words": START, "random": RANDOM}
#: Users who are read, and who are drawn (the paper's seven).
_USERS, _DRAWN = 64, 7
_HEADER = (
    *("soft tokens", "attention of a filler word", "of a content word", "share of content words [95\u00a0%]"),
    "tuned − this [95\u00a0%]",
)
_NOTES = (
    "Soft tokens come before the sentence, so its words attend to them, and not they to the words. A figure"
    " is the part of a word's attention that goes to a profile's soft tokens, as a mean over heads, layers "
    "and the word's tokens.",
    "The sentence is the prompt's: its task text, whose words are filler, and the text of an item that the "
    "user liked in a held-out row, whose words are content. Words without a letter are left out.",
    "The share is that of content words in the attention of all words of the sentence; its interval, and "
    "that of differences, is of a bootstrap over users. The sentence is the same under all soft tokens.",
    "What tuning does is the difference to the start that stage 1 had (profile.model.start). Start at words: "
    "the user's distinctive words. Random start: drawn with the spread of the vocabulary's embeddings, as in "
    "the paper. The other of the two is a reference: its difference holds what the choice of a start does.",
    "Another user's: tuned soft tokens of another user of the sample, with this user's item; what is not "
    "above it is not shown to be personal. Raises, lowers, more and less mean that the whole interval is off "
    "zero.",
    "Heat maps are drawn for users chosen at random. 0 and 1 are the least and the most attention in the "
    "three panels of a profile together.",
    "The paper (Fig. 7, Amazon Video Games): before tuning the weight is on filler words ('The user'), after "
    "tuning on content words (Gotham, stealth, shooting, action). It gives no figures and no control.",
)


class _Found(NamedTuple):
    start: str
    profiles: tuple[str, ...]
    layers: list[int]
    depth: int
    user_ids: list[str]
    read: list[Read]
    shares: list[Share]


def reproduce_fig7(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Read attention, measure it, and report.

    Args:
        study: its settings.
        choice: which part of it, and which layers of the language model.
        display: shows how far it is.

    Raises:
        InputError: settings or names that cannot be used, the engine has no soft tokens of users, or the
            output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    if study.engine == "catalogue":
        raise Unavailable(
            "engine: fig7 is about soft tokens of users, and the engine catalogue has none; set per_user."
        )

    def look(case: Profiled, tell: Tell) -> _Found:
        return _look(case, choice, tell)

    cases = each_case(NAME, study, choice, display, look, codes=False)
    sheets = [_sheet(name, found) for name, found in cases.found.items()]
    figures = [_figures(name, found) for name, found in cases.found.items()]
    summary = summary_sheet(Sheet("Attention to soft tokens", "", _HEADER, (), (), ()), sheets, cases.said)
    if len(sheets) == 1:
        sheets = [summary]
    else:
        sheets, figures = [summary, *sheets], [[], *figures]
    results = {name: _record(found) for name, found in cases.found.items()}
    users = sum(len(found.user_ids) for found in cases.found.values())
    write_sheets(
        cases.root / NAME, NAME, sheets, _NOTES, {"cases": results, "absent": cases.said}, users, figures
    )
    return finished(cases, NAME, summary, _sentence(cases))


def _look(case: Profiled, choice: Choice, tell: Tell) -> _Found:
    reader = AttentionReader(case.lm, case.prompt)
    texts = item_texts(case.data, case.prompt, reader.tokenizer, True)
    layers = _layers(choice, reader.layers)
    sentences = _sentences(case, texts, reader)
    users = np.array(sorted(sentences))
    z = _soft_tokens(case, reader, users)
    read = []
    for place, user in enumerate(users.tolist()):
        read.append(reader.read(z[:, place], sentences[user]))
        tell(place + 1, len(users), "sentences read")
    names = case.data.users["user_id"].gather(users).to_list()
    found = shares(read, case.prompt.names, layers)
    return _Found(
        _START[case.start],
        case.prompt.names,
        [layer + 1 for layer in layers],
        reader.layers,
        names,
        read,
        found,
    )


def _layers(choice: Choice, depth: int) -> list[int]:
    """Places of the chosen layers."""
    chosen = range(1, depth + 1) if choice.layers is None else sorted(set(choice.layers))
    if not chosen or min(chosen) < 1 or max(chosen) > depth:
        raise InputError(f"--layers: {list(chosen)} given, the language model has the layers 1 to {depth}.")
    return [layer - 1 for layer in chosen]


def _sentences(case: Profiled, texts: list[str | None], reader: AttentionReader) -> dict[int, str]:
    """User to the text of the first item that they liked in a held-out row and that has a word."""
    rows = case.data.rows(VAL, TEST).filter((pl.col("label") == 1) & pl.col("logged"))
    found: dict[int, str] = {}
    readable: dict[int, bool] = {}
    for user, item in rows.select("user", "item").iter_rows():
        text = texts[item]
        if text is None or user in found:
            continue
        if item not in readable:
            readable[item] = any(word.content for word in reader.words(text))
        if readable[item]:
            found[user] = text
    if len(found) < 2:
        raise InputError(
            f"{case.data.path}: {len(found)} users liked an item with a text in held-out rows, at least 2 "
            "are needed; keep more events, or choose another split."
        )
    if not any(not word.content for word in reader.words(next(iter(found.values())))):
        raise InputError("prompt.liked: the task text has no word, whose attention could be compared.")
    drawn = np.random.default_rng(0).permutation(sorted(found))[:_USERS]
    return {int(user): found[int(user)] for user in drawn}


def _soft_tokens(case: Profiled, reader: AttentionReader, users: Ints) -> NDArray[np.float32]:
    """[C, B, P, S, D] of every condition."""
    tuned, words = case.z(users), reader.backbone.words
    shape = (tuned.shape[1], tuned.shape[2], tuned.shape[3])
    by_chance = random_start(torch.from_numpy(users), shape, words, case.seed)
    started = embed_start(torch.from_numpy(case.start_ids(users)), words)
    before = [values.cpu().numpy() for values in (by_chance, started)]
    return np.stack([*before, tuned, np.roll(tuned, 1, axis=0)])


def _sheet(name: str, found: _Found) -> Sheet:
    groups = tuple(
        Rows(profile, tuple(_row(one, found.start) for one in found.shares if one.profile == profile))
        for profile in found.profiles
    )
    layers = (
        "all layers" if len(found.layers) == found.depth else f"layers {', '.join(map(str, found.layers))}"
    )
    users = plural(len(found.user_ids), "user")
    caption = f"{users}, the text of a held-out item each; mean over heads and {layers}."
    said = tuple(line for profile in found.profiles for line in _verdicts(profile, found))
    return Sheet(name, caption, _HEADER, groups, said, ())


def _row(one: Share, start: str) -> tuple[Cell, ...]:
    low_high = f"{one.share.difference:.4f} [{one.share.low:.4f}, {one.share.high:.4f}]"
    gain = "" if one.condition == TUNED else interval(*one.gain)
    return (
        Cell(f"{one.profile}, {_label(one.condition, start)}"),
        Cell(number(one.filler)),
        Cell(number(one.content)),
        Cell(low_high),
        Cell(gain),
    )


def _label(condition: str, start: str) -> str:
    """A condition, and for starts whether stage 1 started there."""
    if condition not in _START.values():
        return condition
    return f"{condition} ({'of stage 1' if condition == start else 'a reference'})"


def _verdicts(profile: str, found: _Found) -> tuple[str, ...]:
    gain = {one.condition: one.gain for one in found.shares if one.profile == profile}
    own, other, users = gain[found.start], gain[OTHER], plural(len(found.user_ids), "user")
    return (
        f"{profile}: tuning, from a {found.start}, {_moved(own)} the share of content words "
        f"({interval(*own)}, {users}).",
        f"{profile}: {_personal(other)} ({interval(*other)} against another user's soft tokens, {users}).",
    )


def _moved(gain: Interval) -> str:
    return "raises" if gain.low > 0 else "lowers" if gain.high < 0 else "makes no clear change to"


def _personal(gain: Interval) -> str:
    if gain.low > 0:
        return "personal, a user's own soft tokens get more of it from content words"
    if gain.high < 0:
        return "not personal, a user's own soft tokens get less of it from content words"
    return "not shown to be personal"


def _figures(name: str, found: _Found) -> list[Drawn]:
    stem = "".join(sign if sign.isalnum() else "-" for sign in name)
    count = min(_DRAWN, len(found.read))
    chosen = np.sort(np.random.default_rng(0).choice(len(found.read), count, replace=False))
    users, read = [found.user_ids[user] for user in chosen], [found.read[user] for user in chosen]
    layers = [layer - 1 for layer in found.layers]
    drawn = [
        Drawn(
            f"{stem}-{profile}",
            f"Attention of words to the soft tokens of {profile}, by user",
            heat_maps(users, read, place, layers),
        )
        for place, profile in enumerate(found.profiles)
    ]
    caption = "Share of content words in the attention to soft tokens, layer by layer"
    return [*drawn, Drawn(f"{stem}-layers", caption, layer_lines(found.shares))]


def _sentence(cases: Cases[_Found]) -> str:
    said = [
        f"{name}: {line.removesuffix('.')}"
        for name, found in cases.found.items()
        for profile in found.profiles
        for line in _verdicts(profile, found)
    ]
    return f"{'; '.join(said)}." if said else "Nothing could be read."


def _record(found: _Found) -> dict[str, object]:
    measured = [
        {**one._asdict(), "share": one.share._asdict(), "gain": one.gain._asdict()} for one in found.shares
    ]
    return {"users": found.user_ids, "start": found.start, "layers": found.layers, "shares": measured}
