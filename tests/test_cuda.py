"""Every stage on CUDA: as on the CPU in float32, twice alike, and resumed.

Skipped where there is no CUDA. ``USERIP_CUDA_TESTS_ON=cpu`` runs the same tests on the CPU, which shows that
they run, and no more. Where random numbers differ by device (dropout, a start drawn there), what is
compared is what they should not change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from tests.catalogue.planted import CLASSES, ITEMS
from tests.catalogue.planted import planted as events_of
from tests.controls.test_simple import planted as implicit_log
from tests.data.make_tiny import TINY
from tests.profile.runner import Run
from tests.quantize.conftest import Planted, plant  # noqa: F401  # a fixture
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.soft_token_module import SoftTokenModule
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.data.labels import Implicit
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources import synthesize
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.lm.hidden_states import HiddenStateEncoder
from userip_lightning.lm.source import LMSource
from userip_lightning.quantize.module import QuantizeModule
from userip_lightning.texts.source import NoText

ON = os.environ.get("USERIP_CUDA_TESTS_ON", "gpu")
pytestmark = pytest.mark.skipif(ON == "gpu" and not torch.cuda.is_available(), reason="no CUDA device here")

WORDS = ["red rose garden", "old map sea", "tea and cake", "robot war star"]
TEXTS = [f"{WORDS[item % CLASSES]} {item}" for item in range(ITEMS)]


def trainer(
    folder: Path,
    epochs: int,
    on: str = ON,
    precision: Any = "32-true",
    callbacks: list[Callback] | None = None,
) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        max_epochs=epochs,
        accelerator=on,
        devices=1,
        precision=precision,
        logger=False,
        callbacks=[ModelCheckpoint(folder, save_last=True, save_top_k=0), *(callbacks or [])],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


@pytest.fixture
def as_cpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Calls something as if the machine had no CUDA device."""

    def call(work: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(torch.cuda, "is_available", lambda: False)
            patch.setattr(torch.cuda, "device_count", lambda: 0)  # what Lightning asks
            return work()

    return call


class TestPerUserEngine:
    @pytest.fixture(scope="class")
    def run(self, tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> Run:
        source = MovieLens100K(str(TINY / "ml-100k"))
        cache = tmp_path_factory.mktemp("prepared")
        return Run(Preparation(source, k_core=2).run(cache, report=lambda _: None), tiny_llama)

    @staticmethod
    def infer(
        run: Run,
        folder: Path,
        on: str = ON,
        precision: str = "32-true",
        dtype: str = "float32",
        epochs: int = 2,
    ) -> tuple[NDArray[np.float32], float]:
        """Soft tokens, and held-out nats per token under them."""
        module, data = run.module(lm=LMSource(run.lm.name, dtype=dtype)), run.data()
        work = trainer(folder, epochs, on, precision)
        work.fit(module, datamodule=data)
        work.test(module, datamodule=data, verbose=False)
        return module.all_vectors(), float(work.callback_metrics["profile/test_own"])

    @pytest.mark.parametrize(
        ("precision", "dtype", "share", "nats"),
        [
            ("32-true", "float32", 0.02, 1e-3),
            ("bf16-mixed", "float32", 0.25, 0.02),
            ("bf16-true", "float32", 0.25, 0.02),
            ("32-true", "bfloat16", 0.25, 0.02),
        ],
    )
    def test_users_move_as_on_the_cpu_in_float32(
        self, run: Run, tmp_path: Path, precision: str, dtype: str, share: float, nats: float
    ) -> None:
        """Adam's first steps are as long as its rate, so an entry differs where a gradient's sign does."""
        exact, near = self.infer(run, tmp_path / "exact", "cpu")
        z, found = self.infer(run, tmp_path / "found", ON, precision, dtype)
        start, _ = self.infer(run, tmp_path / "start", "cpu", epochs=0)
        assert z.dtype == np.float32
        assert found == pytest.approx(near, abs=nats)
        assert np.linalg.norm(z - exact) < share * np.linalg.norm(exact - start)

    def test_two_runs_are_equal(self, run: Run, tmp_path: Path) -> None:
        first, second = (self.infer(run, tmp_path / name)[0] for name in ("first", "second"))
        assert np.array_equal(first, second)

    def test_a_resumed_run_equals_one_that_was_not_interrupted(self, run: Run, tmp_path: Path) -> None:
        whole, _ = self.infer(run, tmp_path / "whole")
        trainer(tmp_path / "cut", 1).fit(run.module(), datamodule=run.data())
        module = run.module()
        trainer(tmp_path / "on", 2).fit(
            module, datamodule=run.data(), ckpt_path=tmp_path / "cut" / "last.ckpt"
        )
        assert np.array_equal(module.all_vectors(), whole)


class TestCatalogueEngine:
    @pytest.mark.parametrize(("dtype", "share"), [("float32", 1e-4), ("bfloat16", 0.03)])
    def test_hidden_states_are_those_of_the_cpu_in_float32(
        self, tiny_llama: Path, as_cpu: Callable[..., Any], dtype: Any, share: float
    ) -> None:
        def states(of: Any) -> Any:
            return HiddenStateEncoder(LMSource(str(tiny_llama), dtype=of), 1).encode(TEXTS)

        exact, found = as_cpu(lambda: states("float32")), states(dtype)
        assert np.linalg.norm(found - exact) < share * np.linalg.norm(exact)

    def test_codes_are_those_of_the_cpu_and_a_resumed_run_has_them_too(self, tmp_path: Path) -> None:
        log = implicit_log(tmp_path / "log", Implicit())

        def fit(on: str, epochs: int, resume: Path | None = None) -> CatalogueModule:
            module = CatalogueModule({"hobby": 2, "background": 2}, warm=5, race=8)
            data = CatalogueDataModule(str(log.path), NoText(), block_users=40)
            trainer(tmp_path / f"{on}{epochs}{resume is not None}", epochs, on).fit(
                module, datamodule=data, ckpt_path=resume
            )
            return module

        exact, found = fit("cpu", 12), fit(ON, 12)
        fit(ON, 6)
        resumed = fit(ON, 12, tmp_path / f"{ON}6False" / "last.ckpt")
        for module in (found, resumed):
            assert np.array_equal(module.table.evidence, exact.table.evidence)


class TestLikelihoodPrior:
    class Events:
        """Of a planted log."""

        counts = events_of().counts
        explicit = False

    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))

    def learn(self, lm: Path, work: Path, dtype: Any = "float32") -> NDArray[np.float64]:
        """The table [ITEMS, 4]."""
        work.mkdir(exist_ok=True)
        source = Likelihood(
            LMSource(str(lm), dtype=dtype), sizes=(2, 2), steps=20, exact=None, rate=0.5, layer=1
        )
        return source.learn(TEXTS, self.Events(), work)

    @pytest.mark.parametrize(("dtype", "least"), [("float32", 0.9999), ("bfloat16", 0.95)])
    def test_the_table_is_that_of_the_cpu_in_float32(
        self, tiny_llama: Path, tmp_path: Path, as_cpu: Callable[..., Any], dtype: str, least: float
    ) -> None:
        """By correlation of all entries, after twenty steps of soft tokens."""
        exact = as_cpu(lambda: self.learn(tiny_llama, tmp_path / "exact"))
        found = self.learn(tiny_llama, tmp_path / "found", dtype)
        assert np.corrcoef(exact.ravel(), found.ravel())[0, 1] > least

    def test_two_runs_are_equal(self, tiny_llama: Path, tmp_path: Path) -> None:
        first, second = (self.learn(tiny_llama, tmp_path / name) for name in ("first", "second"))
        assert np.array_equal(first, second)

    def test_a_resumed_run_equals_one_that_was_not_interrupted(
        self, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, step, taken = self.learn(tiny_llama, tmp_path / "whole"), SoftTokenModule.training_step, 0

        def dies(module: SoftTokenModule, batch: Any, batch_idx: int) -> torch.Tensor:
            nonlocal taken
            taken += 1
            if taken > 15:
                raise RuntimeError("power cut")
            return step(module, batch, batch_idx)

        with monkeypatch.context() as patch:
            patch.setattr(SoftTokenModule, "training_step", dies)
            with pytest.raises(RuntimeError, match="power cut"):
                self.learn(tiny_llama, tmp_path / "cut")
        assert np.array_equal(self.learn(tiny_llama, tmp_path / "cut"), whole)


class Stop(Callback):
    """Ends a run after two epochs, as a kill after its checkpoint would."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch == 1


class TestQuantize:
    @staticmethod
    def fit(
        planted: Planted,
        folder: Path,
        epochs: int,
        precision: str = "32-true",
        resume: Path | None = None,
        callbacks: list[Callback] | None = None,
    ) -> QuantizeModule:
        module = QuantizeModule({"hobby": 2}, code_dim=4)
        work = trainer(folder, epochs, ON, precision, callbacks)
        work.fit(module, planted.datamodule(), ckpt_path=resume)
        return module

    @pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
    def test_planted_users_are_found(
        self,
        plant: Callable[..., Planted],  # noqa: F811  # the fixture
        tmp_path: Path,
        precision: str,
    ) -> None:
        planted = plant(taste=False)
        codes = self.fit(planted, tmp_path, 12, precision).codes[:, 0].cpu().numpy()
        assert adjusted_rand_score(planted.latent, codes) > 0.8

    def test_two_runs_and_a_resumed_one_are_equal(
        self,
        plant: Callable[..., Planted],  # noqa: F811  # the fixture
        tmp_path: Path,
    ) -> None:
        planted = plant()
        first, second = (self.fit(planted, tmp_path / name, 4) for name in ("first", "second"))
        # of four epochs, as codebooks stand still in the last ones of however many there are
        self.fit(planted, tmp_path / "cut", 4, callbacks=[Stop()])
        resumed = self.fit(planted, tmp_path / "on", 4, resume=tmp_path / "cut" / "last.ckpt")
        for other in (second, resumed):
            assert torch.equal(first.codes.cpu(), other.codes.cpu())
            assert torch.equal(first.users.weight.cpu(), other.users.weight.cpu())


class TestCTR:
    @pytest.fixture(scope="class")
    def log(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        source = synthesize.Planted(users=60, rows_per_user=16)
        return Preparation(source).run(tmp_path_factory.mktemp("ctr"), lambda _: None)

    @staticmethod
    def fit(
        log: Path,
        folder: Path,
        on: str = ON,
        precision: str = "32-true",
        epochs: int = 3,
        resume: Path | None = None,
        dropout: float = 0.0,
    ) -> NDArray[np.float32]:
        """Probabilities of the validation rows. All start from weights that were drawn on the CPU."""
        data, module = CTRDataModule(str(log), batch_size=64), CTRModule(DCN)
        torch.manual_seed(0)
        module.network = DCN(data.feature_schema, dropout=dropout)
        trainer(folder, epochs, on, precision).fit(module, datamodule=data, ckpt_path=resume)
        rows = next(iter(CTRDataModule(str(log), batch_size=1 << 20).val_dataloader()))
        module.to("cpu").float().eval()
        with torch.no_grad():
            return module(rows.fields).sigmoid().numpy()

    @pytest.mark.parametrize(
        ("precision", "most"), [("32-true", 1e-3), ("bf16-mixed", 0.03)], ids=["float32", "bf16-mixed"]
    )
    def test_probabilities_are_those_of_the_cpu_in_float32(
        self, log: Path, tmp_path: Path, precision: str, most: float
    ) -> None:
        """The largest difference, after three epochs without dropout."""
        exact = self.fit(log, tmp_path / "exact", "cpu")
        assert np.abs(self.fit(log, tmp_path / "found", ON, precision) - exact).max() < most
        assert exact.std() > 0.01  # something was learned

    def test_two_runs_and_a_resumed_one_are_equal(self, log: Path, tmp_path: Path) -> None:
        first, second = (self.fit(log, tmp_path / name, dropout=0.2) for name in ("first", "second"))
        self.fit(log, tmp_path / "cut", epochs=1, dropout=0.2)
        resumed = self.fit(log, tmp_path / "on", resume=tmp_path / "cut" / "last.ckpt", dropout=0.2)
        assert np.array_equal(first, second)
        assert np.array_equal(first, resumed)
