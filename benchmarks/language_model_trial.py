"""The language model's trial: codes from its likelihood or hidden states beside those from a bag of words.

    python benchmarks/language_model_trial.py PREPARED [--lm NAME] [--steps 200] [--exact 2000] ...

The same EM, seeds and events for every source of text. A row of the test split scores by the class of its
user and its item: ``affinity`` counts again who had what in which class (``controls/affinity.py``), ``table``
takes the engine's own table, whose prior knows items that nobody had. Differences are to the bag of words,
with the interval of a bootstrap over users and seeds. Likelihoods are learned once per log and kept in the
cache, with what they cost beside them (``<hash>.json``); a run that was cut short goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from parts_of_words import PartsOfWords
from scipy.special import expit

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import EventModel, event_model
from userip_lightning.catalogue.generosity_start import generosity_opening
from userip_lightning.catalogue.joint_em import fit
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.user_events import UserEvents, user_events
from userip_lightning.controls.affinity import AffinityJudge, Codes
from userip_lightning.data.prepared import PreparedData
from userip_lightning.lm.prompt import DEFAULT_PROMPT, ProfileName, PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.report.statistics.bootstrap import paired_bootstrap
from userip_lightning.report.statistics.metrics import auc
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL
from userip_lightning.texts.bag_of_words import WIDTH
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.language_model import HiddenStates, SentenceEncoder
from userip_lightning.texts.source import BagOfWords, Joined, NoText, TextSource
from userip_lightning.texts.vectors import text_vectors

_CLASSES = 12


def main() -> None:
    """Print a row per source."""
    args = arguments(__doc__)
    prepared = PreparedData.load(args.prepared)
    events, texts = user_events(prepared), joined_texts(prepared.items, args.columns, "--columns")
    sources = text_sources(args)
    tables = {}
    for name in args.sources:
        tables[name] = _tables(events, text_vectors(sources[name], texts, events), args.seeds)
    known = prepared.rows(TRAIN, SUPPORT)["user"].unique()
    val, test = (prepared.rows(split).filter(pl.col("user").is_in(known.implode())) for split in (VAL, TEST))
    print(f"{prepared.path}: {test.height} test rows of {test['user'].n_unique()} users")
    for judge, odds in {"affinity": _affinity(prepared), "table": _own(events)}.items():
        seen, judged = (
            {name: _scores(part, found, events, odds) for name, found in tables.items()}
            for part in (val, test)
        )
        print(f"\n| {judge} | validation AUC | test AUC | against bag of words |\n|---|---|---|---|")
        for name in args.sources:
            print(_line(name, val, test, seen[name], judged[name], judged["bag of words"]), flush=True)


def arguments(purpose: str | None) -> argparse.Namespace:
    """Which log, sources and language model, and how its soft tokens are tuned."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("prepared")
    parser.add_argument("--columns", nargs="+", default=["title"])
    parser.add_argument("--lm", default="smollm2-135m-instruct")
    parser.add_argument("--layer", type=int, default=14)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--exact", type=int, default=2000)
    parser.add_argument("--max_tokens", type=int, default=32)
    parser.add_argument("--length", type=float, default=0.0)
    parser.add_argument("--added", action="store_true", help="sums over profiles instead of combinations")
    parser.add_argument("--soft_tokens", type=int, default=4, help="per profile")
    parser.add_argument("--names", nargs="+", help="words in front of the soft tokens, one text per profile")
    parser.add_argument("--words", type=int, default=WIDTH, help="columns of a bag of words")
    parser.add_argument("--seeds", type=int, default=5)
    names = ["none", "bag of words", "encoder", "hidden states", "likelihood", "likelihood, start words"]
    parser.add_argument("--sources", nargs="+", default=names, help="bag of words has to be among them")
    return parser.parse_args()


def text_sources(args: argparse.Namespace) -> dict[str, TextSource]:
    """All that may be named in ``--sources``."""
    lm, words = LMSource(args.lm), BagOfWords(args.words)

    def likelihood(steps: int) -> Likelihood:
        return Likelihood(
            lm,
            steps=steps,
            items=args.items,
            exact=args.exact,
            max_tokens=args.max_tokens,
            length=args.length,
            layer=args.layer,
            prompt=_prompt(args),
            added=args.added,
        )

    return {
        "none": NoText(),
        "bag of words": words,
        "encoder": SentenceEncoder(),
        "hidden states": HiddenStates(lm, args.layer),
        "likelihood": likelihood(args.steps),
        "likelihood, start words": likelihood(0),
        "words + likelihood": Joined([words, likelihood(args.steps)]),
        "parts of words": PartsOfWords(args.words),
        "words + encoder": Joined([words, SentenceEncoder()]),
        "parts + encoder": Joined([PartsOfWords(args.words), SentenceEncoder()]),
        "words + hidden states": Joined([words, HiddenStates(lm, args.layer)]),
        "all but likelihood": Joined([words, SentenceEncoder(), HiddenStates(lm, args.layer)]),
    }


def _prompt(args: argparse.Namespace) -> PromptTemplate:
    profiles = DEFAULT_PROMPT.profiles
    names = args.names or [profile.text for profile in profiles]
    named = [ProfileName(profile.name, text) for profile, text in zip(profiles, names, strict=True)]
    return PromptTemplate(profiles=named, soft_tokens=args.soft_tokens)


def _tables(events: UserEvents, vectors: Floats | None, seeds: int) -> list[CodeTable]:
    opening = generosity_opening(events.counts, _CLASSES) if events.explicit else None

    def model() -> EventModel:
        return event_model(events.explicit, vectors, _CLASSES)

    def table(seed: int) -> CodeTable:
        return fit(events.counts, _CLASSES, model, seed, opening=opening)

    return [table(seed) for seed in range(seeds)]


def _affinity(prepared: PreparedData) -> Callable[[CodeTable, Codes], Floats]:
    judge = AffinityJudge(prepared)
    return lambda table, codes: judge.odds(codes)


def _own(events: UserEvents) -> Callable[[CodeTable, Codes], Floats]:
    def odds(table: CodeTable, codes: Codes) -> Floats:
        if not events.explicit:
            return table.evidence
        disliked, liked = np.split(table.evidence, 2)
        return np.asarray(liked - disliked)

    return odds


def _scores(
    rows: pl.DataFrame,
    tables: list[CodeTable],
    events: UserEvents,
    odds: Callable[[CodeTable, Codes], Floats],
) -> Floats:
    """[S, N] probabilities."""
    item, user = rows["item"].to_numpy(), rows["user"].to_numpy()
    found = []
    for table in tables:
        codes = table.codes(events.counts)
        found.append(expit(odds(table, codes)[item, codes[user]]))
    return np.stack(found)


def _line(
    name: str, val: pl.DataFrame, test: pl.DataFrame, seen: Floats, judged: Floats, words: Floats
) -> str:
    label: NDArray[np.int8] = test["label"].to_numpy()
    on_val = [auc(val["label"].to_numpy(), score) for score in seen]
    on_test = [auc(label, score) for score in judged]
    against = "–"
    if name != "bag of words":
        users = test["user_id"].to_numpy().astype(np.str_)
        found = paired_bootstrap(users, label, judged, words).auc
        against = f"{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
    spread = f"± {np.std(on_test, ddof=1):.4f}" if len(on_test) > 1 else ""
    return f"| {name} | {np.mean(on_val):.4f} | {np.mean(on_test):.4f} {spread} | {against} |"


if __name__ == "__main__":
    main()
