"""What a reader has to know about a baseline's row, in one sentence: the table says the rest."""

from __future__ import annotations

from pathlib import Path

from userip_lightning.artifact import read_manifest
from userip_lightning.plural import plural
from userip_lightning.reproduce.baseline_settings import Baseline


def note(baseline: Baseline, made: Path) -> str:
    """The sentence.

    Args:
        baseline: its settings.
        made: folder of its first ctr artifact, or of the knowledge that its network reads.
    """
    match baseline.method:
        case "kar":
            return _kar(baseline, made)
        case "pepler":
            return _pepler(baseline, made)
        case "rella":
            return _rella(baseline)


def _kar(baseline: Baseline, knowledge: Path) -> str:
    section = baseline.sections["knowledge"]
    lacking = read_manifest(knowledge, "knowledge").extra["no_knowledge"]
    total = {side: sum(reasons.values()) for side, reasons in lacking.items()}
    counts = [plural(count, side) for side, count in total.items() if count]
    whose = (
        " of somebody else (a control, one permutation for all seeds)"
        if baseline.sections["shuffled"]
        else ""
    )
    return (
        f"Knowledge{whose}: texts of up to {section['generation']['max_new_tokens']} tokens by "
        f"{_name(section['lm']['name'])}{'; there is none for ' if counts else ''}{' and '.join(counts)}."
    )


def _pepler(baseline: Baseline, run: Path) -> str:
    extra = read_manifest(run, "ctr").extra
    share, model = baseline.sections["data"]["text_share"], baseline.sections["model"]
    stages = "prompts, then prompts and model" if extra["lm_tuned"] else "prompts alone"
    return (
        f"Tuned: {stages} ({_name(model['lm']['name'])}), with the text of {100 * share:g}% of the rows of "
        "every batch and the click of all; hyper-parameters as configured."
    )


def _rella(baseline: Baseline) -> str:
    data, model = baseline.sections["data"], baseline.sections["model"]
    epochs = baseline.sections["trainer"]["max_epochs"]
    rows = "all training rows" if data["train_rows"] is None else f"{data['train_rows']:,} training rows"
    tuned = f"tuned on {rows} (LoRA)" if epochs else "not tuned (zero-shot)"
    return (
        f"{_name(model['lm']['name'])}, {tuned}, {data['behaviours']} retrieved behaviours per prompt; "
        "hyper-parameters as configured."
    )


def _name(model: str) -> str:
    """A model as people call it: a report is read where folders of this machine mean nothing."""
    return Path(model).name
