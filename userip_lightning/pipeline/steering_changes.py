"""What a person changes of an experiment's codes, as settings of a new experiment beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from userip_lightning.catalogue.steering import Steering
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, settings_hash
from userip_lightning.pipeline.plan import experiment_root
from userip_lightning.pipeline.profiles import Profile
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
    _refuse_names(changes, before.settings.profiles)
    if sections[stage]["model"].get("steering") is not None:
        raise InputError(
            f"{root}: its codes are steered already, and a second steering would replace the first; steer "
            "the experiment that it began from, with all changes."
        )
    profiles = _renamed(before.settings.profiles, changes)
    told: dict[str, Any] = {}
    more: dict[str, Any] = {
        "seeds": [seed],
        "controls": [],
        "profiles": {name: asdict(one) for name, one in profiles.items()},
        stage: {"model": told},
    }
    if engine == "catalogue":
        steering = Steering(
            {name_after(p, changes): named for p, named in changes.anchors.items()},
            changes.strength,
            merge={name_after(p, changes): groups for p, groups in changes.merge.items()},
        )
        steering.check({name: one.size for name, one in profiles.items()})
        told["steering"] = asdict(steering)
        if changes.anchors:
            steps = sections[stage]["trainer"]["max_epochs"] + steering.steps
            more[stage]["trainer"] = {"max_epochs": steps}
        if prompt := sections[stage]["data"]["text"].get("init_args", {}).get("prompt"):
            own = {one["name"]: Profile(text=one["text"]) for one in prompt["profiles"]}
            named = [{"name": name, "text": one.text} for name, one in _renamed(own, changes).items()]
            more[stage]["data"] = {"text": {"init_args": {"prompt": {"profiles": named}}}}
    elif changes.anchors or changes.merge:
        raise InputError(
            "--anchors and --merge change the table of the catalogue engine, and the per-user engine has "
            "none; it takes --rename."
        )
    return experiment_again(root, before, name, more)


def experiment_again(root: Path, fitted: Experiment, name: str, more: Mapping[str, object]) -> Experiment:
    """The experiment that was fitted in ``root`` with other settings, under another name beside it."""
    words = ["--output", str(root.resolve().parent), "--experiment", name]
    settings = [yaml.safe_load(fitted.merged), more]
    configs = [word for part in settings for word in ("--config", json.dumps(part))]
    return parse_experiment(experiment_parser("steer", ""), [*configs, *words])


def _refuse_names(changes: Changes, profiles: Mapping[str, Profile]) -> None:
    if unknown := sorted(set(changes.rename) - set(profiles)):
        raise InputError(f"--rename: no profile {unknown[0]!r}; there are {', '.join(profiles)}.")
    names = [name_after(profile, changes) for profile in profiles]
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


def _renamed(profiles: Mapping[str, Profile], changes: Changes) -> dict[str, Profile]:
    return {
        new: replace(profile, text=text)
        for name, profile in profiles.items()
        for new, text in changes.rename.get(name, {name: profile.text}).items()
    }


def name_after(profile: str, changes: Changes) -> str:
    """The profile's name afterwards."""
    return next(iter(changes.rename.get(profile, {profile: ""})))
