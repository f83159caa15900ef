"""Stage 2, staged schedule: codes for users whose soft tokens stage 1 has inferred (section 2.4, Eq. 5 to 7).

A trainable table v starts at the users' soft tokens in code space and moves under
Σ_p λ_p L_q,p + w_a ‖v - v_0‖²; the recommendation loss reaches it straight through the codes, so users who
behave alike come to share one. The anchor stands in for L_lm, which this stage does not evaluate.
v is row-sparse: a step costs the users of its batch, whatever their total. Several ranks share every batch by
its users (``distributed``) and all hold v whole: they take the steps that one process would take, up to
rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, SparseAdam

from userip_lightning.batches import RecBatch
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.distributed.part import of_users
from userip_lightning.distributed.step import copy_first, sharing
from userip_lightning.errors import InputError
from userip_lightning.quantize.export import refuse_unused, write_bank
from userip_lightning.quantize.losses import DEFAULT_WEIGHTS, QuantizeWeights, anchor_loss, quantization_loss
from userip_lightning.quantize.monitor import figures, usage
from userip_lightning.quantize.quantizer import Quantizer, SurrogateFactory, by_name
from userip_lightning.quantize.rank_rows import RankRows, rank_rows
from userip_lightning.seeds import place_seed
from userip_lightning.surrogate.code_dcn import SurrogateDCN

if TYPE_CHECKING:
    from userip_lightning.quantize.datamodule import QuantizeDataModule


class QuantizeModule(LightningModule):
    """Learns one code per user and profile, and exports them as a bank.

    Args:
        sizes: K_p by profile name.
        code_dim: C principal components to learn codes in, at most D; or None for LM space, where users
            need a tenth of the default learning rate, as their steps add up over many more dimensions.
        weights: of the terms of Eq. 5.
        anchor: w_a, weight of ‖v - v_0‖².
        profile_weights: λ_p by profile name, or one number for all; 1 where None.
        user_optimizer: for the user table; has to take sparse gradients.
        optimizer: for codebooks and surrogate.
        surrogate: builds the surrogate recommender.
        e_step: how v moves: ``straight_through`` by gradients, as in the paper, or ``none``, not at all.
        reseed_dead: move unused codes to far users after an epoch.
        freeze_fraction: share of the epochs, the last ones, in which codebooks stand still.
        allow_unused: export although a code has no user.
        seed: of k-means, initialisation, dropout and reseeding.
    """

    quantizer: Quantizer
    users: nn.Embedding  # v, [U, P·C]
    codes: Tensor  #        [U, P], after the last epoch
    started: Tensor  #      scalar bool, whether codebooks and v hold anything yet

    def __init__(
        self,
        sizes: dict[str, int] = DEFAULT_SIZES,
        code_dim: int | None = 4,
        weights: QuantizeWeights = DEFAULT_WEIGHTS,
        anchor: float = 0.25,
        profile_weights: dict[str, float] | float | None = None,
        user_optimizer: OptimizerCallable = lambda params: SparseAdam(params, lr=0.05),
        optimizer: OptimizerCallable = lambda params: Adam(params, lr=0.01),
        surrogate: SurrogateFactory = SurrogateDCN,
        e_step: Literal["straight_through", "none"] = "straight_through",
        reseed_dead: bool = True,
        freeze_fraction: float = 0.25,
        allow_unused: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.sizes = sizes
        self.code_dim = code_dim
        self.weights = weights
        self.anchor = anchor
        weight = 1.0 if profile_weights is None else profile_weights
        self.profile_weights = by_name(weight, list(sizes), "profile_weights")
        self.user_optimizer = user_optimizer
        self.optimizer = optimizer
        self.surrogate = surrogate
        self.e_step = e_step
        self.reseed_dead = reseed_dead
        self.freeze_fraction = freeze_fraction
        self.allow_unused = allow_unused
        self.seed = seed

    def setup(self, stage: str) -> None:
        """Build the tables; their content comes from a checkpoint or from :meth:`on_fit_start`."""
        if hasattr(self, "quantizer"):
            return
        self.data: QuantizeDataModule = self.trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it untyped
        users, profiles, _, width = self.data.profiles.z.shape
        # Keys are checked against the profile names, whose order is that of z.
        sizes = [int(k) for k in by_name(self.sizes, self.data.profiles.names, "sizes")]
        torch.manual_seed(self.seed)
        self.quantizer = Quantizer(sizes, width, self.data.n_items, self.code_dim, self.surrogate)
        self.users = nn.Embedding(users, profiles * self.quantizer.space.dim, sparse=True)
        self.users.requires_grad_(self.e_step == "straight_through")
        self.register_buffer("codes", torch.zeros(users, profiles, dtype=torch.int64))
        self.register_buffer("started", torch.tensor(False))

    def on_fit_start(self) -> None:
        """k-means over all users or the joint schedule's codebooks, unless a checkpoint has brought them."""
        if not self.started:
            table = torch.from_numpy(np.array(self.data.profiles.z)).to(self.device)
            engine, prior = self.quantizer, self.data.prior
            v = engine.start(table, self.seed) if prior is None else engine.resume(table, prior)
            with torch.no_grad():
                self.users.weight.copy_(v.flatten(1))
            self.codes.copy_(self.quantizer.assign(v))
            self.started.fill_(True)
            copy_first(self.state_dict().values(), self.trainer.world_size)

    def configure_optimizers(self) -> list[Optimizer]:
        """One optimizer for codebooks and surrogate, one for the users where they move."""
        moved = [self.user_optimizer(self.users.parameters())] if self.e_step == "straight_through" else []
        return [self.optimizer(self.quantizer.parameters()), *moved]

    def on_train_epoch_start(self) -> None:
        """Order the rows; freeze the codebooks when it is time."""
        self.data.set_epoch(self.current_epoch)
        self.quantizer.freeze_codes(self._frozen(self.current_epoch))

    def on_train_batch_start(self, batch: RecBatch, batch_idx: int) -> None:
        """Dropout depends on seed, epoch and batch alone, so a resumed run repeats it.

        Once per epoch would not do: a DataLoader draws from the global generator when it is opened, which a
        resumed run does before its epoch starts and an uninterrupted one afterwards.
        """
        torch.manual_seed(self._derived_seed(batch_idx))

    def training_step(self, batch: RecBatch, batch_idx: int) -> None:
        """One step of users, codebooks and surrogate."""
        for optimizer in self._optimizers():
            optimizer.zero_grad()
        ranks = self.trainer.world_size
        if ranks == 1:
            logs = self._backward(RankRows(batch))
        else:
            part = of_users(batch.user, self.global_rank, ranks)
            with sharing(self.trainer, part, self.parameters()):
                logs = self._backward(rank_rows(batch, part))
        for optimizer in self._optimizers():
            optimizer.step()
        # Lightning takes the mean over ranks of what adds up over them.
        logs = {f"quantize/{name}": ranks * term for name, term in logs.items()}
        self.log_dict(logs, on_epoch=True, on_step=False, batch_size=len(batch.user), sync_dist=ranks > 1)

    def validation_step(self, batch: RecBatch, batch_idx: int) -> None:
        """Recommendation loss of held-out training rows."""
        self._judge(batch, "val")

    def test_step(self, batch: RecBatch, batch_idx: int) -> None:
        """The same rows, judged after training; the test split is none of this stage's business."""
        self._judge(batch, "test")

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Codes of users: [B] rows in the profiles to [B, P] int64."""
        self._require_content()
        return self.quantizer.assign(self._vectors(batch))

    def on_train_epoch_end(self) -> None:
        """Log usage, perplexity and flips; reseed unused codes."""
        v = self._vectors()
        found = self.quantizer.assign(v)
        generator = torch.Generator().manual_seed(self._derived_seed())
        for p, (name, book) in enumerate(zip(self.data.profiles.names, self.quantizer.books(), strict=True)):
            counts = usage(found[:, p], book.size)
            self.log_dict(figures(name, counts, self.codes[:, p], found[:, p]))
            if self.reseed_dead and not self._frozen(self.current_epoch):
                book.reseed_dead(v[:, p], counts, generator)
        self.codes.copy_(found)

    @torch.no_grad()
    def assign(self, z: Tensor) -> Tensor:
        """Codes of users that were not trained, Eq. 6: soft tokens [B, P, S, D] to [B, P] int64."""
        return self.quantizer.assign(self.quantizer.space(z))

    def export(self, path: Path, config_hash: str | None = None) -> Path:
        """Write the codes of all users as a bank; rank 0 writes.

        Args:
            path: the bank's folder.
            config_hash: hash of the settings that made it; derived from the codebooks where None.

        Returns:
            The folder of the version that was written; ``path`` on another rank.

        Raises:
            InputError: a code has no user, and ``allow_unused`` is false.
        """
        if not self.trainer.is_global_zero:
            return path
        codes, books = self.quantizer.assign(self._vectors()), self.quantizer.books()
        if not self.allow_unused:
            refuse_unused(codes, books, self.data.profiles.names)
        return write_bank(path, codes, self.quantizer, self.data, config_hash)

    def _judge(self, batch: RecBatch, stage: str) -> None:
        self._require_content()
        users, rows = torch.unique(batch.user, return_inverse=True)
        terms = self.quantizer.terms(self._vectors(users), batch._replace(user=rows))
        name, loss = f"quantize/{stage}_recommendation", terms.recommendation
        self.log(name, loss, prog_bar=True, batch_size=len(rows))

    def _require_content(self) -> None:
        if not self.started:
            raise InputError("quantize: nothing was learned yet; run fit, or give --ckpt_path of such a run.")

    def _vectors(self, users: Tensor | None = None) -> Tensor:
        """v of some users or of all, [B, P, C]."""
        rows: Tensor = self.users.weight.detach() if users is None else self.users(users)
        return rows.reshape(len(rows), len(self.quantizer.codebooks), -1)

    def _start(self, users: Tensor) -> Tensor:
        """v_0 of some users, [B, P, C]: read and mapped again, for a second table would double the memory."""
        z = torch.from_numpy(self.data.profiles.z[users.cpu().numpy()])
        v_0: Tensor = self.quantizer.space(z.to(self.device))
        return v_0

    def _backward(self, own: RankRows) -> dict[str, Tensor]:
        """Gradients of rows of a batch; returns its terms, as they count in the batch."""
        users, rows = torch.unique(own.batch.user, return_inverse=True)
        v = self._vectors(users)
        terms = own.counted(self.quantizer.terms(v, own.batch._replace(user=rows)))
        loss = quantization_loss(terms, self.weights, self.profile_weights)
        logs = {name: term.detach().mean() for name, term in terms._asdict().items()}
        if self.anchor > 0:
            anchor = own.users * anchor_loss(v, self._start(users))
            loss = loss + self.anchor * anchor
            logs["anchor"] = anchor.detach()
        self.manual_backward(loss)
        return logs

    def _optimizers(self) -> list[LightningOptimizer]:
        found = self.optimizers()
        every = found if isinstance(found, list) else [found]
        return [optimizer for optimizer in every if isinstance(optimizer, LightningOptimizer)]

    def _frozen(self, epoch: int) -> bool:
        """Whether codebooks stand still; never where the number of epochs is open."""
        epochs = self.trainer.max_epochs or -1
        return epochs > 0 and epoch >= epochs * (1 - self.freeze_fraction)

    def _derived_seed(self, *position: int) -> int:
        """Seed of a position in the current epoch."""
        return place_seed(self.seed, self.current_epoch, *position)
