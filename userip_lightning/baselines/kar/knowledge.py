"""Knowledge of users and items: texts of a language model, and their vectors, as an artifact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import save_array
from userip_lightning.artifact import Manifest, stable_hash, writing
from userip_lightning.baselines.history import Histories
from userip_lightning.baselines.kar.generation import DEFAULT_GENERATION, Generation
from userip_lightning.baselines.kar.prompts import DEFAULT_PROMPT, Behaviour, KnowledgePrompt, Question
from userip_lightning.baselines.kar.text_cache import TextCache
from userip_lightning.baselines.kar.writer import Prompt, TextWriter
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lm.source import DEFAULT_LM, LMSource
from userip_lightning.lm.text_encoder import DEFAULT_SOURCE, EncoderSource, TextEncoder

KIND = "knowledge"
#: Files of the artifact.
USERS, ITEMS, TEXTS = "users.npy", "items.npy", "texts.parquet"
#: File in the cache folder that several runs share.
CACHE = "knowledge.sqlite"

#: Told what is being done, and how much of how much is done.
Progress = Callable[[str, int, int], None]


class Side(NamedTuple):
    """Users or items: what is asked about each, in dense order."""

    name: str
    ids: list[str]
    prompts: list[Prompt | None]  # None: nothing to ask, or no room to ask it
    asked: int  # questions, also those without room


class Knowledge:
    """Lets a language model write about every user and every item.

    Args:
        prompt: what it is asked.
        lm: who writes.
        encoder: makes vectors of the texts.
        generation: how it writes.
    """

    def __init__(
        self,
        prompt: KnowledgePrompt = DEFAULT_PROMPT,
        lm: LMSource = DEFAULT_LM,
        encoder: EncoderSource = DEFAULT_SOURCE,
        generation: Generation = DEFAULT_GENERATION,
    ) -> None:
        self.prompt = prompt
        self.lm = lm
        self.encoder = encoder
        self.generation = generation

    def write(self, prepared: str | Path, target: str | Path, cache: Path, progress: Progress) -> Path:
        """Write the ``knowledge`` artifact; texts that the cache has are not written again.

        Args:
            prepared: folder of the prepared data.
            target: folder of the artifact; replaced as a whole.
            cache: folder of the texts.
            progress: told "write" with texts and "encode" with vectors.

        Raises:
            InputError: the data, the model, the encoder or the cache cannot be used, the prompt asks for a
                column that the items lack, or the target cannot be written.
        """
        data = PreparedData.load(prepared)
        self._refuse_missing_columns(data)
        writer = TextWriter(self.lm, self.generation, TextCache(Path(cache) / CACHE))
        users, seen = self._users(data, writer)
        sides = [users, self._items(data, writer)]
        asked = [prompt for side in sides for prompt in side.prompts if prompt is not None]
        texts = writer.write(asked, lambda done, total: progress("write", done, total))
        encoder = TextEncoder(self.encoder)
        vectors = _vectors(encoder, sides, texts, lambda done, total: progress("encode", done, total))
        manifest = self._manifest(data, writer, encoder, sides, texts)
        with writing(target, manifest, seen) as draft:
            save_array(draft / USERS, vectors[0])
            save_array(draft / ITEMS, vectors[1])
            _table(sides, texts).write_parquet(draft / TEXTS)
        return Path(target)

    def _refuse_missing_columns(self, data: PreparedData) -> None:
        for name in self.prompt.attributes:
            if name not in data.items.columns:
                columns = ", ".join(data.items.columns)
                raise InputError(
                    f"knowledge.prompt.attributes: the items of {data.path} have no column {name!r}; use "
                    f"some of {columns}."
                )

    def _users(self, data: PreparedData, writer: TextWriter) -> tuple[Side, NDArray[np.int64]]:
        """What is asked about users, and the ids of the rows that it tells."""
        histories = Histories.collect(data)
        titles = writer.plain(data.items.select("title"))["title"].to_list()
        titled = np.array([bool(title) for title in titles])
        prompts: list[Prompt | None] = []
        told, asked = [np.empty(0, dtype=np.int64)], 0
        for user in range(data.n_users):
            places = histories.of(user)
            places = places[titled[histories.item[places]]][-self.prompt.history :]
            question = self.prompt.ask_user(_behaviours(histories, places, titles))
            asked += question is not None
            prompts.append(_fit(writer, question))
            if (fitting := prompts[-1]) is not None:
                told.append(histories.row_id[places[fitting.dropped :]])
        side = Side("user", data.users["user_id"].to_list(), prompts, asked)
        return side, np.concatenate(told)

    def _items(self, data: PreparedData, writer: TextWriter) -> Side:
        questions = [self.prompt.ask_item(row) for row in writer.plain(data.items).iter_rows(named=True)]
        prompts = [_fit(writer, question) for question in questions]
        asked = sum(question is not None for question in questions)
        return Side("item", data.items["item_id"].to_list(), prompts, asked)

    def _manifest(
        self,
        data: PreparedData,
        writer: TextWriter,
        encoder: TextEncoder,
        sides: Sequence[Side],
        texts: dict[str, str | None],
    ) -> Manifest:
        extra = {
            "encoder": {**asdict(self.encoder), "fingerprint": encoder.fingerprint},
            "generation": asdict(self.generation),
            "no_knowledge": {side.name: _lacking(side, texts) for side in sides},
        }
        settings = [writer.identity, self.prompt.hash, extra["encoder"], extra["generation"]]
        return Manifest(
            KIND,
            stable_hash(settings),
            data.data_hash,
            data.n_users,
            lm=f"{self.lm.name}@{writer.identity}",
            prompt_hash=self.prompt.hash,
            extra=extra,
        )


def _behaviours(histories: Histories, places: NDArray[np.int64], titles: list[str]) -> list[Behaviour]:
    return [
        Behaviour(titles[histories.item[at]], float(histories.rating[at]), int(histories.label[at]))
        for at in places
    ]


def _fit(writer: TextWriter, question: Question | None) -> Prompt | None:
    return None if question is None else writer.fit(question)


def _text(prompt: Prompt | None, texts: dict[str, str | None]) -> str | None:
    return None if prompt is None else texts[prompt.key]


def _lacking(side: Side, texts: dict[str, str | None]) -> dict[str, int]:
    """How many have no knowledge, by the reason."""
    fitting = [prompt for prompt in side.prompts if prompt is not None]
    return {
        "nothing_to_ask": len(side.prompts) - side.asked,
        "prompt_too_long": side.asked - len(fitting),
        "empty_or_echo": sum(texts[prompt.key] is None for prompt in fitting),
    }


def _vectors(
    encoder: TextEncoder,
    sides: Sequence[Side],
    texts: dict[str, str | None],
    progress: Callable[[int, int], None],
) -> list[NDArray[np.float32]]:
    """[rows, D] of every side; zeros where there is no knowledge."""
    known = sorted({text for text in texts.values() if text is not None})
    place = {text: at for at, text in enumerate(known)}
    encoded = encoder.encode(known, progress)
    found = []
    for side in sides:
        vectors = np.zeros((len(side.ids), encoder.width), dtype=np.float32)
        for row, prompt in enumerate(side.prompts):
            if (text := _text(prompt, texts)) is not None:
                vectors[row] = encoded[place[text]]
        found.append(vectors)
    return found


def _table(sides: Sequence[Side], texts: dict[str, str | None]) -> pl.DataFrame:
    rows = [
        (side.name, key, prompt and prompt.text, _text(prompt, texts))
        for side in sides
        for key, prompt in zip(side.ids, side.prompts, strict=True)
    ]
    names = ("side", "id", "prompt", "text")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
