"""PEPLER's two stages of tuning: prompts under a frozen LM, then prompts and LM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from userip_lightning.artifact import Manifest, stable_hash
from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.baselines.pepler.data import PEPLERDataModule
from userip_lightning.baselines.pepler.explanations import Explanations
from userip_lightning.baselines.pepler.network import PROMPTS, PEPLERNetwork
from userip_lightning.baselines.pepler.rows import PEPLERBatch
from userip_lightning.baselines.pepler.texts import decode
from userip_lightning.ctr.export import write_ctr
from userip_lightning.ctr.judged_module import JudgedModule
from userip_lightning.ctr.scored import Scored
from userip_lightning.errors import InputError
from userip_lightning.lm.plain_logits import refuse_changed_logits
from userip_lightning.lm.source import LMSource, resolve_dtype

#: Weights that are tuned move by less than bfloat16 can tell; ``trainer.precision`` makes products cheap.
TUNED_LM = LMSource(dtype="float32")
_LM_KEYS = "network.lm."


class PEPLERModule(JudgedModule):
    """Continuous prompts that explain and score.

    The LM is in checkpoints once it is tuned, and with it a run resumes as if it had never stopped. A
    Trainer that may stop early has to be told ``min_epochs``, or stage two might never begin.

    Args:
        lm: the language model; ``float32`` where it is to be tuned.
        optimizer: builds the optimizer, a fresh one for each stage.
        frozen_epochs: epochs of stage one. With as many as the Trainer's the LM is never tuned.
        lm_rate: learning rate of the LM over that of the prompts; the authors have one for both.
        click_weight: weight of the mean cross-entropy of clicks.
        text_weight: weight of the mean negative log-likelihood of the texts' tokens.

    Raises:
        InputError: a negative number.
    """

    network: PEPLERNetwork

    def __init__(
        self,
        lm: LMSource = TUNED_LM,
        optimizer: OptimizerCallable = lambda params: AdamW(params, lr=0.001),
        frozen_epochs: int = 10,
        lm_rate: float = 1.0,
        click_weight: float = 0.01,
        text_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if frozen_epochs < 0:
            raise InputError(f"model.frozen_epochs is {frozen_epochs}; give a number of epochs, 0 or more.")
        if not all(0 <= number < np.inf for number in (lm_rate, click_weight, text_weight)):
            raise InputError("model: lm_rate, click_weight and text_weight are from 0 up; correct them.")
        self.strict_loading = False  # the frozen LM is in no checkpoint
        self.lm = lm
        self.optimizer = optimizer
        self.frozen_epochs = frozen_epochs
        self.lm_rate = lm_rate
        self.click_weight = click_weight
        self.text_weight = text_weight
        self._tuned = False
        self._losses: dict[str, list[Tensor]] = {"text": [], "click": []}
        self._nats: list[Tensor] = []
        self._explanations = Explanations()
        self.register_state_dict_post_hook(_drop_frozen)  # type: ignore[no-untyped-call]  # torch lacks the type

    @property
    def data(self) -> PEPLERDataModule:
        """The DataModule at work."""
        found = self.trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it untyped
        assert isinstance(found, PEPLERDataModule)
        return found

    @property
    def tuned(self) -> bool:
        """Whether the LM's weights are no longer those of its source."""
        return self._tuned

    # ---- stages

    def setup(self, stage: str) -> None:
        """Refuse a Trainer that would not do both stages as they are.

        Raises:
            InputError: several processes; a quantised or 16-bit LM that is to be tuned; early stopping that
                could skip stage two.
        """
        if self.trainer.world_size > 1:
            raise InputError("trainer.devices: PEPLER runs in one process; set it to 1.")
        if stage != "fit" or 0 <= (self.trainer.max_epochs or 0) <= self.frozen_epochs:
            return
        if self.lm.quantization != "none" or resolve_dtype(self.lm.dtype) != torch.float32:
            raise InputError(
                "model.lm: the language model is tuned once model.frozen_epochs are over, in float32; "
                "set dtype to 'float32' and quantization to 'none', or frozen_epochs to trainer.max_epochs."
            )
        if self._stops() and (self.trainer.min_epochs or 0) <= self.frozen_epochs:
            raise InputError(
                "trainer.min_epochs: early stopping could end training before the language model is tuned; "
                f"set it to {self.frozen_epochs + 1} or more (model.frozen_epochs is {self.frozen_epochs})."
            )

    def configure_model(self) -> None:
        """Load the LM and start the prompts; Lightning calls this before it loads a checkpoint.

        Raises:
            InputError: the LM cannot be loaded, changes its logits, or its context is too short.
        """
        if hasattr(self, "network"):
            return
        lm = load_language_model(self.lm)
        refuse_changed_logits(self.lm.name, lm.config)
        longest = PROMPTS + self.data.tokens
        # Bloom and MPT count without an end
        context = int(getattr(lm.config.get_text_config(), "max_position_embeddings", longest))
        if longest > context:
            raise InputError(
                f"data.tokens: prompts and {self.data.tokens} tokens take {longest} places, the language "
                f"model reads {context}; lower it."
            )
        torch.manual_seed(self.data.seed)
        self.network = PEPLERNetwork(lm, self.data.users, self.data.items)

    def configure_optimizers(self) -> Optimizer:
        """Prompts; in stage two the LM too, as a second group."""
        lm = list(self.network.lm.parameters())
        theirs = {id(weight) for weight in lm}
        optimizer = self.optimizer([w for w in self.network.parameters() if id(w) not in theirs])
        if self._tuned:
            rate = optimizer.param_groups[0]["lr"] * self.lm_rate
            optimizer.add_param_group({"params": lm, "lr": rate})
        return optimizer

    def train(self, mode: bool = True) -> PEPLERModule:
        """A frozen LM stays in eval mode; a tuned one has the dropout of its configuration."""
        super().train(mode)
        if hasattr(self, "network"):
            self.network.lm.train(mode and self._tuned)
        return self

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Be in the stage of the checkpoint, before Lightning loads weights and builds the optimizer."""
        in_checkpoint = any(key.startswith(_LM_KEYS) for key in checkpoint["state_dict"])
        if self._tuned and not in_checkpoint:
            self.network.lm.load_state_dict(load_language_model(self.lm).state_dict())
        self._tune(in_checkpoint)

    def on_train_epoch_start(self) -> None:
        if self.current_epoch >= self.frozen_epochs and not self._tuned:
            self._tune(True)
            self.trainer.strategy.setup_optimizers(self.trainer)
            self.trainer.should_stop = False  # stage two has yet to show whether it improves
            for stop in self._stops():
                stop.wait_count = 0
        super().on_train_epoch_start()

    # ---- steps

    def forward(self, batch: PEPLERBatch) -> Tensor:
        """Rows → [N] logits of a click."""
        return self.network.score(batch.user, batch.item)

    def training_step(self, batch: PEPLERBatch) -> Tensor:
        """The weighted sum of both losses; rows without a text have their click alone."""
        click = F.binary_cross_entropy_with_logits(self(batch), batch.label)
        self._losses["click"].append(click.detach())
        loss = self.click_weight * click
        if len(batch.told):
            text = self._text_nats(batch).mean()
            self._losses["text"].append(text.detach())
            loss = loss + self.text_weight * text
        return loss

    def on_train_epoch_end(self) -> None:
        for name, losses in self._losses.items():
            if losses:
                self.log(f"train/{name}_loss", torch.stack(losses).mean())
            losses.clear()

    def on_validation_epoch_start(self) -> None:
        self.network.average_unknown()

    def on_predict_epoch_start(self) -> None:
        self.network.average_unknown()

    def on_test_epoch_start(self) -> None:
        self.network.average_unknown()
        self._explanations = Explanations()

    def validation_step(self, batch: PEPLERBatch) -> None:
        super().validation_step(batch)
        self._keep_nats(batch)

    def test_step(self, batch: PEPLERBatch) -> None:
        super().test_step(batch)
        self._keep_nats(batch)
        if not len(batch.told):
            return
        tokenizer, found = self.data.tokenizer, self._explanations
        user, item = batch.user[batch.told], batch.item[batch.told]
        written = self.network.explain(user, item, self.data.tokens, tokenizer.eos_token_id)
        row_id = batch.row_id[batch.told].cpu().numpy()
        found.row_id += row_id.tolist()
        found.kind += self.data.kinds_of(row_id)
        found.reference += [decode(ids, tokenizer) for ids in batch.text.tolist()]
        found.text += [decode(ids, tokenizer) for ids in written.tolist()]

    def predict_step(self, batch: PEPLERBatch) -> Scored:
        """Probabilities of a batch, with the ids of its rows."""
        return Scored(batch.row_id, batch.label, self(batch).sigmoid())

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        if not self.trainer.sanity_checking:
            self._log_text("val")
        self._nats.clear()

    def on_test_epoch_end(self) -> None:
        super().on_test_epoch_end()
        self._log_text("test")
        self._nats.clear()
        for name, value in self._explanations.figures().items():
            self.log(f"test/{name}", value)

    # ---- export

    def export(self, path: Path) -> Path:
        """Write the ctr artifact with explanations of a sample of rows; after ``trainer.test``.

        Raises:
            InputError: nothing was tested, or the folder cannot be written.
        """
        tested = self.tested_rows(path)
        made_from = self.data.provenance
        settings = {
            "net": "PEPLER",
            "seed": self.data.seed,
            "frozen_epochs": self.frozen_epochs,
            "lm_rate": self.lm_rate,
            "weights": {"click": self.click_weight, "text": self.text_weight},
            "tokens": self.data.tokens,
            "item_text": self.data.item_text,
            "text_share": self.data.text_share,
            "texts": self.data.text_kinds,
            "lm_tuned": self._tuned,
        }
        manifest = Manifest(
            "ctr", stable_hash(settings), made_from.data_hash, made_from.users, self.lm.name, extra=settings
        )
        rows, weights = self.data.rows_seen, self.state_dict()
        return write_ctr(path, tested, manifest, rows, weights, self._explanations.write)

    # ---- parts of the above

    def _stops(self) -> list[EarlyStopping]:
        return self.trainer.early_stopping_callbacks

    def _tune(self, tuned: bool) -> None:
        self._tuned = tuned
        self.network.lm.requires_grad_(tuned)
        self.network.lm.train(tuned and self.training)

    def _text_nats(self, batch: PEPLERBatch) -> Tensor:
        return self.network.text_nats(batch.user[batch.told], batch.item[batch.told], batch.text)

    def _keep_nats(self, batch: PEPLERBatch) -> None:
        if len(batch.told):
            self._nats.append(self._text_nats(batch))

    def _log_text(self, split: str) -> None:
        if self._nats:
            self.log(f"{split}/text_loss", torch.cat(self._nats).mean())


def _drop_frozen(module: nn.Module, state: dict[str, object], prefix: str, metadata: object) -> None:
    """Keep the LM out of checkpoints as long as its source says all of it."""
    if not (isinstance(module, PEPLERModule) and module.tuned):
        for key in [key for key in state if key.startswith(prefix + _LM_KEYS)]:
            del state[key]
