"""The report on all regimes of a log: tables, figures, and what each regime needs.

The folder is one artifact of kind ``study``, whole or absent:

    results.json    every figure        report.md  report.html    tables and sentences
    figures/        SVG and PNG
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from userip_lightning.plural import plural
from userip_lightning.report.folder import Drawn, write_sheets
from userip_lightning.report.notation import NONE, delta, number, sentence, spread
from userip_lightning.report.regime import GROUPS, Finding, best_text
from userip_lightning.report.regime_figures import regime_figures
from userip_lightning.report.sheet import Cell, Rows, Sheet

HEADER = (
    *("regime", "users in train", "best codes without text", "best with words", "best with a language model"),
    *("words − no text", "language model − words", "best text − no text", "needs"),
)
_METHOD_HEADER = ("method", "AUC", "Logloss, calibrated", "AUC on validation rows")
_NOTES = (
    "Every regime is a smaller or colder version of one log: users are cold (unknown to what was trained but "
    "for the titles shown), or warm (random, temporal), or the items are cold (nobody trained on them).",
    "Best is chosen on validation rows; everything else is of test rows of users with at least one training "
    "or shown event. ± is the standard deviation over seeds. Differences are of AUC, with the 95 % interval "
    "of a bootstrap that draws users and seeds alike for all methods.",
    "A need is claimed with at least five seeds and twenty users, if the best method of its kind beats every "
    "method of less knowledge, each by 0.001 AUC or more with the whole interval above zero at a calibrated "
    "Logloss that is not worse, and not above that of the click rate alone; texts of other items count as no "
    "text. Where nothing is needed, one regime in forty may still claim it: read the rows together.",
    "Calibrated: after Platt scaling, slope and offset of the log-odds, fitted per run on validation rows of "
    "users with such an event.",
    "Methods without text: count mixture and `none` find classes by counts alone; svd kmeans clusters users "
    "by what they met; shuffled, random, generosity. With words: a bag of words as the prior of those "
    "classes, text kmeans and svd text kmeans. Of other items: the same, with every item given the text of "
    "another, which says nothing of it; what is left is a prior as flexible. With a language model: sentence "
    "vectors or hidden states, also joined with words.",
    "Where items are cold, nothing but a text tells them apart, so judging by affinity takes the text of the "
    "codes, and of codes that know no item's text (+ words) the items' words: a need is one of the codes.",
)


class Judged(NamedTuple):
    """One regime and what came of it.

    Args:
        name: folder of its runs.
        split: what is cold, in words; groups the rows of the table.
        label: the rest, in words.
        axes: train_users (as found in the data), titles (null where not limited), codes and classes.
        finding: None where it failed.
        failed: the reason.
    """

    name: str
    split: str
    label: str
    axes: dict[str, object]
    finding: Finding | None
    failed: str | None


def write_regimes(
    folder: Path, judged: Sequence[Judged], title: str, notes: Sequence[str], settings: Mapping[str, object]
) -> Sheet:
    """Write the folder, replacing what was there.

    Args:
        folder: the report's.
        judged: all regimes, in order.
        title: of the report.
        notes: caveats of this study.
        settings: that made it, for results.json.

    Returns:
        The summary.

    Raises:
        InputError: the disk is full.
    """
    summary = summary_sheet(judged)
    done = [(one, one.finding) for one in judged if one.finding is not None]
    figures = regime_figures([(one.split, one.axes, found) for one, found in done])
    drawn = [Drawn(stem, f"AUC, {stem}", figure) for stem, figure in figures.items()]
    write_sheets(
        folder,
        title,
        [summary, *(regime_sheet(one, found) for one, found in done)],
        (*notes, *_NOTES),
        {"settings": settings, "regimes": [_record(one) for one in judged]},
        sum(found.users for _, found in done),
        [drawn, *([()] * len(done))],
    )
    return summary


def summary_sheet(judged: Sequence[Judged]) -> Sheet:
    """A row per regime, under what is cold in it."""
    done = [(one, one.finding) for one in judged if one.finding is not None]
    groups = tuple(
        Rows(split, tuple(_summary(one, found) for one, found in done if one.split == split))
        for split in dict.fromkeys(one.split for one, _ in done)
    )
    verdicts = tuple(f"{one.split}, {one.label}. {found.sentence}" for one, found in done)
    failed = tuple(
        f"{one.split}, {one.label}: failed. {sentence(one.failed)}"
        for one in judged
        if one.failed is not None
    )
    return Sheet("What does this log need?", "", HEADER, groups, verdicts, failed)


def regime_sheet(one: Judged, found: Finding) -> Sheet:
    """AUC and Logloss of every method of one regime."""
    top = max(row["auc"] for row in found.methods)
    groups = tuple(
        Rows(
            group.capitalize(),
            tuple(
                (
                    Cell(row["name"]),
                    Cell(spread(row["auc"], row["auc_std"]), int(row["auc"] == top)),
                    Cell(spread(row["calibrated_logloss"], row["calibrated_logloss_std"])),
                    Cell(number(row["validation_auc"])),
                )
                for row in found.methods
                if row["group"] == group
            ),
        )
        for group in GROUPS
        if any(row["group"] == group for row in found.methods)
    )
    caption = (
        f"Judged on {plural(found.rows, 'row')} of {plural(found.users, 'user')}, "
        f"{plural(found.seeds, 'seed')}; Logloss of the click rate alone {found.base_rate_logloss:.4f}."
    )
    return Sheet(f"{one.split}, {one.label}", caption, _METHOD_HEADER, groups, (found.sentence,), ())


def _summary(one: Judged, found: Finding) -> tuple[Cell, ...]:
    reached = {row["name"]: row["auc"] for row in found.methods}
    free, words, model = (found.best.get(group) for group in ("no text", "words", "language model"))
    pairs = ((words, free), (model, words), (best_text(found), free))
    return (
        Cell(one.label),
        Cell(f"{one.axes['train_users']:,}"),
        *(Cell(NONE if name is None else f"{name} {reached[name]:.4f}") for name in (free, words, model)),
        *(Cell(NONE if a is None or b is None else delta(found.contrast(a, b), "auc")) for a, b in pairs),
        Cell("nothing claimed" if found.need == "unknown" else found.need),
    )


def _record(one: Judged) -> dict[str, object]:
    found = None if one.finding is None else one.finding._asdict()
    return {**one._asdict(), "finding": found}
