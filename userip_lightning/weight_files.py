"""Files of weights, as torch writes them, read without running anything that they name.

A checkpoint is a pickle in a zip archive, and Python's unpickler runs what a pickle asks for. Torch's reader
of weights alone knows tensors, numbers, text and containers; whatever else a file asks for is refused.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from userip_lightning.errors import InputError


def fault(file: Path) -> str | None:
    """Why a checkpoint cannot be read, as the middle of a sentence; None where it can. Nothing of it is run.

    Every entry of the archive is compared with its CRC, and what the pickle asks for is looked at.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:
                return "it is damaged"
        torch.load(file, map_location="meta", weights_only=True)
    except OSError as error:
        return f"it cannot be opened, {error.strerror}"
    except Exception as error:  # foreign bytes make a reader trip over anything
        if "weights_only" in str(error) or "Weights only" in str(error):
            return "it asks for more than tensors, numbers, text and containers, which could run code"
        return "it is damaged, truncated, or no checkpoint"
    return None


def require_weights(file: Path, advice: str) -> None:
    """Refuse a checkpoint that is damaged or asks to run code.

    Args:
        file: the checkpoint.
        advice: what to do, as the end of a sentence.

    Raises:
        InputError: it cannot be read.
    """
    reason = fault(file)
    if reason is not None:
        raise InputError(f"{file}: this checkpoint is not read, for {reason}; {advice}.")


def read_weights(file: Path, advice: str) -> Any:
    """What a checkpoint holds; arguments and errors as :func:`require_weights`."""
    require_weights(file, advice)
    return torch.load(file, map_location="cpu", weights_only=True)
