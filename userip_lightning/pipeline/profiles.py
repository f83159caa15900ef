"""The profiles of an experiment, declared once: what they tell every stage.

Configurations of earlier versions have them in the stages' own settings instead. Where ``profiles`` says no
more than its default, these are read; else they have to agree with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import profile_text


@dataclass(frozen=True)
class Profile:
    """One latent profile of every user.

    Args:
        size: how many codes it has, K_p; 0 is refused.
        text: the words in front of its soft tokens, for engines and sources that ask a language model. Where
            null, "This user's NAME is" of the first profile and ", his NAME is" of the others.
    """

    size: int = 0
    text: str | None = None


_PROMPT = "profile.model.prompt.profiles"
#: Of an engine, the settings that have the number of codes by profile name; the first one decides.
_SIZES = {
    "per_user": ("quantize.model.sizes", "profile.model.prior.init_args.sizes"),
    "catalogue": ("catalogue.model.sizes",),
}
#: Weights by profile name; a number stands for all of them.
_WEIGHTS = ("quantize.model.profile_weights", "profile.model.prior.init_args.profile_weights")
_TEXT = "catalogue.data.text"
#: Settings of stages that ``profiles`` fills; an experiment leaves them empty.
UNTOLD: dict[str, Any] = {"quantize.model.sizes": {}, "catalogue.model.sizes": {}, _PROMPT: []}
#: The paper's profiles, as JSON values.
DEFAULT = {name: {"size": size, "text": None} for name, size in DEFAULT_SIZES.items()}


def default_profiles() -> dict[str, Profile]:
    """The paper's two."""
    return _worded({name: Profile(size) for name, size in DEFAULT_SIZES.items()})


def refuse_part(arguments: Sequence[str]) -> None:
    """Refuse words that change one number in a stage's sizes: an experiment leaves these empty.

    Raises:
        InputError: there is one.
    """
    for word in arguments:
        key = word.removeprefix("--").split("=")[0]
        if above := next((one for one in UNTOLD if key.startswith(f"{one}.")), None):
            name = key.removeprefix(f"{above}.")
            raise InputError(f"--{key}: profiles have the sizes; write --profiles.{name}.size NUMBER.")


def declared(values: Mapping[str, Any], engine: str) -> dict[str, Profile]:
    """The profiles of an experiment, in order, with their words.

    Args:
        values: its settings, JSON values.
        engine: that makes the codes.

    Raises:
        InputError: no profile, one without codes or words, two of one text, or a stage's own setting that
            says something else.
    """
    given = list(values["profiles"].items()) != list(DEFAULT.items())
    told = {key: own for key in _keys(engine, given) if (own := _get(values, key))}
    if given:
        decides = "profiles"
        profiles = {name: Profile(**profile) for name, profile in values["profiles"].items()}
    else:
        decides = next((key for key in told if key != _PROMPT), _PROMPT)
        profiles = _of_stages(told, decides, engine)
    _check(profiles)
    profiles = _worded(profiles)
    if engine == "catalogue" and not given:
        told.pop(_PROMPT, None)  # this engine takes no notice of names that the prompt alone has
    said = {key: _prompt(profiles) if key == _PROMPT else _sizes(profiles) for key in told}
    if wrong := [key for key in told if told[key] != said[key]]:
        key, all_wrong = wrong[0], " and ".join(wrong)
        raise InputError(
            f"{key}: {told[key]} given, but {decides} makes it {said[key]}; delete {all_wrong}, and say it "
            "once, in profiles: {NAME: {size: CODES, text: WORDS}}."
        )
    return profiles


