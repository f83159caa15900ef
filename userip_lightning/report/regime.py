"""What one regime of a log needs: text, a language model, or neither.

Methods stand in groups, by what their codes know of the items' texts: nothing, the texts of other items, the
words, or what a language model makes of them. Texts of other items say nothing, but the prior that reads them
is as flexible as one that reads an item's own. Validation rows choose the best of each group, test rows
judge. Text is needed where the best of it beats *every* method that knows no item's text, a language model
where the best of it beats every other method, each as ``verdict.py`` has it: by at least 0.001 AUC, the
whole interval of a bootstrap over users and seeds above zero, at a calibrated Logloss that is not worse and
not above that of the click rate alone.
Fewer than five seeds or twenty users claim nothing. That no need was shown is no proof that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from userip_lightning.report.method_figures import Measured, delta_columns, mean_columns, measure
from userip_lightning.report.notation import delta
from userip_lightning.report.predictions import Predictions
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.bootstrap import paired_difference
from userip_lightning.report.verdict import beats, too_few

Group = Literal["no text", "permuted text", "words", "language model"]
GROUPS: tuple[Group, ...] = get_args(Group)
_BLIND, _READING, _BELOW_MODEL = GROUPS[:2], GROUPS[2:], GROUPS[:3]
Need = Literal["language model", "text", "neither", "unknown"]


class Contender(NamedTuple):
    """A way to code users.

    Args:
        name: unique in its regime.
        group: what it knows of the items' texts.
        validation_auc: mean over seeds.
        test: scores of the judged rows, the same rows for all.
    """

    name: str
    group: Group
    validation_auc: float
    test: Predictions


class Finding(NamedTuple):
    """What was found in one regime; JSON values.

    Args:
        rows: judged.
        users: of them.
        seeds: per method.
        base_rate_logloss: of the click rate alone, nats.
        methods: name, group, validation_auc, auc, auc_std, logloss, logloss_std, calibrated_logloss,
            calibrated_logloss_std; deviations over seeds, null for one seed.
        best: group to the name of its best method on validation rows; groups without a method are absent.
        contrasts: method, against, and the nine delta columns of ``Comparison``; of the best with words
            and the best with a language model against all methods of the groups before theirs.
        need: what the log needs.
        sentence: the same in words, with figures.
    """

    rows: int
    users: int
    seeds: int
    base_rate_logloss: float
    methods: list[dict[str, Any]]
    best: dict[str, str]
    contrasts: list[dict[str, object]]
    need: Need
    sentence: str

    def contrast(self, method: str, against: str) -> dict[str, Any]:
        """The row of ``contrasts`` of two methods."""
        wanted = (method, against)
        return next(row for row in self.contrasts if (row["method"], row["against"]) == wanted)


def judge_regime(contenders: Sequence[Contender], replicates: int = 1000, seed: int = 0) -> Finding:
    """Find what a regime needs.

    Args:
        contenders: all methods, with at least one in the group "no text".
        replicates: of the bootstrap.
        seed: of the bootstrap.
    """
    users, label, scores, _ = contenders[0].test
    base_rate = metrics.base_rate_logloss(label)
    measured = {c.name: measure(c.test, replicates, seed) for c in contenders}
    best: dict[str, str] = {}
    for group in GROUPS:
        of_group = [c for c in contenders if c.group == group]
        if of_group:
            best[group] = max(of_group, key=lambda c: c.validation_auc).name
    contrasts = [
        {
            "method": best[group],
            "against": other.name,
            **delta_columns(
                paired_difference(measured[best[group]].replicates, measured[other.name].replicates)
            ),
        }
        for group in _READING
        if group in best
        for other in contenders
        if GROUPS.index(other.group) < GROUPS.index(group)
    ]
    methods = [_method(c, measured[c.name]) for c in contenders]
    found = Finding(
        label.size,
        int(np.unique(users).size),
        len(scores),
        base_rate,
        methods,
        best,
        contrasts,
        "unknown",
        "",
    )
    need = _need(found)
    return found._replace(need=need, sentence=_sentence(found, need))


def best_text(found: Finding) -> str | None:
    """The best method that reads the items' own texts, on validation rows; None where there is none."""
    names = [found.best[group] for group in _READING if group in found.best]
    reached = {row["name"]: row["validation_auc"] for row in found.methods}
    return max(names, key=reached.__getitem__, default=None)


def _method(contender: Contender, found: Measured) -> dict[str, object]:
    return {
        "name": contender.name,
        "group": contender.group,
        "validation_auc": contender.validation_auc,
        **mean_columns(found),
    }


def _need(found: Finding) -> Need:
    if too_few(found.seeds, found.users):
        return "unknown"
    language_model, text = found.best.get("language model"), best_text(found)
    if language_model is not None and "words" in found.best and _wins(found, language_model, _BELOW_MODEL):
        return "language model"
    return "text" if text is not None and _wins(found, text, _BLIND) else "neither"


def _wins(found: Finding, method: str, groups: Iterable[Group]) -> bool:
    """Whether a method beats every method of these groups, at a Logloss no worse than the click rate's."""
    (loss,) = (row["calibrated_logloss"] for row in found.methods if row["name"] == method)
    others = [row["name"] for row in found.methods if row["group"] in groups]
    beaten = all(beats(found.contrast(method, other)) for other in others)
    return bool(beaten and loss <= found.base_rate_logloss)


def _sentence(found: Finding, need: Need) -> str:
    free, text = found.best["no text"], best_text(found)
    if text is None:
        return "Nothing is claimed: no method read the text."
    over = f"{text} {delta(found.contrast(text, free), 'auc')} AUC over {free}, the best codes without text"
    if permuted := found.best.get("permuted text"):
        over += f", and {delta(found.contrast(text, permuted), 'auc')} over {permuted}"
    if {"words", "language model"} <= set(found.best):
        words, model = found.best["words"], found.best["language model"]
        over += (
            f"; {model} {delta(found.contrast(model, words), 'auc')} over {words}, the best with words alone"
        )
    match need:
        case "language model":
            return f"Needs a language model: {over}."
        case "text":
            return f"Needs text, but no language model was shown to be needed: {over}."
        case "neither":
            return f"Neither was shown to be needed: {over}."
        case "unknown":
            return f"Nothing is claimed with {too_few(found.seeds, found.users)}: {over}."
