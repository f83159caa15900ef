"""The paper's own text prior: a frozen LM's likelihood of an item under the soft tokens of every class.

    1  EM with the LM's hidden states as its text finds what items say of classes, n_ic
    2  soft tokens start at the words of their classes and move by gradient    (``soft_token_module.py``)
    3  s_ic is exact for the items with most events; for the rest it is predicted from hidden states

Its vectors are the s_i [M] (d_i in explicit logs). EM then starts afresh with them as an item's text. LM
passes: items × M, whatever the number of users and events.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.atomic import write_text
from userip_lightning.catalogue.code_order import code_order
from userip_lightning.catalogue.combination_scores import AddedScores, JointScores
from userip_lightning.catalogue.e_step import posterior
from userip_lightning.catalogue.event_model import event_model, like_offset
from userip_lightning.catalogue.generosity_start import generosity_opening
from userip_lightning.catalogue.joint_em import fit
from userip_lightning.catalogue.likelihood_rows import exact_rows, predicted_rows
from userip_lightning.catalogue.soft_token_module import EPOCH, SoftTokenModule, Targets
from userip_lightning.catalogue.soft_tokens import start_words
from userip_lightning.catalogue.text_prior import POPULAR
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.control_tokens import plain_texts
from userip_lightning.lm.prompt import (
    DEFAULT_PROMPT,
    PromptTemplate,
    Tokenizer,
    build_prefix,
    encode_item,
)
from userip_lightning.lm.source import DEFAULT_LM, LMSource, load_tokenizer
from userip_lightning.profile.prompt_bodies import BodyWriter, Tokens
from userip_lightning.profile.start import embed_start
from userip_lightning.progress_bars import piece
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.shown_steps import ShownSteps
from userip_lightning.texts.source import Events, LearnedSource
from userip_lightning.texts.vectors import text_vectors
from userip_lightning.weight_files import fault

_MOST_READ, _FEW = 256, list(DEFAULT_SIZES.values())  # combinations of codes
_KEY = "catalogue.data.text.init_args"


@dataclass(frozen=True)
class Likelihood(LearnedSource):
    """log p_LM(text | z_c) under tuned soft tokens, learned once for all seeds of an experiment.

    Args:
        lm: the language model.
        prompt: profiles and task texts; ``item`` is not read, as ``catalogue.data.columns`` make the text,
            and ``disliked`` only in explicit logs.
        sizes: K_p of the combinations, in the order of the prompt's profiles. Where none are given, an
            experiment fills in those of its ``profiles``, and their words into the prompt; elsewhere they
            are the paper's. More than 256 combinations are refused unless ``added``.
        steps: of the soft tokens' optimizer, rounded up to tens; 0 leaves them at their start words.
        items: per step.
        rate: learning rate in deviations of the LM's embeddings.
        exact: items whose table rows the LM gives itself, those with most (liked) events; None for all.
        length: 0 keeps log-likelihoods as they are, 1 takes their mean per token.
        max_tokens: longer texts are cut, and those that do not fit into the LM's window beside the prompt.
        layer: whose hidden states open the search and predict what is not exact.
        seed: of the opening EM and the draws of items.
        added: give an item's likelihood under a combination as the sum of those under its codes, which
            takes Σ_p K_p passes over the items instead of Π_p K_p.
    """

    lm: LMSource = DEFAULT_LM
    prompt: PromptTemplate = DEFAULT_PROMPT
    sizes: tuple[int, ...] = ()
    steps: int = 200
    items: int = 16
    rate: float = 0.1
    exact: int | None = 2000
    length: float = 0.0
    max_tokens: int = 32
    layer: int = 14
    seed: int = 0
    added: bool = False

    def __post_init__(self) -> None:
        if not self.sizes:
            object.__setattr__(self, "sizes", tuple(DEFAULT_SIZES.values()))
        if len(self.sizes) != len(self.prompt.profiles) or min(self.sizes, default=0) < 1:
            raise InputError(
                f"{_KEY}.sizes: {list(self.sizes)} given, one number above 0 is needed for each of "
                f"{', '.join(self.prompt.names)}."
            )
        if prod(self.sizes) > _MOST_READ and not self.added:
            raise InputError(
                f"{_KEY}: the language model would read every item under {prod(self.sizes):,} combinations "
                f"of codes, at most {_MOST_READ} make sense; give `sizes` of its own, such as {_FEW}, or set "
                "`added` to true."
            )
        if not self.prompt.independent:
            raise InputError(f"{_KEY}.prompt.independent: an item is scored by itself here; set it to true.")
        if min(self.items, self.max_tokens, 1 if self.exact is None else self.exact) < 1 or self.steps < 0:
            raise InputError(
                f"{_KEY}: items, max_tokens and exact count something, give numbers from 1 up; steps from 0."
            )

    def identity(self) -> dict[str, object]:
        """See :class:`TextSource`; the hidden states that open the search are other code."""
        return {**super().identity(), "opening": HiddenStates.version}

    def weights(self) -> str:
        """See :class:`TextSource`."""
        return HiddenStates(self.lm, self.layer).weights()

    def learn(self, texts: Sequence[str], events: Events, work: Path) -> Floats:
        """See :class:`LearnedSource`; vectors are [I, M].

        Beside the vectors, ``<name>.json`` tells what was learned and ``<name>.npz`` has the soft tokens.
        """
        hidden = text_vectors(HiddenStates(self.lm, self.layer), texts)
        assert hidden is not None
        targets, positives = self.targets(events, hidden)
        module, told = self.module(texts, targets, positives)
        begun = time.monotonic()
        _tune(module, self.steps, work)
        tuned = time.monotonic()
        table, quality = self._table(module, hidden, told, positives.sum(axis=1), work, texts)
        report = {
            "losses": module.losses,
            "scale": module.log_scale.exp().item(),
            "tuning_s": tuned - begun,
            "table_s": time.monotonic() - tuned,
            "r2": quality,
        }
        write_text(work.with_suffix(".json"), json.dumps(report))
        books = {f"e_{p}": book.detach().cpu().numpy() for p, book in enumerate(module.soft_tokens.books)}
        np.savez(work.with_suffix(".npz"), **books)
        return table

    def targets(self, events: Events, hidden: Floats) -> tuple[Targets, Floats]:
        """What EM on hidden states found, and its expected positive events [I, M]."""
        counts, classes = events.counts, prod(self.sizes)
        opening = generosity_opening(counts, classes) if events.explicit else None
        table = fit(
            counts, classes, lambda: event_model(events.explicit, hidden, classes), self.seed, opening=opening
        )
        order = code_order(table.evidence, dict(zip(self.prompt.names, self.sizes, strict=True)))
        expected = np.asarray(counts.T @ posterior(table.scores(counts)))[:, order]
        if not events.explicit:
            total = expected.sum(axis=1, keepdims=True)
            rate = (expected + 1e-6) / (total + 1e-6 * classes)
            return Targets(rate, np.repeat(np.minimum(total, POPULAR), classes, axis=1), None), expected
        disliked, liked = np.split(expected, 2)
        total = liked + disliked
        rate = liked / np.maximum(total, 1e-9)
        return Targets(rate, np.minimum(total, POPULAR), like_offset(liked, disliked)), liked

    def module(
        self, texts: Sequence[str], targets: Targets, positives: Floats
    ) -> tuple[SoftTokenModule, NDArray[np.bool_]]:
        """The LM with soft tokens at their start, and which items have a text."""
        backbone, tokenizer = load_backbone(self.lm), load_tokenizer(self.lm)
        prompt = self.prompt if targets.offset is not None else _without_dislikes(self.prompt)
        room = self._room(backbone, tokenizer, prompt)
        ids = [_spelling(tokenizer, text, room) for text in plain_texts(texts, tokenizer)]
        told = np.array([bool(own) for own in ids])
        kind = AddedScores if self.added else JointScores
        scores = kind(backbone, tokenizer, prompt, Tokens.of(ids))
        words = np.array([_is_word(tokenizer, token) for token in range(len(backbone.words))])
        start = start_words(ids, positives, self.sizes, prompt.soft_tokens, words)
        books = [embed_start(torch.from_numpy(book)[:, None], backbone.words)[:, 0] for book in start]
        targets.weight[~told] = 0.0
        if not targets.weight.any():
            raise InputError(
                f"{type(self).__name__}: no item that a user had has a text, so there is nothing to learn "
                "from; give these items texts, or choose another text source."
            )
        lengths = np.array([float(len(own)) for own in ids])
        divisor = np.maximum(lengths, 1.0) ** self.length
        rate = self.rate * float(backbone.words.std())
        module = SoftTokenModule(scores, books, targets, rate, divisor, self.items, self.seed)
        return module, told

    def _room(self, backbone: FrozenBackbone, tokenizer: Tokenizer, prompt: PromptTemplate) -> int:
        """Tokens of a title that are read."""
        writer = BodyWriter(prompt, tokenizer)
        taken = len(build_prefix(prompt, tokenizer).ids)
        taken += max(map(len, writer.heads)) + len(writer.separator)
        if taken >= backbone.context:
            raise InputError(
                f"{_KEY}.prompt: its profiles and task text take {taken} tokens, but {self.lm.name!r} reads "
                f"{backbone.context} in all; give fewer soft tokens, or a shorter task text."
            )
        room = min(self.max_tokens, backbone.context - taken)
        return room if prompt.item_max_tokens is None else min(room, prompt.item_max_tokens)

    def _table(
        self,
        module: SoftTokenModule,
        hidden: Floats,
        told: NDArray[np.bool_],
        popular: Floats,
        work: Path,
        texts: Sequence[str],
    ) -> tuple[Floats, list[float]]:
        """[I, M], exact for the items with most events, else predicted; R² of predictions by combination."""
        known = np.flatnonzero(told)
        order = known[np.argsort(-popular[known], kind="stable")]
        exact = order[: self.exact]
        rows = exact_rows(module, exact, work)
        whole = np.isfinite(rows).all(axis=1)
        if not whole.all():
            warnings.warn(
                f"{self.lm.name}: no likelihood of {(~whole).sum()} items, the first of them "
                f"{texts[exact[~whole][0]]!r}; they are predicted from the others.",
                stacklevel=2,
            )
        exact, rows = exact[whole], rows[whole]
        if len(exact) < min(2, len(known)):
            raise InputError(
                f"{self.lm.name}: {len(exact)} items have a likelihood, too few to predict the others from; "
                f"give more items a text, raise {_KEY}.exact, or choose another language model."
            )
        table, quality = np.zeros((len(told), rows.shape[1])), list[float]()
        if len(exact) < len(known):
            guessed, quality = predicted_rows(hidden, exact, rows)
            table[known] = guessed[known]
        table[exact] = rows
        return table, quality


def _tune(module: SoftTokenModule, steps: int, work: Path) -> None:
    """Train, or go on where an earlier run was cut short."""
    last = work / "last.ckpt"
    epochs = -(-steps // EPOCH)
    if not steps:
        return
    point = last if last.is_file() and fault(last) is None else None
    if point is None:
        for rows in work.glob("rows-*.npy"):  # scored by soft tokens that are lost
            rows.unlink()
    with piece("language model, steps of soft tokens") as shown:
        trainer = Trainer(
            max_epochs=epochs,
            reload_dataloaders_every_n_epochs=1,
            accelerator="auto",
            devices=1,
            logger=False,
            default_root_dir=work,
            callbacks=[
                ModelCheckpoint(work, "last", save_top_k=1, enable_version_counter=False),
                ShownSteps(shown, epochs * EPOCH),
            ],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, ckpt_path=point, weights_only=True)


def _spelling(tokenizer: Tokenizer, text: str, most: int) -> list[int]:
    return encode_item(tokenizer, f" {text.strip()}", most) if text.strip() else []


def _without_dislikes(prompt: PromptTemplate) -> PromptTemplate:
    return replace(prompt, disliked=None)


def _is_word(tokenizer: Tokenizer, token: int) -> bool:
    letters: int = sum(sign.isalpha() for sign in tokenizer.decode([token]))
    return letters >= 3
