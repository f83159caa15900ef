"""Codes for users that stage 2 did not train (Eq. 6): code space and codebooks, as a bank keeps them.

The surrogate is not needed for it, nor is any label: a new user gets the nearest code of their own z, where a
trained one may have been moved by the recommendation loss before their code was read off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from userip_lightning.arrays import read_array
from userip_lightning.errors import InputError
from userip_lightning.quantize.codebook import Codebook
from userip_lightning.quantize.projection import CodeSpace

_SPACE = ("mean", "scale", "basis")


class NearestCode(nn.Module):
    """Soft tokens to codes.

    Args:
        space: from LM space to code space.
        books: the P codebooks.
    """

    def __init__(self, space: CodeSpace, books: Sequence[Codebook]) -> None:
        super().__init__()
        self.space = space
        self.books = list(books)

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """[B, P, S, D] float32 to [B, P] int64."""
        v = self.space(z)
        return torch.stack([book.assign(v[:, p]) for p, book in enumerate(self.books)], dim=1)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All of it by file name, for :meth:`load`."""
        space = {f"space_{name}": value for name, value in self.space.named_buffers()}
        books = {f"codebook_{p}": book.embedding.detach() for p, book in enumerate(self.books)}
        return {name: value.float().cpu().numpy() for name, value in (space | books).items()}

    @staticmethod
    def load(folder: Path, profiles: int) -> NearestCode:
        """Read what :meth:`arrays` gave from the ``.npy`` files of a bank's version.

        Args:
            folder: of the version.
            profiles: P.

        Raises:
            InputError: the bank holds no codebooks, as that of a control, or a file is damaged.
        """
        if not (folder / "codebook_0.npy").is_file():
            raise InputError(
                f"{folder}: this bank holds no codebooks, a bank of the quantize stage was expected; run "
                "`userip fit` again, or check the path."
            )
        books = [_tensor(folder / f"codebook_{p}.npy") for p in range(profiles)]
        mean, scale, basis = (_tensor(folder / f"space_{name}.npy") for name in _SPACE)
        return NearestCode(_space(mean, scale, basis), [_book(values) for values in books])


def _tensor(file: Path) -> Tensor:
    """Empty where there is no such file, as the basis in LM space."""
    return torch.from_numpy(read_array(file, "f")) if file.is_file() else torch.empty(0)


def _space(mean: Tensor, scale: Tensor, basis: Tensor) -> CodeSpace:
    profiles, width = mean.shape
    space = CodeSpace(profiles, width, basis.shape[2] if len(basis) else None)
    space.load_state_dict({"mean": mean, "scale": scale} | ({"basis": basis} if len(basis) else {}))
    return space


def _book(values: Tensor) -> Codebook:
    book = Codebook(*values.shape)
    book.load_state_dict({"embedding": values})
    return book
