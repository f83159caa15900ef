"""A finished experiment explained: ``explain.json`` and ``explain.html``, and a section of its report."""

from __future__ import annotations

import json
import logging
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning import atomic
from userip_lightning.errors import InputError
from userip_lightning.explain.explanation import Explanation
from userip_lightning.explain.facts import explain
from userip_lightning.explain.lm_words import LanguageModelWords
from userip_lightning.explain.page import explain_page, explain_section
from userip_lightning.explain.source import Source
from userip_lightning.lm.on_disk import is_local
from userip_lightning.lm.prompt import ProfileName, PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.failures import sentence
from userip_lightning.pipeline.plan import Job, Plan
from userip_lightning.pipeline.stages import CATALOGUE, PROFILE
from userip_lightning.pipeline.training import is_done
from userip_lightning.report.page import Section

EXPLAIN, EXPLAIN_PAGE = "explain.json", "explain.html"
#: In place of a language model's name: nobody reads words.
NO_LM = "none"
_LOG = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What is explained, and who reads words for it."""

    source: Source
    words: LanguageModelWords | None


def asked(experiment: Experiment, prepared: Path, codes: Job, lm: str | None) -> Asked:
    """What is there to explain.

    Args:
        experiment: its configuration.
        prepared: folder of its prepared data.
        codes: the run that made its codes, done.
        lm: name of a language model; ``none`` asks none; where None, the experiment's own one reads words if
            that takes no download.
    """
    model = _own_model(experiment) if lm is None else LMSource(name=lm)
    why = None
    if lm == NO_LM:
        why = "No language model was asked (--lm none)."
    elif lm is None and not is_local(model.name, model.revision, model.gguf_file):
        why = f"The language model {model.name} is not on this machine; --lm {model.name} fetches it."
    prompt = _prompt(experiment)
    per_user = experiment.settings.engine == "per_user"
    columns = prompt.item_fields() if per_user else experiment.sections[CATALOGUE.name]["data"]["columns"]
    source = Source(
        experiment=experiment.settings.experiment,
        engine=experiment.settings.engine,
        prepared=prepared,
        bank=codes.target,
        columns=columns,
        texts=_texts(experiment, prompt),
        seed=codes.seed,
        language_model=None if why else model.name,
        why_no_words=why,
    )
    return Asked(source, None if why else LanguageModelWords(model, prompt.item_max_tokens))


def write_explanation(root: Path, found: Explanation) -> list[Path]:
    """Write ``explain.json`` and ``explain.html``; returns their paths.

    Raises:
        InputError: the folder cannot be written.
    """
    data, page, told = root / EXPLAIN, root / EXPLAIN_PAGE, found.as_json()
    with atomic.write_errors(data):
        atomic.write_text(data, json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n")
        atomic.write_text(page, explain_page(told))
    return [data, page]


def report_section(experiment: Experiment, plan: Plan) -> list[Section]:
    """What the codes of the first seed mean, for the experiment's report; none where they are not made.

    Writes ``explain.json`` and ``explain.html`` as well. The language model reads words where that takes no
    download and it can be loaded; the section says if not. Where there is no explanation, whatever the
    reason, the section says why: figures that took hours are reported without it.
    """
    codes = plan.quantize[0]
    if not is_done(codes):
        return []
    try:
        found = _explained(experiment, plan.place.prepared, codes)
        write_explanation(plan.place.root, found)
        return [explain_section(found.as_json())]
    except Exception as error:
        why = sentence(error)
        if why is None:
            why = f"{type(error).__name__}: {error}."
            _LOG.exception("The codes could not be explained.")
        html = f"<p>What the codes mean could not be said: {escape(why)}</p>"
        return [Section("What the codes mean", html)]


def _explained(experiment: Experiment, prepared: Path, codes: Job) -> Explanation:
    source, words = asked(experiment, prepared, codes, None)
    try:
        return explain(source, words)
    except InputError as error:
        if words is None:
            raise
        return explain(source._replace(why_no_words=str(error)), None)


def _own_model(experiment: Experiment) -> LMSource:
    """That reads the experiment's texts; the default one where none does."""
    if experiment.settings.engine == "per_user":
        return LMSource(**experiment.sections[PROFILE.name]["model"]["lm"])
    return LMSource(**_text(experiment).get("lm", {}))


def _prompt(experiment: Experiment) -> PromptTemplate:
    own = experiment.sections[PROFILE.name]["model"]["prompt"]
    if experiment.settings.engine == "catalogue":
        own = _text(experiment).get("prompt", own)
    return PromptTemplate(**{**own, "profiles": [ProfileName(**profile) for profile in own["profiles"]]})


def _texts(experiment: Experiment, prompt: PromptTemplate) -> dict[str, str]:
    """Words in front of every profile's soft tokens: those of the prompt, or of the experiment's profiles."""
    own = {profile.name: profile.text for profile in prompt.profiles}
    return {name: own.get(name, profile.text or "") for name, profile in experiment.settings.profiles.items()}


def _text(experiment: Experiment) -> dict[str, Any]:
    """Arguments of the catalogue engine's text source; of several, of the first with a language model."""
    return _arguments(experiment.sections[CATALOGUE.name]["data"]["text"])


def _arguments(text: object) -> dict[str, object]:
    own = dict(text.get("init_args") or {}) if isinstance(text, dict) else {}
    parts = map(_arguments, own.get("sources", []))
    return next((part for part in parts if "lm" in part), own)
