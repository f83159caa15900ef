"""Failures that are the input's or the machine's, not the program's, as one sentence each."""

from __future__ import annotations

import argparse
import re

from userip_lightning.errors import DISK_FULL, InputError, is_disk_full
from userip_lightning.pipeline.near_names import did_you_mean

#: What YAML makes of a word or digits without quotes.
_BARE = re.compile(r"(?<![\w'\"])(True|False|-?\d[\d.]*)(?![\w'\"])")


def sentence(error: BaseException) -> str | None:
    """What to tell the user; None where the program itself is wrong and a traceback is due."""
    if isinstance(error, InputError):
        return _one_line(str(error))
    if isinstance(error, argparse.ArgumentError):
        return _argument(error)
    if is_disk_full(error):
        return f"{DISK_FULL}; free some space and run the same command, it resumes where it stood."
    if isinstance(error, OSError):
        return _system(error)
    if type(error).__name__ == "MisconfigurationException":  # Lightning's; importing it takes seconds
        return f"trainer: {_one_line(str(error)).rstrip('.')}; leave the setting out, or change it."
    # Lightning and jsonargparse wrap what a constructor raised.
    return sentence(error.__cause__) if error.__cause__ is not None else None


def without_stage(message: str, command: str) -> str:
    """The sentence as the command of one stage says it, whose settings do not begin with the stage's name."""
    return re.sub(rf"(?<![\w.]){re.escape(command)}\.(?=(model|data|trainer)\b)", "", message)


def _argument(error: argparse.ArgumentError) -> str:
    """jsonargparse's complaint, as key, what was given, what was expected, what to do."""
    text = _one_line(error.message)
    named = re.match(r'Parser key "([^"]+)": ?(.*)', text)
    key, complaint = (named[1], named[2]) if named else ("", text)
    # what the class around it was given says less than the argument's own value
    if inner := re.search(
        r"Parser key \"([^\"]+)\": (Expected an? .*?)(\. Got value: Namespace\(.*)?$", complaint
    ):
        key, complaint = f"{key}.{inner[1]}", inner[2]
    if unknown := re.search(r"ption '([^']+)'|unrecognized arguments: (\S+)", complaint):
        name = (unknown[1] or unknown[2]).lstrip("-").split("=")[0]
        if group := re.search(r"Group '([^']+)'", complaint):
            name = f"{group[1]}.{name}"
        full = name if not key or name.startswith(key) else f"{key}.{name}"
        if re.search(r"\.ya?ml$", name):
            return f"{full}: not expected here; a configuration is given with --config {full}."
        advice = _meant(key, complaint) or "check its spelling,"
        return f"{full}: no such setting; {advice} --help lists what there is."
    if choice := re.fullmatch(r"argument (\w+): invalid choice: '(.*)' \(choose from (.*)\)", complaint):
        names = choice[3].replace("'", "").split(", ")
        return f"{choice[1]}: no {choice[2]!r};{did_you_mean(choice[2], names)} there are {', '.join(names)}."
    if "arguments are required: data.source" in complaint:
        return "data.source: missing; give a configuration with --config FILE, which `userip init` writes."
    if missing := re.search(r"arguments are required: (.+)", complaint):
        return f"{key and key + '.'}{missing[1].rstrip('.')}: missing; --help says what it is."
    if lost := re.search(r"no class '\w+' fits here( \(near: [^)]*\))?", complaint):
        return f"{key}: {lost[0]}; give the name of a class, or its path with dots."
    if absent := re.search(
        r"expects a function or a callable class: (.+?)\. Got value: (\w+(?:\.\w+)+)", complaint
    ):
        return f"{key}: {absent[2]} cannot be imported ({absent[1]}); check it, or give the name of a class."
    if bare := re.search(r"Expected a dot import path string: (\w+)", complaint):
        return f"{key}: no class {bare[1]!r}; give the name of a class as it is spelled, or its path."
    if value := re.match(r"Not a valid subclass of (\w+)\. Got value: (.*?) Subclass types", complaint):
        return f"{key}: {value[2]} given, the settings of a {value[1]} by their names expected; see --help."
    if missing := re.search(r"File does not exist: '([^']+)'", complaint):
        return f"{missing[1]}: no such file; check the path given as {key}."
    if wrong := re.fullmatch(r"Expected an? ([^.]\S.*)\. Got value: (.*)", complaint) or re.fullmatch(
        r".*Subtypes: \[(.*)\] Errors: .*Given value: (.*)", complaint
    ):
        expected, advice = _types(wrong[1]), "change it, --help explains it"
        if re.search(r"\bstr\b", expected) and _BARE.search(wrong[2]):
            advice = (
                "put it in quotes, for YAML reads no, yes, on and off as true or false and digits as a number"
            )
        given = "null" if wrong[2] == "None" else repr(wrong[2])
        return f"{key}: {given} given, {expected} expected; {advice}."
    return f"{key + ': ' if key else ''}{complaint.rstrip('.')}; --help lists what is accepted."


def _meant(key: str, complaint: str) -> str:
    """The question whether another setting was meant; empty where none is near (:mod:`.near_options`)."""
    near = re.search(r" \(near: (-*)([^)]+)\)", complaint)
    if near is None:
        return ""
    name = near[2] if not key or near[1] or near[2].startswith(key) else f"{key}.{near[2]}"
    return f"did you mean {near[1]}{name}?"


def _types(text: str) -> str:
    """Types as a user would write them."""
    text = (
        re.sub(r"<class '([\w.]+)'>", r"\1", text)
        .replace("NoneType", "null")
        .replace("collections.abc.Sequence", "list")
    )
    return re.sub(r"typing\.Literal\[(.*?)\]", r"one of \1", text)


def _system(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; check the path and its permissions."
    return _one_line(str(error))


#: Characters of a sentence.
_LONGEST = 1500


def _one_line(text: str) -> str:
    """Without line ends; of what quotes a whole file, beginning and end."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
