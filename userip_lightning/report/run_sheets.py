"""The closing report of a run: its CTR models, and the codes against every control, as sheets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from userip_lightning.report.comparison import NO_CODES, Comparison
from userip_lightning.report.held_out import HeldOut
from userip_lightning.report.input_control import reach
from userip_lightning.report.notation import NONE, delta, interval, p_value, percent, spread
from userip_lightning.report.sheet import Cell, Rows, Sheet

#: Key under which ``not_run`` gives the reason for a missing stage 1 evaluation.
STAGE_1 = "stage 1"
VARIANT_HEADER = (
    "variant",
    "AUC",
    "Logloss",
    "Logloss, calibrated",
    "ΔAUC vs no codes [95 %]",
    "AUC impr.",
    "Logloss impr.",
    "norm. entropy",
    "ECE",
)
CONTRAST_HEADER = (
    "codes against",
    "ΔAUC [95 %]",
    "ΔLogloss [95 %]",
    "ΔLogloss, calibrated [95 %]",
    "p (seeds, Holm)",
)


class Unknown(NamedTuple):
    """Judged users without an event to learn from, and their judged rows."""

    users: int
    rows: int


def compose(
    comparison: Comparison | None,
    held_out: HeldOut | None,
    not_run: Mapping[str, str],
    unknown: Unknown | None = None,
    profile_seeds: int = 1,
) -> tuple[Sheet, ...]:
    """Put the report together; what was not measured is printed as such and never filled in.

    The first sheet has the CTR model's variants with the verdict, and below it all other sentences; the
    second one, where there are CTR runs, the contrasts.

    Args:
        comparison: of the CTR runs, None where there are none.
        held_out: stage 1's evaluation, None where there is none.
        not_run: variant, or :data:`STAGE_1`, to the reason why it was not run.
        unknown: judged users of whom nothing is known; told where there are any.
        profile_seeds: how often stage 1 was run; 0 where codes are made without it.
    """
    missing = {name: reason for name, reason in not_run.items() if name != STAGE_1}
    verdicts: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    contrasted: tuple[Sheet, ...] = ()
    if comparison is not None:
        verdicts, contrasted = (comparison.verdict,), (_contrast_sheet(comparison),)
        contrasts = {row["against"]: row for row in comparison.contrasts.to_dicts()}
        seeds = comparison.variants["seeds"][0]
        lines = (
            *filter(None, [reach(contrasts, seeds)]),
            _scope(seeds, profile_seeds),
            f"Logloss of the click rate alone: {comparison.base_rate_logloss:.4f}. Calibrated: after "
            "Platt scaling, slope and offset fitted per run on its validation rows. Gains are judged by it.",
            *_unknown_line(unknown, comparison),
        )
    stage_1 = _held_out_line(held_out, not_run.get(STAGE_1, "no evaluation was made"))
    first = _variant_sheet(comparison, missing)._replace(verdicts=verdicts, remarks=(*lines, stage_1))
    return first, *contrasted


def _variant_sheet(comparison: Comparison | None, not_run: Mapping[str, str]) -> Sheet:
    rows = [] if comparison is None else [_variant_cells(row) for row in comparison.variants.to_dicts()]
    blank = (NONE,) * (len(VARIANT_HEADER) - 2)
    rows += [(_name(name), f"not run ({reason})", *blank) for name, reason in not_run.items()]
    title = "CTR model"
    if comparison is not None:
        seeds = comparison.variants["seeds"][0]
        title += f" on the {comparison.split} split: {comparison.rows:,} rows, {comparison.users:,} users, "
        title += f"{seeds} seed{'s' if seeds > 1 else ''}"
    return _sheet(title, VARIANT_HEADER, rows)


def _variant_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    reference = row["variant"] == NO_CODES
    return (
        _name(row["variant"]),
        spread(row["auc"], row["auc_std"]),
        spread(row["logloss"], row["logloss_std"]),
        spread(row["calibrated_logloss"], row["calibrated_logloss_std"]),
        NONE if reference else delta(row, "auc"),
        NONE if reference else percent(row["auc_improvement"]),
        NONE if reference else percent(row["logloss_improvement"]),
        f"{row['normalised_entropy']:.4f}",
        f"{row['calibration_error']:.4f}",
    )


def _contrast_sheet(comparison: Comparison) -> Sheet:
    metrics = ("auc", "logloss", "calibrated_logloss")
    rows = [
        (_name(row["against"]), *(delta(row, metric) for metric in metrics), p_value(row["p_auc"]))
        for row in comparison.contrasts.to_dicts()
    ]
    return _sheet("Codes against no codes and every control", CONTRAST_HEADER, rows)


def _sheet(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Sheet:
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return Sheet(title, "", header, (Rows("", cells),), (), ())


def _held_out_line(held_out: HeldOut | None, reason: str) -> str:
    if held_out is None:
        return f"Stage 1, held-out nats per token: not run ({reason})."
    return (
        f"Stage 1, held-out nats per token over {held_out.users:,} users: own z "
        f"{held_out.own.difference:.3f}, "
        f"another user's z {held_out.other.difference:.3f}, no z {held_out.none.difference:.3f}; own z "
        f"is better than another user's by {interval(*held_out.own_over_other, digits=3)}, "
        f"than no z by {interval(*held_out.own_over_none, digits=3)}."
    )


def _scope(seeds: int, profile_seeds: int) -> str:
    """What the intervals cover, and what they leave out."""
    if seeds == 1:
        return "Intervals cover the draw of users, given one seed of codes and CTR models."
    used = min(seeds, profile_seeds)
    if not used:
        return (
            f"Intervals and p cover the draw of users and of {seeds} seeds, each with its own codes, control "
            "and CTR model."
        )
    stage_1 = "stage 1 ran with one seed" if used == 1 else f"stage 1 ran with {used} of them"
    return (
        f"Intervals and p cover the draw of users and of {seeds} seeds, each with its own codes (stage 2), "
        f"control and CTR model; {stage_1}."
    )


def _unknown_line(unknown: Unknown | None, comparison: Comparison) -> tuple[str, ...]:
    if unknown is None or not unknown.users:
        return ()
    return (
        f"{unknown.users:,} of the {comparison.users:,} judged users have no event to learn from: codes and "
        f"controls say nothing of them. Their {unknown.rows:,} of {comparison.rows:,} rows make every "
        "difference smaller.",
    )


def _name(variant: str) -> str:
    return "no codes" if variant == NO_CODES else variant.replace("_", " ")
