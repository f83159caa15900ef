"""What an encoder's start is worth: held-out nats per token against the LM tokens that a user costs.

Some users teach an encoder and, as a control, one shift for everybody; others it has never met are judged
after some free steps from the words start, from the shifted start and from the encoder's. Columns give tokens
of the user himself, and with his share of the teaching where the taught or a million users share it.

    python benchmarks/amortised_start.py --histories FILE --items FILE     (without them, MovieLens-100K)
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from held_out_scorer import interval
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.optim import Adam

from userip_lightning.assets import ensure_ml100k
from userip_lightning.batches import KnownItems, ProfileBatch, RecBatch
from userip_lightning.data.behaviour_store import BehaviourStore
from userip_lightning.data.behaviours import LIKED
from userip_lightning.data.histories import Histories
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.movielens import MovieLens100K
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.profile_steps import BodySource, Shape, batches_by_length
from userip_lightning.data.splits import RandomSplit
from userip_lightning.data.teaching_steps import TeachingSteps, known_items
from userip_lightning.profile.backbone import LMSource, load_backbone, load_tokenizer
from userip_lightning.profile.body import BodyWriter, Ints
from userip_lightning.profile.em import e_step
from userip_lightning.profile.encoder import BehaviourEncoder, EncoderStep
from userip_lightning.profile.item_text import item_vectors
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt import PromptTemplate, build_prefix
from userip_lightning.profile.start import embed_start
from userip_lightning.profile.user_table import UserTable
from userip_lightning.profile.words import start_ids
from userip_lightning.schema import TEST, TRAIN

SOFT = 8
GAMES = PromptTemplate(soft_tokens=SOFT, liked=". He bought:", disliked=None)
FILMS = PromptTemplate(soft_tokens=SOFT, item=" {title}, {genres}")


class Judged(NamedTuple):
    """Nats per held-out token of each user, and the LM tokens that his free steps took on average."""

    own: NDArray[np.float64]
    other: NDArray[np.float64]  # under another user's z
    tokens: float


class Lab:
    """A prepared log, the LM, and what is done with them."""

    def __init__(self, prepared: Path, prompt: PromptTemplate, behaviours: int, batch: int) -> None:
        lm = LMSource()
        tokenizer = load_tokenizer(lm)
        self.store = BehaviourStore.open(prepared, prompt, tokenizer, allow_missing=True)
        backbone = load_backbone(lm)
        self.embedding = backbone.embedding
        self.likelihood = PromptLikelihood(backbone, build_prefix(prompt, tokenizer), prompt.independent)
        self.writer = BodyWriter(prompt, tokenizer)
        self.shape = (len(prompt.profiles), prompt.soft_tokens, backbone.width)
        self.vectors = item_vectors(self.store.items, self.embedding)
        self.behaviours, self.batch = behaviours, batch

    def source(self, split: str) -> BodySource:
        """Bodies of a split."""
        return BodySource(self.store.splits[split], self.store.items, self.writer, _no_rows)

    def users(self) -> Ints:
        """Those who have training and test items."""
        every = np.arange(len(self.store.splits[TRAIN].offset) - 1)
        return self.store.splits[TEST].speaking(self.store.splits[TRAIN].speaking(every))

    def places(self, batch: ProfileBatch) -> int:
        """Tokens that the LM reads, soft ones included."""
        return int(batch.valid.sum()) + len(batch.user) * self.shape[0] * self.shape[1]

    def words(self, known: KnownItems, users: int) -> Tensor:
        """[B, P, S, D] words start of users of whom ``known`` is known."""
        liked = known.group == LIKED
        places = self.shape[0] * self.shape[1]
        user, item = (column[liked].numpy() for column in (known.user, known.item))
        ids = start_ids(user, item, self.store.words, users, places)
        return embed_start(torch.from_numpy(ids.reshape(users, *self.shape[:2])), self.embedding)

    @torch.no_grad()
    def start(self, users: Ints, encoder: BehaviourEncoder | None) -> Tensor:
        """[B, P, S, D] where users start, from all of their training items."""
        known = known_items(self.store.splits[TRAIN].everything(users), np.arange(len(users)))
        words = self.words(known, len(users))
        return words if encoder is None else encoder(words, encoder.tastes(known, len(users)))

    def teach(self, encoder: BehaviourEncoder, taught: int, seed: int) -> int:
        """Teach by the first ``taught`` users; the LM tokens read."""
        encoder.setup(self.shape, self.embedding, self.vectors, seed)
        optimizer = encoder.optimizer(encoder.parameters())
        shape = Shape(taught, self.batch, self.behaviours, inner_steps=1, seed=seed)
        tokens = 0
        for epoch in range(encoder.epochs):
            for batch, known in TeachingSteps(self.source(TRAIN), taught, shape, partial(int, epoch)):
                users = len(batch.user)
                z = encoder(self.words(known, users), encoder.tastes(known, users))
                leaf = z.detach().requires_grad_()
                e_step(leaf, [partial(self._nats, batch=batch)], EncoderStep(leaf, z, optimizer))
                tokens += self.places(batch)
        return tokens

    def free(self, users: Ints, z: Tensor, steps: Sequence[int], rate: float) -> Iterator[Judged]:
        """Judge these users after so many free steps, in rising order, from ``z``."""
        table = UserTable(torch.from_numpy(users), self.shape, partial(Adam, lr=rate))
        table.fill(table.users, z)
        rng = np.random.default_rng(1)
        tokens = 0
        for before, wanted in pairwise([0, *steps]):
            for _ in range(wanted - before):
                for batch in self._batches(self.source(TRAIN), users, self.behaviours, rng):
                    leaf, optimizer = table.checkout(batch.user, torch.device("cpu"))
                    e_step(leaf, [partial(self._nats, batch=batch)], optimizer)
                    table.checkin(batch.user, leaf, optimizer)
                    tokens += self.places(batch)
            yield self._judge(users, table, tokens / len(users))

    def _judge(self, users: Ints, table: UserTable, tokens: float) -> Judged:
        own, other = np.zeros(len(users)), np.zeros(len(users))
        for batch in self._batches(self.source(TEST), users, self.behaviours, np.random.default_rng(2)):
            place = table.slots(batch.user)
            with torch.no_grad():
                own[place] = self._nats(table.z[place], batch).numpy()
                other[place] = self._nats(table.z[place - 1], batch).numpy()
        return Judged(own, other, tokens)

    def _nats(self, z: Tensor, batch: ProfileBatch) -> Tensor:
        return self.likelihood(z, batch).per_token

    def _batches(
        self, source: BodySource, users: Ints, count: int, rng: np.random.Generator
    ) -> Iterator[ProfileBatch]:
        bodies = source.draw(users, count, rng)
        for chosen in batches_by_length(bodies.length, -(-len(users) // self.batch)):
            yield source.batch(users, bodies, chosen)


def measure(lab: Lab, options: argparse.Namespace) -> dict[str, dict[int, Judged]]:
    """Judge the unseen users, and the taught ones without free steps, from every start."""
    users = lab.users()
    unseen = users[users >= options.taught][: options.judged]
    taught = users[users < options.taught][: options.judged]
    starts: dict[str, BehaviourEncoder | None] = {
        "words": None,
        "shift": BehaviourEncoder(0, options.epochs, partial(Adam, lr=0.01)),
        "encoder": BehaviourEncoder(options.rank, options.epochs, partial(Adam, lr=options.rate)),
    }
    found: dict[str, dict[int, Judged]] = {}
    begun = time.perf_counter()
    for name, encoder in starts.items():
        tokens = 0 if encoder is None else lab.teach(encoder, options.taught, seed=0)
        for group, judged, steps in (("unseen", unseen, options.steps), ("taught", taught, [0])):
            results = lab.free(judged, lab.start(judged, encoder), steps, options.free_rate)
            found[f"{name}, {group}"] = dict(zip(steps, results, strict=True))
            for step, one in found[f"{name}, {group}"].items():
                told = f"{name}, {group}, {step} steps: own {one.own.mean():.4f}"
                apart = f"over other {(one.other - one.own).mean():+.4f}"
                used = f"{one.tokens:.0f} tokens a user, {tokens} to teach"
                print(f"{told}, {apart}, {used}, {time.perf_counter() - begun:.0f} s", flush=True)
        found[f"{name}, teaching"] = {0: Judged(np.zeros(0), np.zeros(0), float(tokens))}
    return found


def table(found: dict[str, dict[int, Judged]], options: argparse.Namespace) -> Table:
    """Every start beside the words start and the shift after as many free steps."""
    columns = ["own", "own over other", "minus words", "minus shift", "tokens", f"/ {options.taught}", "/ 1M"]
    shown = Table("users", "start", "steps", *columns, title="nats per held-out token [95 % over users]")
    for group in ("unseen", "taught"):
        for name in ("words", "shift", "encoder"):
            teaching = found[f"{name}, teaching"][0].tokens
            for steps, one in found[f"{name}, {group}"].items():
                against = [one.own - found[f"{base}, {group}"][steps].own for base in ("words", "shift")]
                cells = [_cell(difference) for difference in (one.other - one.own, *against)]
                shares = [one.tokens + teaching / users for users in (options.taught, 1_000_000)]
                costs = [f"{value:.0f}" for value in (one.tokens, *shares)]
                shown.add_row(group, name, str(steps), f"{one.own.mean():.3f}", *cells, *costs)
    return shown


def _cell(difference: NDArray[np.float64]) -> str:
    mean, low, high = interval(difference)
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def _no_rows(users: Ints) -> RecBatch:
    return RecBatch(*(torch.empty(0, dtype=torch.long) for _ in RecBatch._fields))


def main() -> None:
    """Parse options, measure, print, keep what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", help="file of game histories; MovieLens-100K without it")
    parser.add_argument("--items", help="file of their items")
    parser.add_argument("--taught", type=int, default=160)
    parser.add_argument("--judged", type=int, default=64, help="taught and unseen users, each")
    parser.add_argument("--behaviours", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--free-rate", type=float, default=0.01)
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 1, 2, 4])
    parser.add_argument("--folder", type=Path, default=Path("runs/amortised_start"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    source, labels, prompt = MovieLens100K(str(ensure_ml100k(report=print))), RatingThreshold(), FILMS
    if options.histories:
        source, labels, prompt = Histories(options.histories, options.items), Implicit(), GAMES
    users = 2 * (options.taught + options.judged)  # some have no test item
    split = RandomSplit((70, 5, 25))
    preparation = Preparation(source, k_core=1, labels=labels, split=split, max_users=users)
    prepared = preparation.run(options.folder, report=print)
    found = measure(Lab(prepared, prompt, options.behaviours, options.batch), options)
    kept = {
        name: {k: (one.own.tolist(), one.other.tolist(), one.tokens) for k, one in rows.items()}
        for name, rows in found.items()
    }
    (options.folder / "found.json").write_text(json.dumps(kept), encoding="utf-8")
    Console(width=160).print(table(found, options))


if __name__ == "__main__":
    main()
