"""Checkpoints that are damaged or ask to run code, where they are read."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from userip_lightning.errors import InputError
from userip_lightning.pipeline.resume import LAST, resume_point
from userip_lightning.weight_files import fault, read_weights

STATE = {"state_dict": {"weight": torch.arange(1000.0)}, "epoch": 3}


class Runs:
    """Makes a folder when it is unpickled as Python does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(STATE, tmp_path / LAST)
    return tmp_path / LAST


def test_a_sound_checkpoint_is_read(checkpoint: Path) -> None:
    found = read_weights(checkpoint, "advice")
    assert torch.equal(found["state_dict"]["weight"], STATE["state_dict"]["weight"])
    assert found["epoch"] == 3


def test_one_that_asks_to_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    file, made = tmp_path / LAST, tmp_path / "made"
    torch.save({"state_dict": {}, "evil": Runs(made)}, file)
    with pytest.raises(InputError, match=r"last\.ckpt: .* could run code; delete it\."):
        read_weights(file, "delete it")
    plain = tmp_path / "plain.ckpt"
    plain.write_bytes(pickle.dumps(Runs(made)))
    assert fault(plain) is not None
    notices: list[str] = []
    assert resume_point(tmp_path, notices.append) is None
    assert len(notices) == 1
    assert not made.exists()
    assert not file.exists()


@pytest.mark.parametrize("size", [0, 1, 100, -1, -50])
def test_a_truncated_one(size: int, checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:size])
    with pytest.raises(InputError, match="it is damaged, truncated, or no checkpoint; advice"):
        read_weights(checkpoint, "advice")


def test_every_flipped_byte_is_noticed_or_harmless(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    for at in range(0, len(whole), 97):
        checkpoint.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        if fault(checkpoint) is None:
            found = torch.load(checkpoint, weights_only=True)
            assert torch.equal(found["state_dict"]["weight"], STATE["state_dict"]["weight"])


def test_random_bytes_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "random").write_bytes(os.urandom(5000))
    assert fault(tmp_path / "random") == "it is damaged, truncated, or no checkpoint"
    assert fault(tmp_path / "none") == "it cannot be opened, No such file or directory"
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("data.pkl", "no pickle")
    assert fault(tmp_path / "zip") == "it is damaged, truncated, or no checkpoint"
