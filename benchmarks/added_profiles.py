"""Log-likelihoods of items under combinations of codes: what is lost where profiles' shares are added.

    python benchmarks/added_profiles.py PREPARED [--columns title] [--scored 100]

Soft tokens stand at their start words. Both ways score the most bought items; R² is that of the sums,
each row of mean 0, in predicting the rows of whole combinations.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.soft_token_module import SoftTokenModule
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.prepared import PreparedData
from userip_lightning.lm.source import LMSource
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.language_model import HiddenStates
from userip_lightning.texts.vectors import text_vectors

_TOGETHER = 16


def main() -> None:
    """Print R², and the spread of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared")
    parser.add_argument("--columns", nargs="+", default=["title"])
    parser.add_argument("--lm", default="smollm2-135m-instruct")
    parser.add_argument("--scored", type=int, default=100)
    args = parser.parse_args()
    prepared = PreparedData.load(args.prepared)
    events, texts = user_events(prepared), joined_texts(prepared.items, args.columns, "--columns")
    joint = Likelihood(LMSource(args.lm), steps=0, max_tokens=16)
    hidden = text_vectors(HiddenStates(joint.lm, joint.layer), texts)
    assert hidden is not None
    targets, positives = joint.targets(events, hidden)
    items = np.argsort(-positives.sum(axis=1), kind="stable")[: args.scored]
    whole, added = (
        _rows(source.module(texts, targets, positives)[0], items)
        for source in (joint, replace(joint, added=True))
    )
    lost = ((whole - added) ** 2).sum() / (whole**2).sum()
    print(f"{prepared.path}: {len(items)} items, {whole.shape[1]} combinations")
    print(f"R² {1 - lost:.3f}, correlation {np.corrcoef(whole.ravel(), added.ravel())[0, 1]:.3f}")
    print(f"deviation in nats: combinations {whole.std():.3f}, sums {added.std():.3f}")


@torch.no_grad()
def _rows(module: SoftTokenModule, items: NDArray[np.int64]) -> Floats:
    """[n, M]"""
    parts = [module.evidence(items[at : at + _TOGETHER].tolist()) for at in range(0, len(items), _TOGETHER)]
    return np.asarray(torch.cat(parts).double())


if __name__ == "__main__":
    main()
