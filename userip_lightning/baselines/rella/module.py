"""ReLLa: a causal LM that answers whether a user likes an item, tuned by LoRA (section 3.3).

    L = mean − log p(answer | prompt)                     over the whole vocabulary, at the deciding token
    P(yes) = softmax(l_yes, l_no)                         the score (Eq. 3)

Without a training epoch it is the paper's zero-shot model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from userip_lightning.artifact import Manifest, stable_hash
from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.baselines.rella.answers import probability
from userip_lightning.baselines.rella.batches import ReLLaBatch
from userip_lightning.baselines.rella.lora import adapter_weights, add_adapters
from userip_lightning.baselines.rella.prompt import DEFAULT_PROMPT, ReLLaPrompt
from userip_lightning.ctr.export import write_ctr
from userip_lightning.ctr.judged_module import JudgedModule
from userip_lightning.ctr.scored import Scored
from userip_lightning.errors import InputError
from userip_lightning.lm.source import DEFAULT_LM, LMSource

if TYPE_CHECKING:
    from userip_lightning.baselines.rella.data import ReLLaDataModule


class ReLLaModule(JudgedModule):
    """A frozen language model with adapters that learn to answer yes or no.

    Args:
        lm: the language model.
        prompt: the words.
        rank: of the adapters.
        alpha: their scale, over the rank.
        dropout: on their input.
        target_modules: names of the linear layers that get one.
        optimizer: of the adapters.
        schedule: whether the learning rate falls linearly to zero by the last step or stays.
    """

    def __init__(
        self,
        lm: LMSource = DEFAULT_LM,
        prompt: ReLLaPrompt = DEFAULT_PROMPT,
        rank: int = 8,
        alpha: int = 16,
        dropout: float = 0.05,
        target_modules: Sequence[str] = ("q_proj", "v_proj"),
        optimizer: OptimizerCallable = lambda params: AdamW(params, lr=1e-3, weight_decay=0.0),
        schedule: Literal["linear", "constant"] = "linear",
    ) -> None:
        super().__init__()
        if rank < 1 or not 0 <= dropout < 1:
            raise InputError("rella.model: rank has to be 1 at least, and dropout in [0, 1).")
        if not target_modules:
            raise InputError("rella.model.target_modules is empty; name the linear layers to adapt.")
        self.strict_loading = False  # checkpoints hold the adapters alone
        self.lm = lm
        self.prompt = prompt
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.target_modules = tuple(target_modules)
        self.optimizer = optimizer
        self.schedule = schedule
        self.model: Any = None

    @property
    def data(self) -> ReLLaDataModule:
        """The DataModule at work."""
        return cast("ReLLaDataModule", self.trainer.datamodule)  # type: ignore[attr-defined]  # set untyped

    def configure_model(self) -> None:
        """Load the model and add adapters; Lightning calls this before it loads a checkpoint.

        Raises:
            InputError: the model cannot be loaded, or has no layers of the configured names.
        """
        if self.model is not None:
            return
        model = load_language_model(self.lm)
        torch.manual_seed(self.data.seed)
        add_adapters(model, self.rank, self.alpha, self.dropout, self.target_modules)
        self.model = model

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer of the adapters, and its schedule, stepped with it."""
        optimizer = self.optimizer([weight for weight in self.parameters() if weight.requires_grad])
        if self.schedule == "constant":
            return optimizer
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        falling = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}

    def forward(self, batch: ReLLaBatch) -> Tensor:
        """[B, V] logits of the token after each prompt, float32."""
        position = (batch.valid.cumsum(1) - 1).clamp(min=0)
        out = self.model(
            input_ids=batch.ids,
            attention_mask=batch.valid,
            position_ids=position,
            use_cache=False,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def training_step(self, batch: ReLLaBatch) -> Tensor:
        answers = self.data.answers
        wanted = torch.where(batch.label > 0, answers.yes, answers.no)
        loss = F.cross_entropy(self(batch), wanted)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.label))
        return loss

    def predict_step(self, batch: ReLLaBatch) -> Scored:
        """P(yes) of a batch, with the ids of its rows."""
        return Scored(batch.row_id, batch.label, probability(self(batch), self.data.answers))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the language model out."""
        checkpoint["state_dict"] = adapter_weights(checkpoint["state_dict"])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse adapters that do not fit: loading, which is not strict, would leave them out in silence.

        Raises:
            InputError: they lie beside other layers, or are of another rank or width.
        """
        shapes = [
            {name: tuple(weight.shape) for name, weight in adapter_weights(state).items()}
            for state in (checkpoint["state_dict"], self.state_dict())
        ]
        if shapes[0] != shapes[1]:
            raise InputError(
                "rella.model: the checkpoint's adapters do not fit the language model, rank and "
                "target_modules that are configured; use the settings it was made with."
            )

    def export(self, path: Path) -> Path:
        """Write the ctr artifact: predictions, metrics and adapters; after ``trainer.test``.

        Raises:
            InputError: nothing was tested, or the folder cannot be written.
        """
        tested = self.tested_rows(path)
        made_from = self.data.provenance
        settings = {
            "method": "ReLLa",
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
            "target_modules": list(self.target_modules),
            **self.data.settings,
        }
        manifest = Manifest(
            "ctr",
            stable_hash([settings, self.lm.name, self.prompt.hash]),
            made_from.data_hash,
            made_from.users,
            lm=self.lm.name,
            prompt_hash=self.prompt.hash,
            extra=settings,
        )
        weights = adapter_weights(self.state_dict())
        return write_ctr(path, tested, manifest, self.data.rows_seen, weights)
