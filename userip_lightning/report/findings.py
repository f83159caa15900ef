"""What a table or figure of the paper found, in one sentence, and what the paper says it found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.plural import plural
from userip_lightning.report.block import Block
from userip_lightning.report.notation import delta
from userip_lightning.report.row import MEASURED, row_label


class Claim(NamedTuple):
    """What a table or figure is about, and the paper's finding."""

    about: str
    finding: str


#: The paper's (arXiv 2408.06577), by the name that `userip reproduce` has for them.
CLAIMS = {
    "table1": Claim(
        "The data sets", "Four data sets of 2,490 to 38,764 users, 99.20 to 99.98 % of all pairs unseen."
    ),
    "table2": Claim(
        "Every network without and with codes, and language-model baselines",
        "Codes have the best AUC and Logloss on all four data sets: 0.0017 to 0.0076 AUC over DCN alone.",
    ),
    "table3": Claim(
        "Continuous profiles in place of codes",
        "Without quantization AUC is 0.0037 to 0.0218 below that of the codes.",
    ),
    "table4": Claim(
        "Codes of one surrogate, fed to other networks",
        "Codes trained with DCN raise the AUC of PNN, ONN and DCNv2 in 9 of 12 cases, by up to 0.0115.",
    ),
    "table5": Claim(
        "Words nearest to a user's soft tokens",
        "Words of two users of Games are named: Gotham, Batman, Spectrum, Viper for the hobby of one.",
    ),
    "table6": Claim(
        "Seconds per 10,000 instances, end to end",
        "DCN 0.93 s, codes 1.21 s (1.30 x), KAR 4.78 s (5.14 x); AUC 0.7639, 0.7997 and 0.7866.",
    ),
    "fig5": Claim(
        "A growing codebook of the hobby", "AUC falls and Logloss rises as the hobby codebook grows."
    ),
    "fig6": Claim(
        "A growing codebook of the background", "The smallest background codebook, of 3 codes, is the best."
    ),
    "fig7": Claim(
        "Attention between soft tokens and words, before and after tuning",
        "Attention falls on filler words and rises on content words (Gotham, Stealth, Shooting, Action).",
    ),
}


def found(table: str, blocks: tuple[Block, ...]) -> str:
    """One sentence about the blocks of a judged table or figure.

    Args:
        table: table2, table3, table4, fig5 or fig6.
        blocks: as they were judged.
    """
    one_dataset = len({block.dataset for block in blocks}) == 1
    said = []
    for block in blocks:
        about = _SENTENCES[table](block)
        said.append(f"{block.split if one_dataset else block.name}: {about or 'nothing could be compared'}")
    return f"{'; '.join(said)}."


def _networks(block: Block) -> str:
    """Marks of all networks, then the one that has controls."""
    rows = block.table.filter((pl.col("group") == "userip") & pl.col("mark").is_not_null())
    if rows.is_empty():
        return ""
    marks = rows["mark"]
    text = f"codes gain in {(marks == 'better').sum()} and lose in {(marks == 'worse').sum()} of "
    text += plural(rows.height, "network")
    held = next((one for one in block.verdicts if one.controls), None)
    if held is None:
        return text
    against = {row["against"]: row for row in held.contrasts.to_dicts()}
    best = against.get(held.best_control or "")
    text += f", {held.method} by ΔAUC {delta(next(iter(against.values())), 'auc')}"
    return text if best is None else f"{text}, and {delta(best, 'auc')} over {held.best_control}"


def _profiles(block: Block) -> str:
    """Every row with codes or profiles, over no codes."""
    rows = _compared(block)
    return " and ".join(f"{row_label(row)} ΔAUC {delta(row, 'auc')} over {row['against']}" for row in rows)


def _transfer(block: Block) -> str:
    """Networks that did not train the codes."""
    rows = _compared(block)
    others = [row for row in rows if row["network"] != rows[0]["network"]]
    if not others:
        return ""
    gained = sum(row["delta_auc"] > 0 for row in others)
    sure = sum(row["mark"] == "better" for row in others)
    return f"AUC rises in {gained} of {plural(len(others), 'other network')}, {sure} of these marked ▲"


def _sizes(block: Block) -> str:
    """The smallest and the largest codebook of the profile that grows."""
    rows = [{**row, "sizes": json.loads(row["sizes"])} for row in _compared(block)]
    grown = (
        [name for name in rows[0]["sizes"] if len({row["sizes"][name] for row in rows}) > 1] if rows else []
    )
    if not grown:
        return ""
    rows.sort(key=lambda row: row["sizes"][grown[0]])
    ends = (f"{delta(row, 'auc')} with {row['sizes'][grown[0]]}" for row in (rows[0], rows[-1]))
    return f"ΔAUC over no codes {' and '.join(ends)} codes of {grown[0]}"


def _compared(block: Block) -> list[dict[str, Any]]:
    """Measured rows with codes that were held against their network, in order."""
    rows = block.table.filter(
        (pl.col("group") == "userip") & (pl.col("status") == MEASURED), pl.col("delta_auc").is_not_null()
    )
    return rows.to_dicts()


_SENTENCES: dict[str, Callable[[Block], str]] = {
    "table2": _networks,
    "table3": _profiles,
    "table4": _transfer,
    "fig5": _sizes,
    "fig6": _sizes,
}