def without_copies(values: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """The settings of an experiment with its profiles, and without what they tell the stages."""
    kept = deepcopy(dict(values))
    for key in _keys("", given=True):
        above, name = _above(kept, key)
        above.pop(name, None)
    listed = {name: {"size": one.size, "text": one.text} for name, one in profiles.items()}
    return {**kept, "profiles": listed}


def filled(sections: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """The sections of all stages with what the profiles tell them.

    Args:
        sections: stage name to settings, JSON values; they stay as they are.
        profiles: as :func:`declared` gives them.

    Raises:
        InputError: a source of text has other profiles in its prompt, and no sizes for them.
    """
    told = deepcopy(dict(sections))
    for key in _keys("", given=True):
        _set(told, key, _prompt(profiles) if key == _PROMPT else _sizes(profiles))
    for key in _WEIGHTS:
        if isinstance(number := _get(told, key), (int, float)):
            _set(told, key, dict.fromkeys(profiles, number))
    _fill_source(_get(told, _TEXT), profiles)
    return told


def _keys(engine: str, given: bool) -> list[str]:
    """Settings of stages that have to agree: of the engine, or of all."""
    engines = list(_SIZES) if given else [engine]
    return [*(key for one in engines for key in _SIZES[one]), _PROMPT]


def _of_stages(told: Mapping[str, Any], decides: str, engine: str) -> dict[str, Profile]:
    """What the stages' own settings say."""
    texts = {one["name"]: one["text"] for one in told.get(_PROMPT, ())}
    names = list(texts if texts and engine == "per_user" else DEFAULT_SIZES)
    sizes = {name: DEFAULT_SIZES.get(name, 0) for name in names} if decides == _PROMPT else told[decides]
    if engine == "per_user":  # whose order is the prompt's
        sizes = {name: sizes[name] for name in sorted(sizes, key=[*names, *sizes].index)}
    return {name: Profile(size, texts.get(name)) for name, size in sizes.items()}


def _check(profiles: Mapping[str, Profile]) -> None:
    if not profiles:
        raise InputError("profiles: none given; name one or more, such as {hobby: {size: 4}}.")
    for name, profile in profiles.items():
        if profile.size < 1:
            raise InputError(
                f"profiles.{name}: it has {profile.size} codes; give it a size of 1 or more, such as "
                f"{name}: {{size: 4}}."
            )
        if profile.text is not None and not profile.text.strip():
            raise InputError(f"profiles.{name}.text: no words given; write some, or leave it out.")
    worded = _worded(profiles)
    texts = {profile.text: name for name, profile in worded.items()}
    for name, profile in worded.items():
        if (other := texts[profile.text]) != name:
            raise InputError(
                f"profiles: {name} and {other} have one text, {profile.text!r}, so a language model cannot "
                "tell them apart; give each words of its own."
            )


def _worded(profiles: Mapping[str, Profile]) -> dict[str, Profile]:
    return {
        name: replace(one, text=profile_text(name, place) if one.text is None else one.text)
        for place, (name, one) in enumerate(profiles.items())
    }


def _sizes(profiles: Mapping[str, Profile]) -> dict[str, int]:
    return {name: profile.size for name, profile in profiles.items()}


def _prompt(profiles: Mapping[str, Profile]) -> list[dict[str, str | None]]:
    return [{"name": name, "text": profile.text} for name, profile in profiles.items()]


def _fill_source(source: Any, profiles: Mapping[str, Profile]) -> None:
    """Tell a source of text, and those that it joins, of the profiles unless it has sizes of its own."""
    arguments = source.get("init_args") if isinstance(source, dict) else None
    if not isinstance(arguments, dict):
        return
    for part in arguments.get("sources", ()):
        _fill_source(part, profiles)
    if "prompt" in arguments and arguments.get("sizes") == []:
        own = arguments["prompt"]["profiles"]
        if own not in (_prompt(profiles), _prompt(default_profiles())):
            raise InputError(
                f"{_TEXT}: a prompt with the profiles {own}, but the experiment has {_prompt(profiles)}; say "
                "them once, in profiles, or give this source sizes of its own."
            )
        arguments["sizes"] = [profile.size for profile in profiles.values()]
        _set(arguments, "prompt.profiles", _prompt(profiles))


def _above(values: Any, key: str) -> tuple[dict[str, Any], str]:
    """What a dotted key lies in, an empty dict where there is no such place, and its last part."""
    *path, name = key.split(".")
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return (values if isinstance(values, dict) else {}), name


def _get(values: Any, key: str) -> Any:
    above, name = _above(values, key)
    return above.get(name)


def _set(values: Any, key: str, value: Any) -> None:
    """Replace a setting, where there is such a one."""
    above, name = _above(values, key)
    if name in above:
        above[name] = value
