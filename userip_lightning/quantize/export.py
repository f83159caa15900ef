"""Leaves stage 2: the codes of all users become a feature bank that a CTR model can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from userip_lightning.artifact import Manifest, stable_hash
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.quantize.codebook import Codebook
from userip_lightning.quantize.monitor import usage
from userip_lightning.quantize.nearest import NearestCode
from userip_lightning.quantize.quantizer import Quantizer

if TYPE_CHECKING:
    from userip_lightning.quantize.datamodule import QuantizeDataModule


def refuse_unused(codes: Tensor, books: Sequence[Codebook], names: Sequence[str]) -> None:
    """Refuse codes that no user has: a field value that a CTR model would never learn.

    Args:
        codes: [U, P] int64.
        books: the P codebooks.
        names: the P profile names.

    Raises:
        InputError: a code has no user.
    """
    for p, (name, book) in enumerate(zip(names, books, strict=True)):
        unused = (usage(codes[:, p], book.size) == 0).nonzero().flatten().tolist()
        if unused:
            raise InputError(
                f"profile {name!r}: codes {unused} of {book.size} have no user, expected at least one each; "
                "lower its size, train longer, or set quantize.model.allow_unused."
            )


def write_bank(
    path: Path, codes: Tensor, quantizer: Quantizer, data: QuantizeDataModule, config_hash: str | None
) -> Path:
    """Write the bank, with what gives codes to further users.

    Args:
        path: its folder.
        codes: [U, P] int64, users in the order of the profiles.
        quantizer: code space and codebooks.
        data: where the profiles came from.
        config_hash: hash of the settings that made the codes; of profiles and codebooks where None.

    Returns:
        The folder of the version that was written.
    """
    source, books = data.manifest, quantizer.books()
    content = [source.config_hash, [book.embedding.tolist() for book in books]]
    manifest = Manifest(
        kind="bank",
        config_hash=config_hash or stable_hash(content),
        data_hash=source.data_hash,
        users=len(codes),
        lm=source.lm,
        prompt_hash=source.prompt_hash,
    )
    profiles, sizes = data.profiles, [book.size for book in books]
    return FeatureBank.write(
        path,
        profiles.user_ids,
        codes.cpu().numpy(),
        profiles.names,
        sizes,
        manifest,
        data.rows_seen,
        NearestCode(quantizer.space, books).arrays(),
    )
