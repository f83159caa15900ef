"""The catalogue engine with the default language model on the game histories, all users.

The log is that of ``configs/games_histories.yaml``: new users, four titles shown, matched negatives. Language
model first (hidden states, soft tokens, the exact table of all titles), then EM to convergence on the host,
whose codes are judged on validation rows as docs/codes.md does it: AUC of l[item, code(user)].
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.gpu.assets import HISTORIES, ITEMS
from benchmarks.gpu.child import Child, start
from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.joint_em import fit
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.user_events import UserEvents, user_events
from userip_lightning.data.labels import Implicit
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.splits import ColdUsers
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.schema import VAL
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.vectors import text_vectors

_CLASSES = 12
_STATES, _TUNED = "hidden states of all titles", "soft tokens, 200 steps"
_TABLE = "likelihood table, all titles × 12"
_CODES = ("codes without text", "codes from hidden states", "codes from the likelihood")


def measure(child: Child) -> None:
    """All rows of the step."""
    games = child.assets.games
    os.environ["USERIP_CACHE"] = str(child.folder / "cache")  # what an earlier run kept would cost nothing
    source = Histories(str(games / HISTORIES), str(games / ITEMS))
    k_core = 1 if child.dry else 4
    log = Preparation(source, k_core, labels=Implicit(), split=ColdUsers(support=4))
    prepared = PreparedData.load(log.run(child.folder / "prepared", lambda _: None))
    events, texts = user_events(prepared), joined_texts(prepared.items, ["title"], "columns")
    with child.part(_CODES[0]):
        child.tell(_CODES[0], **_codes(prepared, events, None))
    lm = LMSource(str(child.assets.lm))
    tokens = sum(map(len, load_tokenizer(lm)(texts, add_special_tokens=False)["input_ids"]))
    states = HiddenStates(lm, 1 if child.dry else 14)
    vectors = None
    with child.part(_STATES):
        vectors = _hidden(child, states, texts, tokens)
    with child.part(_CODES[1]):
        if vectors is not None:
            child.tell(_CODES[1], **_codes(prepared, events, vectors))
    found = None
    with child.part(_TUNED):
        found = _likelihood(child, lm, texts, events, tokens)
    with child.part(_CODES[2]):
        if found is not None:
            child.tell(_CODES[2], **_codes(prepared, events, found))


def _hidden(child: Child, states: HiddenStates, texts: list[str], tokens: int) -> Floats | None:
    """Their principal components; loading the model is part of the time."""
    child.reset_peak()
    begun = time.perf_counter()
    found = text_vectors(states, texts)
    child.synchronise()
    seconds = time.perf_counter() - begun
    child.tell(_STATES, titles=len(texts), s=seconds, **{"tokens/s": tokens / seconds}, **child.peak())
    return found


def _likelihood(child: Child, lm: LMSource, texts: list[str], events: UserEvents, tokens: int) -> Floats:
    """The table of all titles; tells what tuning and table took, as the engine itself kept it."""
    source = Likelihood(lm, exact=None)
    if child.dry:
        source = replace(source, steps=10, sizes=(2, 2), layer=1)
    work = child.folder / "likelihood"
    work.mkdir()
    child.reset_peak()
    table = source.learn(texts, events, work)
    told = json.loads(work.with_suffix(".json").read_text(encoding="utf-8"))
    combinations, steps = table.shape[1], source.steps
    drawn = steps * source.items * combinations * tokens / len(texts)
    losses = {"loss, first ten": told["losses"][0], "loss, last ten": told["losses"][-1]}
    tuning = told["tuning_s"]
    child.tell(_TUNED, s=tuning, **{"ms a step": 1e3 * tuning / steps, "tokens/s": drawn / tuning}, **losses)
    rate = tokens * combinations / told["table_s"]
    child.tell(_TABLE, s=told["table_s"], **{"tokens/s": rate, "combinations": combinations}, **child.peak())
    return table


def _codes(prepared: PreparedData, events: UserEvents, vectors: Floats | None) -> dict[str, float]:
    """EM on the host, the best of three starts; AUC on validation rows."""
    begun = time.perf_counter()
    table = fit(events.counts, _CLASSES, lambda: event_model(False, vectors, _CLASSES), seed=0)
    seconds = time.perf_counter() - begun
    return {"AUC": _auc(prepared, events, table), "s of EM": seconds, "users": events.counts.shape[0]}


def _auc(prepared: PreparedData, events: UserEvents, table: CodeTable) -> float:
    """Of l[item, code(user)] on validation rows."""
    rows: pl.DataFrame = prepared.rows(VAL)
    scores = table.evidence[rows["item"].to_numpy(), table.codes(events.counts)[rows["user"].to_numpy()]]
    return float(roc_auc_score(rows["label"].to_numpy(), scores))


if __name__ == "__main__":
    start(measure)
