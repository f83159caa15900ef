"""What titles say of classes: which of them a source of text reads better than a bag of words, which worse.

    python benchmarks/title_evidence.py PREPARED [the settings of language_model_trial.py]

EM on the language model's hidden states says how an item's events share out among the classes, n_ic / n_i.
Softmax regression on each source's vectors foretells these shares in five-fold cross-validation over items,
as the engine's prior does of an item that nobody had. A title's cross-entropy is in nats, and a mean over
titles weighs each by min(n_i, 30) events. Implicit logs only.
"""

from __future__ import annotations

import argparse

import numpy as np
from language_model_trial import arguments, text_sources
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.adam import descend, standardised
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.prepared import PreparedData
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.vectors import text_vectors

_FOLDS, _ROUNDS, _L2 = 5, 30, 1e-4
_FREQUENT = 3  # a bag of words knows what occurs in three titles
_SHOWN = 8


def main() -> None:
    """Print mean cross-entropies by kind of title, and the titles that gain and lose most."""
    args = arguments(__doc__)
    prepared = PreparedData.load(args.prepared)
    events, texts = user_events(prepared), joined_texts(prepared.items, args.columns, "--columns")
    sources = text_sources(args)
    likelihood = sources["likelihood"]
    hidden = text_vectors(sources["hidden states"], texts)
    assert isinstance(likelihood, Likelihood)
    assert hidden is not None
    targets, positives = likelihood.targets(events, hidden)
    if targets.offset is not None:
        raise SystemExit("an explicit log has no shares of classes to foretell; give an implicit one.")
    share, weight = targets.rate, targets.weight[:, 0]
    nats = {"class shares": _nats(share, np.tile(weight @ share / weight.sum(), (len(share), 1)))}
    for name in args.sources:
        vectors = text_vectors(sources[name], texts, events)
        if vectors is not None:
            nats[name] = _nats(share, _foretold(vectors, share, weight))
    _print_means(nats, _kinds(args, texts, weight, positives.sum(axis=1)), weight)
    for name in nats:
        if name not in ("class shares", "bag of words"):
            _print_titles(name, weight * (nats[name] - nats["bag of words"]), texts, weight)


def _nats(share: Floats, foretold: Floats) -> Floats:
    """[I] cross-entropies."""
    return np.asarray(-(share * np.log(foretold)).sum(axis=1))


def _foretold(vectors: Floats, share: Floats, weight: Floats) -> Floats:
    """[I, C] of items by a regression that has not seen them."""
    x, found = standardised(vectors), np.empty_like(share)
    fold = np.random.default_rng(0).integers(_FOLDS, size=len(x))
    for held in range(_FOLDS):
        seen = np.where(fold == held, 0.0, weight)[:, None]
        found[fold == held] = softmax(x[fold == held] @ _regression(x, share, seen / seen.sum()), axis=1)
    return found


def _regression(x: Floats, share: Floats, weight: Floats) -> Floats:
    """[D, C]; items weigh [I, 1]."""

    def gradient(found: Floats) -> Floats:
        return np.asarray(x.T @ (weight * (softmax(x @ found, axis=1) - share)) + 2 * _L2 * found)

    found = np.zeros((x.shape[1], share.shape[1]))
    for _ in range(_ROUNDS):
        found = descend(found, gradient)
    return found


def _kinds(
    args: argparse.Namespace, texts: list[str], weight: Floats, popular: Floats
) -> dict[str, NDArray[np.bool_]]:
    words = np.asarray((CountVectorizer(min_df=_FREQUENT).fit_transform(texts) > 0).sum(axis=1)).ravel()
    told = weight > 0
    exact = np.zeros(len(texts), dtype=bool)
    exact[np.argsort(-popular, kind="stable")[: args.exact]] = True
    return {
        "all": told,
        "whose likelihood is exact": told & exact,
        f"no word in {_FREQUENT} titles": told & (words == 0),
        "one such word": told & (words == 1),
        "two": told & (words == 2),
        "three or more": told & (words > 2),
    }


def _print_means(nats: dict[str, Floats], kinds: dict[str, NDArray[np.bool_]], weight: Floats) -> None:
    print("| titles | how many | " + " | ".join(nats) + " |\n|" + "---|" * (len(nats) + 2))
    for kind, chosen in kinds.items():
        if not chosen.any():
            continue
        means = [f"{np.average(found[chosen], weights=weight[chosen]):.3f}" for found in nats.values()]
        print(f"| {kind} | {chosen.sum():,} | " + " | ".join(means) + " |")


def _print_titles(name: str, excess: Floats, texts: list[str], weight: Floats) -> None:
    order = np.argsort(excess)
    for what, items in {"gain": order[:_SHOWN], "lose": order[::-1][:_SHOWN]}.items():
        told = "; ".join(f"{texts[i]} ({excess[i] / max(weight[i], 1e-9):+.2f})" for i in items)
        print(f"\n{name}, titles that {what} most, nats against a bag of words: {told}")


if __name__ == "__main__":
    main()
