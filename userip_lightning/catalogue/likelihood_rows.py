"""Rows of the likelihood's table (``likelihood_text.py``): by the language model itself, or predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits

from userip_lightning.arrays import Floats, read_array, save_array
from userip_lightning.atomic import new_file
from userip_lightning.catalogue.adam import standardised
from userip_lightning.catalogue.soft_token_module import SoftTokenModule
from userip_lightning.progress_bars import piece

_PART, _TOGETHER = 256, 16


@torch.no_grad()
def exact_rows(module: SoftTokenModule, items: NDArray[np.int64], work: Path) -> Floats:
    """Rows [N, M] of N items by the LM itself, kept part by part in ``work``; NaN where it gives none."""
    module.to("cuda" if torch.cuda.is_available() else "cpu")
    parts = []
    with piece("language model, items scored") as scoring:
        for first in range(0, len(items), _PART):
            file = work / f"rows-{first:06d}.npy"
            part = items[first : first + _PART]
            if file.is_file():
                scoring.begin(first + len(part))
            else:
                rows = np.full((len(part), len(module.bias)), np.nan)
                for at in range(0, len(part), _TOGETHER):
                    together = part[at : at + _TOGETHER]
                    scored, evidence = module.sound(together.tolist())
                    rows[at : at + _TOGETHER][np.isin(together, scored)] = evidence.double().cpu().numpy()
                    scoring.at(first + at + len(together), len(items))
                with new_file(file) as draft:
                    save_array(draft, rows)
            parts.append(read_array(file, "f"))
    return np.concatenate(parts)


def predicted_rows(vectors: Floats, exact: NDArray[np.int64], rows: Floats) -> tuple[Floats, list[float]]:
    """Rows of all items by ridge regression on vectors, and its R² per combination in cross-validation."""
    x = standardised(vectors)
    with threadpool_limits(limits=1):
        ridge = RidgeCV(alphas=np.logspace(-1, 4, 11))
        guessed = cross_val_predict(ridge, x[exact], rows, cv=min(5, len(exact)))
        quality = np.atleast_1d(r2_score(rows, guessed, multioutput="raw_values"))
        return np.asarray(ridge.fit(x[exact], rows).predict(x)).reshape(len(x), -1), quality.tolist()
