"""Where words of a user may come from: soft tokens, codes, what they liked, and controls.

All are limited to the same words: those that the language model has as one token and that occur in a title.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.soft_tokens import start_words
from userip_lightning.explain.lm_words import Floats, LanguageModelWords
from userip_lightning.profile.start import embed_start
from userip_lightning.reproduce.case_study.histories import Histories, liked_items, word_counts
from userip_lightning.reproduce.profiled import Profiled, Tell

COUNT = 8
_ITEMS = 20_000
TUNED, STARTED = "nearest to tuned soft tokens z (the paper's)", "nearest to soft tokens before tuning"
ENTRY, EXPECTED = "nearest to the code's entry", "expected by the language model under the code"
MEAN, DISTINCTIVE = "nearest to the mean of the user's liked titles", "distinctive words of liked titles"
RANDOM = "nearest to random vectors"
#: Sources that belong to no profile.
EVERY, CONTROL = "whatever the profile", "control"

Words = list[list[str]]


class Retrieved(NamedTuple):
    """Words of one source.

    Args:
        group: a profile, ``EVERY`` or ``CONTROL``.
        source: where they are from.
        words: of every user.
    """

    group: str
    source: str
    words: Words


def retrieve(case: Profiled, people: Histories, words: LanguageModelWords, tell: Tell) -> list[Retrieved]:
    """Words of every user from every source that the case has.

    Args:
        case: its runs.
        people: the users.
        words: of the language model.
        tell: is told how far it is.
    """
    among = people.vocabulary & frozenset(words.words)
    found, total = list[Retrieved](), 3 + 2 * len(case.prompt.profiles)

    def add(group: str, source: str, own: Words) -> None:
        found.append(Retrieved(group, source, own))
        tell(len(found), total + len(case.prompt.profiles), source)

    vectors = list[Floats]()
    if case.plan.profiles:
        tuned = case.z(people.users)
        ids = torch.from_numpy(case.start_ids(people.users))
        started = embed_start(ids, words.word_vectors).cpu().numpy()
        for p, name in enumerate(case.prompt.names):
            add(name, TUNED, of_soft_tokens(tuned[:, p], words, among))
            add(name, STARTED, of_soft_tokens(started[:, p], words, among))
        vectors.append(tuned.reshape(-1, tuned.shape[-1]) - words.centre)
    for name, source, own in _of_codes(case, people, words, among):
        add(name, source, own)
    often = np.asarray(people.liked.sum(axis=0)).ravel()
    items = np.argsort(-often, kind="stable")[: min(_ITEMS, int((often > 0).sum()))]
    mean = words.entries([people.titles[item] for item in items], people.liked[:, items].T.toarray())
    vectors.append(mean)
    add(EVERY, MEAN, words.nearest(mean, COUNT, among))
    add(EVERY, DISTINCTIVE, distinctive(people, among))
    add(CONTROL, RANDOM, words.nearest(_like(vectors[0], len(people.users)), COUNT, among))
    return found


def of_soft_tokens(
    z: NDArray[np.float32], words: LanguageModelWords, among: frozenset[str] | None, count: int = COUNT
) -> Words:
    """Nearest words of every user's soft tokens [U, S, D]: the first of each token, the second of each ..."""
    flat = z.reshape(-1, z.shape[-1]).astype(np.float64) - words.centre
    near = words.nearest(flat, count, among)
    tokens = z.shape[1]
    return [in_turns(near[user * tokens : (user + 1) * tokens], count) for user in range(len(z))]


def in_turns(lists: Sequence[Sequence[str]], count: int) -> list[str]:
    """Different words of several lists, the first ones first."""
    turns = (word for turn in zip_longest(*lists) for word in turn if word is not None)
    return list(dict.fromkeys(turns))[:count]


def distinctive(people: Histories, among: frozenset[str]) -> Words:
    """Words of every user's liked titles with the highest TF-IDF over users."""
    by_item, vocabulary = word_counts([own & among for own in people.words])
    counts = (people.liked @ by_item).toarray()
    idf = 1.0 + np.log((1.0 + len(counts)) / (1.0 + (counts > 0).sum(axis=0)))
    weight = np.where(counts > 0, (1.0 + np.log(np.maximum(counts, 1.0))) * idf, 0.0)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :COUNT]
    return [
        [vocabulary[word] for word in best if row[word] > 0] for best, row in zip(order, weight, strict=True)
    ]


def _of_codes(
    case: Profiled, people: Histories, words: LanguageModelWords, among: frozenset[str]
) -> list[tuple[str, str, Words]]:
    """Words of the code of every user, by profile and source."""
    bank = FeatureBank.open(case.plan.quantize[0].target)
    codes = bank.lookup(people.user_ids)
    by_item, vocabulary = word_counts(people.words)
    titles = [row.indices.tolist() for row in by_item]
    everyone = bank.lookup(case.data.users["user_id"].to_list())
    liked = liked_items(case.data)
    readable = np.ones(len(vocabulary), dtype=bool)
    texts = {profile.name: profile.text for profile in case.prompt.profiles}
    found = []
    for p, (name, size) in enumerate(zip(bank.names, bank.sizes, strict=True)):
        events = items_of_codes(liked, everyone[:, p], size)
        (best,) = start_words(titles, events, [size], COUNT, readable)
        start = [[vocabulary[word] for word in row if word >= 0] for row in best]
        near = words.nearest(words.entries(people.titles, events), COUNT, among)
        text = texts.get(name, f"This user's {name} is")  # codes may have profiles that the prompt lacks
        after = words.expected(start, text, len(words.words), case.prompt.liked)
        after = [[word for word in row if word in among][:COUNT] for row in after]
        for source, of_code in ((ENTRY, near), (EXPECTED, after)):
            found.append((name, source, [of_code[code] if code < size else [] for code in codes[:, p]]))
    return found


def items_of_codes(liked: csr_matrix, codes: NDArray[np.int64], size: int) -> Floats:
    """[I, K] how often users of every code liked an item; users without a code are left out."""
    known = codes < size
    member = csr_matrix((np.ones(known.sum()), (np.flatnonzero(known), codes[known])), (len(codes), size))
    return np.asarray((liked.T @ member).toarray())


def _like(vectors: Floats, users: int) -> Floats:
    """[U, D] directions drawn at random, as long as the first of the vectors."""
    drawn = np.random.default_rng(0).standard_normal((users, vectors.shape[1]))
    norm = np.linalg.norm(vectors, axis=1)
    length = norm[np.arange(users) % len(norm)]
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True) * length[:, None])
