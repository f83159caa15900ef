"""What the paper reports (arXiv 2408.06577, Tables 2, 3 and 4): facts to put beside a measurement.

All of them are test AUC and Logloss on a random 8:1:1 split with user and item ids as the only fields besides
the codes, so they are found for such blocks alone. Table 4 repeats rows of Table 2. Every Logloss of Games is
above ln 2, which is that of no knowledge at all on balanced labels; the numbers stand as they were printed.
"""

from __future__ import annotations

from typing import NamedTuple

DATASETS = ("clothing", "movies", "games", "yelp")
SPLIT, FIELDS = "random", "ids"
#: Row label of continuous profiles in place of codes (Table 3).
WITHOUT_CODES = "DCN + z"

_Row = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

#: Method to (AUC, Logloss) per dataset of DATASETS. UserIP-DCN is UserIP-Tuning with Llama-2-7B.
_ROWS: dict[str, _Row] = {
    "FFM": ((0.5588, 0.6212), (0.7998, 0.5090), (0.6946, 0.8347), (0.6931, 0.6903)),
    "AFM": ((0.5524, 0.6181), (0.7876, 0.5656), (0.6627, 1.0342), (0.6955, 0.6836)),
    "FiBiNET": ((0.5952, 0.6198), (0.8111, 0.4659), (0.6862, 0.8823), (0.7243, 0.5621)),
    "DIFM": ((0.5935, 0.5758), (0.8054, 0.4694), (0.6897, 0.9285), (0.7174, 0.5666)),
    "AFN": ((0.5945, 0.5835), (0.8050, 0.4796), (0.7022, 0.8052), (0.7169, 0.6008)),
    "DeepFM": ((0.6015, 0.5965), (0.8061, 0.4729), (0.7221, 0.8659), (0.7017, 0.6028)),
    "AutoInt": ((0.6023, 0.6023), (0.8072, 0.4842), (0.7257, 0.8205), (0.7194, 0.6122)),
    "ONN": ((0.6094, 0.5903), (0.8121, 0.4598), (0.7223, 0.8658), (0.7253, 0.5598)),
    "PNN": ((0.6088, 0.5874), (0.8154, 0.4570), (0.7178, 0.7874), (0.7287, 0.5574)),
    "DCNv2": ((0.6148, 0.5848), (0.8134, 0.4643), (0.7263, 0.7991), (0.7237, 0.5704)),
    "DCN": ((0.6214, 0.5322), (0.8167, 0.4582), (0.7317, 0.7744), (0.7259, 0.5590)),
    "KAR": ((0.6003, 0.5925), (0.8058, 0.4885), (0.7136, 0.8679), (0.7146, 0.5849)),
    "PEPLER": ((0.6101, 0.5726), (0.8095, 0.4726), (0.7188, 0.8347), (0.7227, 0.5784)),
    "ReLLa": ((0.6214, 0.5320), (0.8099, 0.4721), (0.7322, 0.7814), (0.7290, 0.5587)),
    "UserIP-GPT2": ((0.6234, 0.5319), (0.8179, 0.4571), (0.7329, 0.7801), (0.7311, 0.5562)),
    "UserIP-Llama2": ((0.6269, 0.5126), (0.8184, 0.4566), (0.7393, 0.7285), (0.7314, 0.5558)),
    "UserIP-DCN": ((0.6269, 0.5126), (0.8184, 0.4566), (0.7393, 0.7285), (0.7314, 0.5558)),
    "UserIP-PNN": ((0.6137, 0.5383), (0.8159, 0.4566), (0.7208, 0.8076), (0.7284, 0.5578)),
    "UserIP-ONN": ((0.6140, 0.5021), (0.8098, 0.4626), (0.7289, 0.8395), (0.7246, 0.5613)),
    "UserIP-DCNv2": ((0.6263, 0.5125), (0.8180, 0.4544), (0.7324, 0.8625), (0.7308, 0.5569)),
    WITHOUT_CODES: ((0.6201, 0.5577), (0.7966, 0.4636), (0.7340, 0.8429), (0.7277, 0.5511)),
}


class PaperFigure(NamedTuple):
    """One cell of the paper's tables."""

    auc: float
    logloss: float


def paper_figure(dataset: str, split: str, fields: str, method: str) -> PaperFigure | None:
    """The paper's figure for a method, None where it has none; the case of the names does not matter."""
    if dataset.lower() not in DATASETS or (split, fields) != (SPLIT, FIELDS):
        return None
    for name, row in _ROWS.items():
        if name.lower() == method.lower():
            return PaperFigure(*row[DATASETS.index(dataset.lower())])
    return None
