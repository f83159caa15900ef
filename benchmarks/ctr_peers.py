"""DCN and DeepFM of deepctr-torch, torch-rechub and fuxictr, each in its own loop and with its own loader.

Optimizer and regularisation are those that the library has by default (Adam, learning rate 1e-3). fuxictr
ships layers and a training loop, but no DCN and no DeepFM: both are put together here from its layers, as its
documentation shows it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contender import CROSS_LAYERS, DROPOUT, HIDDEN, WIDTH, Contender, Library, Network, Rows


def peers() -> list[Library]:
    """The three libraries; one that cannot be imported has nothing to build."""
    return [
        _library("deepctr-torch", "deepctr_torch.models", DeepCTR),
        _library("torch-rechub", "torch_rechub.trainers", TorchRechub),
        _library("fuxictr", "fuxictr.pytorch.models", FuxiCTR),
    ]


def _library(package: str, module: str, build: Callable[[Network, Rows, int], Contender]) -> Library:
    try:
        importlib.import_module(module)
    except ImportError as error:
        return Library(package, f"pip install {package} ({error})", None)
    return Library(f"{package} {importlib.metadata.version(package)}", f"pip install {package}", build)


class DeepCTR:
    """deepctr-torch: ``fit`` and ``predict`` of its BaseModel."""

    def __init__(self, network: Network, rows: Rows, batch_size: int) -> None:
        from deepctr_torch import models
        from deepctr_torch.inputs import SparseFeat

        columns = [SparseFeat(name, size, WIDTH) for name, size in zip(rows.names, rows.sizes, strict=True)]
        shared = {"dnn_hidden_units": HIDDEN, "dnn_dropout": DROPOUT, "device": "cpu"}
        with _silence():
            if network == "DCN":
                self.model = models.DCN(columns, columns, cross_num=CROSS_LAYERS, **shared)
            else:
                self.model = models.DeepFM(columns, columns, **shared)
        self.model.compile("adam", "binary_crossentropy", metrics=[])
        self.x = dict(zip(rows.names, rows.fields.T.copy(), strict=True))
        self.y, self.batch_size = rows.label[:, None], batch_size

    def train(self, epochs: int) -> None:
        with _silence():
            self.model.fit(self.x, self.y, batch_size=self.batch_size, epochs=epochs, verbose=0)

    def score(self) -> None:
        self.model.predict(self.x, self.batch_size)


class TorchRechub:
    """torch-rechub: its CTRTrainer and its data sets."""

    def __init__(self, network: Network, rows: Rows, batch_size: int) -> None:
        from torch_rechub.basic.features import SparseFeature
        from torch_rechub.models import ranking
        from torch_rechub.trainers import CTRTrainer
        from torch_rechub.utils.data import TorchDataset

        pairs = zip(rows.names, rows.sizes, strict=True)
        features = [SparseFeature(name, vocab_size=size, embed_dim=WIDTH) for name, size in pairs]
        mlp = {"dims": HIDDEN, "dropout": DROPOUT}
        if network == "DCN":
            model = ranking.DCN(features, n_cross_layers=CROSS_LAYERS, mlp_params=mlp)
        else:
            model = ranking.DeepFM(features, features, mlp_params=mlp)
        data = TorchDataset(dict(zip(rows.names, rows.fields.T.copy(), strict=True)), rows.label)
        self.shuffled = torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True)
        self.in_order = torch.utils.data.DataLoader(data, batch_size=batch_size)
        self.folder = tempfile.TemporaryDirectory()
        self.trainer = CTRTrainer(model, n_epoch=1, model_path=self.folder.name)

    def train(self, epochs: int) -> None:
        self.trainer.n_epoch = epochs
        with _silence():
            self.trainer.fit(self.shuffled)

    def score(self) -> None:
        with _silence():
            self.trainer.predict(self.trainer.model, self.in_order)


class FuxiCTR:
    """fuxictr: its BaseModel's loop and its loader of ``.npz`` files."""

    def __init__(self, network: Network, rows: Rows, batch_size: int) -> None:
        from fuxictr.features import FeatureMap
        from fuxictr.pytorch.dataloaders.npz_dataloader import NpzDataLoader

        self.folder = tempfile.TemporaryDirectory()
        features = FeatureMap("rows", self.folder.name)
        for name, size in zip(rows.names, rows.sizes, strict=True):
            features.features[name] = {"type": "categorical", "vocab_size": size, "source": ""}
        features.labels, features.num_fields = ["label"], len(rows.names)
        features.default_emb_dim = WIDTH
        features.set_column_index()
        file = str(Path(self.folder.name) / "rows.npz")
        np.savez(file, label=rows.label, **dict(zip(rows.names, rows.fields.T, strict=True)))
        self.shuffled = NpzDataLoader(features, file, batch_size=batch_size, shuffle=True, num_workers=0)
        self.in_order = NpzDataLoader(features, file, batch_size=batch_size, num_workers=0)
        self.model = _fuxictr_model(network, features, self.folder.name)

    def train(self, epochs: int) -> None:
        # The part of its fit() that trains: fit() insists on validating and on a checkpoint at its end.
        for _ in range(epochs):
            self.model.train_epoch(self.shuffled)

    def score(self) -> None:
        self.model.predict(self.in_order)


def _fuxictr_model(network: Network, features: Any, folder: str) -> Any:
    """A ready model of fuxictr."""
    from fuxictr.pytorch import layers
    from fuxictr.pytorch.models import BaseModel

    class Model(BaseModel):  # type: ignore[misc]  # fuxictr has no types
        def __init__(self) -> None:
            settings = {"verbose": 0, "model_root": folder, "metrics": ["AUC"], "eval_steps": 2**62}
            super().__init__(features, model_id=network, gpu=-1, **settings)
            width = WIDTH * features.num_fields
            self.embedding = layers.FeatureEmbedding(features, WIDTH)
            scalar = None if network == "DCN" else 1
            self.deep = layers.MLP_Block(width, HIDDEN, output_dim=scalar, dropout_rates=DROPOUT)
            if network == "DCN":
                self.cross = layers.CrossNet(width, CROSS_LAYERS)
                self.output = torch.nn.Linear(width + HIDDEN[-1], 1)
            else:
                self.machine = layers.FactorizationMachine(features)
            self.compile("adam", "binary_crossentropy", lr=1e-3)
            self.reset_parameters()
            self._stop_training, self._total_steps, self._max_gradient_norm = False, 0, 10.0

        def forward(self, inputs: Any) -> dict[str, torch.Tensor]:
            x = self.get_inputs(inputs)
            embeddings = self.embedding(x)
            flat = embeddings.flatten(start_dim=1)
            if network == "DCN":
                logit = self.output(torch.cat([self.cross(flat), self.deep(flat)], dim=-1))
            else:
                logit = self.machine(x, embeddings) + self.deep(flat)
            return {"y_pred": self.output_activation(logit)}

    return Model()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Two of the libraries talk while they train."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield
