"""What a person changes of an experiment's codes, as settings of a new experiment beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning.catalogue.steering import Steering
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, settings_hash
from userip_lightning.pipeline.plan import experiment_root
from userip_lightning.pipeline.run import CONFIG


class Changes(NamedTuple):
    """What shall be different; see ``catalogue.steering.Steering`` for the first three.

    Args:
        anchors: profile to code to words.
        strength: of the anchors.
        merge: profile to groups of codes that become one.
        rename: profile to its new name to the words in front of its soft tokens.
    """

    anchors: dict[str, dict[int, str]]
    strength: float
    merge: dict[str, list[list[int]]]
    rename: dict[str, dict[str, str]]


def changed_experiment(root: Path, before: Experiment, name: str, changes: Changes, seed: int) -> Experiment:
    """The experiment with the changes in its settings; controls are not drawn again."""
    sections, engine = before.sections, before.settings.engine
    stage = "catalogue" if engine == "catalogue" else "quantize"
    model = sections[stage]["model"]
    _refuse_names(changes, model["sizes"])
    if model.get("steering") is not None:
        raise InputError(
            f"{root}: its codes are steered already, and a second steering would replace the first; steer "
            "the experiment that it began from, with all changes."
        )
    sizes = {name_after(profile, changes): size for profile, size in model["sizes"].items()}
    told: dict[str, Any] = {"sizes": sizes}
    more: dict[str, Any] = {"seeds": [seed], "controls": [], stage: {"model": told}}
    profiles = {"profiles": _renamed(sections, changes)}
    more["profile"] = {"model": {"prompt": profiles}}
    if engine == "catalogue":
        steering = Steering(
            {name_after(p, changes): named for p, named in changes.anchors.items()},
            changes.strength,
            merge={name_after(p, changes): groups for p, groups in changes.merge.items()},
        )
        steering.check(sizes)
        told["steering"] = asdict(steering)
        if changes.anchors:
            steps = sections[stage]["trainer"]["max_epochs"] + steering.steps
            more[stage]["trainer"] = {"max_epochs": steps}
        if "prompt" in sections[stage]["data"]["text"].get("init_args", {}):
            more[stage]["data"] = {"text": {"init_args": {"prompt": profiles}}}
    elif changes.anchors or changes.merge:
        raise InputError(
            "steer: anchors and merge change the table of the catalogue engine, and the per-user engine has "
            "none; it takes --rename."
        )
    return experiment_again(root, name, more)


def experiment_again(root: Path, name: str, more: Mapping[str, object]) -> Experiment:
    """The experiment in ``root`` with other settings, under another name beside it."""
    words = ["--config", str(root / CONFIG), "--output", str(root.resolve().parent), "--experiment", name]
    return parse_experiment(experiment_parser("steer", ""), [*words, "--config", json.dumps(more)])


def _refuse_names(changes: Changes, sizes: Mapping[str, int]) -> None:
    if unknown := sorted(set(changes.rename) - set(sizes)):
        raise InputError(f"--rename: no profile {unknown[0]!r}; there are {', '.join(sizes)}.")
    names = [name_after(profile, changes) for profile in sizes]
    if len(set(names)) < len(names):
        raise InputError(
            f"--rename: profiles would be called {', '.join(names)}; give each a name of its own."
        )


def refuse_another(after: Experiment) -> None:
    """Nothing that is there already may be overwritten; the same steering goes on where it stood."""
    file = experiment_root(after.settings) / CONFIG
    if file.is_file() and settings_hash(file.read_text(encoding="utf-8")) != settings_hash(after.merged):
        raise InputError(
            f"{file.parent}: another experiment is here; choose another --name, or delete what is not needed."
        )


def _renamed(sections: Mapping[str, Any], changes: Changes) -> list[dict[str, str]]:
    profiles = sections["profile"]["model"]["prompt"]["profiles"]
    return [
        {"name": new, "text": text}
        for profile in profiles
        for new, text in changes.rename.get(profile["name"], {profile["name"]: profile["text"]}).items()
    ]


def name_after(profile: str, changes: Changes) -> str:
    """The profile's name afterwards."""
    return next(iter(changes.rename.get(profile, {profile: ""})))
