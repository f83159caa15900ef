"""Control banks: written like the codes' bank, so that the CTR stage cannot tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.controls import simple as drawn
from userip_lightning.controls.kmeans import svd_kmeans, svd_text_kmeans, text_kmeans
from userip_lightning.controls.mixtures import EngineSettings, bag_of_words_mixture, count_mixture
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.plan import ControlBank
from userip_lightning.schema import SUPPORT, TRAIN

#: Controls from the engine's own EM: (data, K_p, seed, settings) → [U, 1] classes or [U, P] codes.
MIXTURES: dict[str, Callable[[PreparedData, Sequence[int], int, EngineSettings], NDArray[np.int64]]] = {
    "count_mixture": count_mixture,
    "bag_of_words_mixture": bag_of_words_mixture,
}

#: Controls from k-means: (data, K_p, seed) → [U, 1] clusters or [U, P] codes.
KMEANS: dict[str, Callable[[PreparedData, Sequence[int], int], NDArray[np.int64]]] = {
    "svd_kmeans": svd_kmeans,
    "text_kmeans": text_kmeans,
    "svd_text_kmeans": svd_text_kmeans,
}


def write_control(control: ControlBank, prepared_folder: Path) -> None:
    """Write a control bank, with as many bits as the codes' bank, unless it is there.

    Args:
        control: which one, and where.
        prepared_folder: the prepared data.

    Raises:
        InputError: the codes' bank is missing or damaged, or the data is too small for the control.
    """
    if FeatureBank.exists(control.target):
        FeatureBank.open(control.target)
        return
    codes_bank = FeatureBank.open(control.codes)
    prepared = PreparedData.load(prepared_folder)
    names, sizes = codes_bank.names, codes_bank.sizes
    codes = _codes(control, prepared, codes_bank)
    if control.control == "generosity":  # one scale, however many profiles there are
        names, sizes = ("generosity",), (_quantiles(sizes),)
    elif codes.shape[1] < len(sizes):
        names, sizes = (control.control,), (math.prod(sizes),)
    users = _coded_users(control, prepared, codes_bank)
    FeatureBank.write(
        control.target,
        users,
        codes,
        names,
        sizes,
        Manifest("bank", control.key, prepared.data_hash, users.size),
        prepared.rows(TRAIN, SUPPORT)["row_id"].to_numpy(),
    )


def _codes(control: ControlBank, prepared: PreparedData, bank: FeatureBank) -> NDArray[np.int64]:
    """[U, P] codes in the order of the users who get some."""
    match control.control:
        case "shuffled":
            return drawn.shuffled(bank.lookup(_coded_users(control, prepared, bank)), control.seed)
        case "random":
            return drawn.random_codes(bank.sizes, prepared.n_users, control.seed)
        case "generosity":
            return drawn.generosity(prepared, _quantiles(bank.sizes))
        case mixture if mixture in MIXTURES:
            return MIXTURES[mixture](prepared, bank.sizes, control.seed, control.engine)
        case clusters:
            return KMEANS[clusters](prepared, bank.sizes, control.seed)


def _quantiles(sizes: Sequence[int]) -> int:
    """As many quantiles as codes have combinations, for the same bits; percentiles at most."""
    return min(math.prod(sizes), 100)


def _coded_users(control: ControlBank, prepared: PreparedData, bank: FeatureBank) -> NDArray[np.str_]:
    """[U] ids in the order of the users table; only codes of users whom the bank has can be dealt anew."""
    users = _user_ids(prepared)
    return users[bank.find(users) >= 0] if control.control == "shuffled" else users


def _user_ids(prepared: PreparedData) -> NDArray[np.str_]:
    return prepared.users["user_id"].to_numpy().astype(np.str_)
