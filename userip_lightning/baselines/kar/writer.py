"""The language model at work: questions in, texts out, each of them written once.

A text is greedy, so it depends on its prompt and the model alone, up to rounding: padding is masked, counts
for no penalty and shifts no position, but a sum over a padded row may round otherwise, and where two tokens
are equally likely that can choose the other one. Batches are the prompts that lack a text, the longest first;
a run that was killed goes on with the batches that it would have made, and what is written stays as it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl
import torch
from transformers import GenerationConfig, LogitsProcessorList, RepetitionPenaltyLogitsProcessor

from userip_lightning.artifact import stable_hash
from userip_lightning.baselines.kar.generation import Generation, is_knowledge
from userip_lightning.baselines.kar.prompts import Question
from userip_lightning.baselines.kar.text_cache import TextCache
from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.errors import InputError
from userip_lightning.lm.control_tokens import plain_table
from userip_lightning.lm.identity import lm_identity
from userip_lightning.lm.source import LMSource, load_config, load_tokenizer

#: In front of a chat template. One that tells the model today's date would ask something else every day, and
#: nothing of yesterday would be found in the cache.
_SAME_DAY = "{% macro strftime_now(form) %}26 Jul 2024{% endmacro %}"

#: Told how many of how many texts are done.
Progress = Callable[[int, int], None]


class Prompt(NamedTuple):
    """A question that fits the model's context."""

    key: str  #       of its text in the cache
    text: str  #      without what a chat adds
    lead: str  #      first words of the answer, which the model goes on from
    ids: list[int]  # tokens, with what a chat adds and the lead
    dropped: int  #   parts of the question that found no room, the earliest


class TextWriter:
    """Answers questions with a frozen causal LM, which is loaded when a text is missing.

    Args:
        lm: the model.
        generation: how it writes.
        cache: where texts are kept.

    Raises:
        InputError: the model's tokenizer or configuration cannot be read, or its context has no room for a
            text.
    """

    def __init__(self, lm: LMSource, generation: Generation, cache: TextCache) -> None:
        self.lm = lm
        self.generation = generation
        self.cache = cache
        self.identity = lm_identity(lm)
        self._tokenizer = load_tokenizer(lm)
        settings = asdict(generation)
        del settings["batch_size"]  # decides no text
        self._decides = [self.identity, settings]
        context = getattr(load_config(lm), "max_position_embeddings", None)
        self._room = None if context is None else int(context) - generation.max_new_tokens
        if self._room is not None and self._room < 1:
            raise InputError(
                f"knowledge.generation.max_new_tokens is {generation.max_new_tokens}, but the context of "
                f"{lm.name!r} is {context} tokens; leave room for a prompt."
            )

    def plain(self, table: pl.DataFrame) -> pl.DataFrame:
        """A table whose texts hold no control token of the model, to ask about."""
        return plain_table(table, self._tokenizer)

    def fit(self, question: Question) -> Prompt | None:
        """The question as a prompt, without the earliest parts for which there is no room.

        Returns:
            ``None`` where even the latest part, or a question without parts, does not fit.
        """
        dropped, most = 0, max(0, len(question.parts) - 1)
        if not self._fits(question):
            dropped = bisect_left(range(most + 1), True, lo=1, key=lambda n: self._fits(question, n))
        if dropped > most:
            return None
        text = question.text(dropped)
        chat = self._chat(text, question.lead)
        key = stable_hash([*self._decides, chat, question.lead])
        return Prompt(key, text, question.lead, self._tokens(chat), dropped)

    def write(self, prompts: Iterable[Prompt], progress: Progress) -> dict[str, str | None]:
        """Texts of all prompts, by key; ``None`` where the model had nothing to say.

        Args:
            prompts: several of the same key are written once.
            progress: told after every batch, of the texts that the cache lacked.

        Raises:
            InputError: the cache cannot be used, or the model cannot be loaded.
        """
        wanted = {prompt.key: prompt for prompt in prompts}
        kept = self.cache.read(list(wanted))
        missing = [prompt for key, prompt in wanted.items() if key not in kept]
        missing.sort(key=lambda prompt: (-len(prompt.ids), prompt.key))
        size = self.generation.batch_size
        for first in range(0, len(missing), size):
            batch = missing[first : first + size]
            self.cache.write(self._answer(batch))
            progress(first + len(batch), len(missing))
        return kept | self.cache.read([prompt.key for prompt in missing])

    def _answer(self, batch: Sequence[Prompt]) -> dict[str, str | None]:
        """Greedy texts; one that is no knowledge is tried once more by sampling, alone in its batch."""
        answers: dict[str, str | None] = {}
        for prompt, greedy in zip(batch, self._generate([p.ids for p in batch], sample=False), strict=True):
            text = greedy if is_knowledge(greedy, prompt.text) else self._sample(prompt)
            said = is_knowledge(text, prompt.text)  # the lead says nothing
            answers[prompt.key] = (prompt.lead + text).strip() if said else None
        return answers

    def _sample(self, prompt: Prompt) -> str:
        """A text under a seed that is a function of the prompt."""
        device = self._model.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(int(prompt.key, 16) % 2**63)
            (text,) = self._generate([prompt.ids], sample=True)
        return text

    @torch.no_grad()
    def _generate(self, rows: Sequence[list[int]], sample: bool) -> list[str]:
        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            mask[row, width - len(tokens) :] = 1
        # Only of what is written: padding and the words of the prompt are in no text yet.
        penalty = RepetitionPenaltyLogitsProcessor(self.generation.repetition_penalty, width)
        device = self._model.device
        written = self._model.generate(
            ids.to(device),
            attention_mask=mask.to(device),
            generation_config=self._settings(sample),
            logits_processor=LogitsProcessorList([penalty]),
        )
        texts: list[str] = self._tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
        return texts

    def _settings(self, sample: bool) -> GenerationConfig:
        chosen = {"temperature": self.generation.temperature, "top_p": self.generation.top_p, "top_k": 0}
        return GenerationConfig(  # type: ignore[no-untyped-call]  # transformers lacks the type
            max_new_tokens=self.generation.max_new_tokens,
            do_sample=sample,
            eos_token_id=self._ends,
            pad_token_id=self._ends[0] if self._ends else 0,
            **(chosen if sample else {}),
        )

    def _fits(self, question: Question, dropped: int = 0) -> bool:
        chat = self._chat(question.text(dropped), question.lead)
        return self._room is None or len(self._tokens(chat)) <= self._room

    def _chat(self, text: str, lead: str) -> str:
        """The prompt as the model was taught to read one, where its tokenizer says how, and the lead."""
        if not self._tokenizer.chat_template:
            return f"{text} {lead}" if lead else text
        turns = [{"role": "user", "content": text}]
        chat: str = self._tokenizer.apply_chat_template(
            turns,
            chat_template=_SAME_DAY + self._tokenizer.get_chat_template(),
            tokenize=False,
            add_generation_prompt=True,
        )
        return chat + lead

    def _tokens(self, chat: str) -> list[int]:
        plain = not self._tokenizer.chat_template  # a chat has its special tokens already
        return list(self._tokenizer(chat, add_special_tokens=plain)["input_ids"])

    @cached_property
    def _model(self) -> Any:
        model = load_language_model(self.lm)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return model.to(device)

    @cached_property
    def _ends(self) -> list[int]:
        """Tokens that end a text; what else the model's makers would generate with is not followed."""
        own = self._model.generation_config.eos_token_id
        ends = {self._tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])}
        self._model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]  # as above
        return sorted(end for end in ends if end is not None)
