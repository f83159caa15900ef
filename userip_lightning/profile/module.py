"""Stage 1: infer soft tokens z of every user under a frozen LM (Eq. 2 to 4, Algorithm 1).

Three schedules of one engine, the E step of :mod:`userip_lightning.profile.em`:

- ``staged``: every epoch moves every user; codes come afterwards, in stage 2.
- ``joint``: a prior (codebooks and surrogate) takes part in every E step and learns in the M steps after it.
- ``streaming``: a batch of users takes all of its inner steps, is written to disk and forgotten.

The LM stays bit-identical and out of checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.errors import InputError
from userip_lightning.profile.backbone import DEFAULT_LM, LMSource, load_backbone
from userip_lightning.profile.em import Prior, PriorLoss, e_step, m_step
from userip_lightning.profile.export import export_profiles
from userip_lightning.profile.held_out import HeldOut, roll_users
from userip_lightning.profile.identity import refuse_changed
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt import DEFAULT_PROMPT, PromptTemplate
from userip_lightning.profile.shards import ShardStore
from userip_lightning.profile.start import embed_start, random_start
from userip_lightning.profile.user_table import UserTable

_LM_KEYS = "likelihood.backbone."


class ProfileModule(LightningModule):
    """Soft-prompt profile inference around a frozen causal LM.

    Args:
        lm: the language model.
        prompt: names, soft tokens and how behaviours are written.
        schedule: ``staged``, ``joint`` or ``streaming``.
        start: ``words`` starts z at the embeddings of the user's most distinctive words, ``random`` (the
            paper) at Gaussian noise with the spread of the vocabulary embeddings.
        optimizer: of z; element-wise (Adam, AdamW, SGD ...).
        inner_steps: gradient steps on z each time a batch of users comes by.
        prior: codebooks and surrogate for ``joint``, e.g. ``userip_lightning.quantize.prior.QuantizePrior``.
        prior_optimizer: of the prior's parameters.
        prior_weight: scale of the prior's loss beside L_lm (Eq. 7).
        m_steps: prior updates per E step, each on ``m_rows`` training rows; they cost a thousandth of it.
        m_rows: training rows per M step.
        seed: of the random start and of the rows in M steps.
    """

    def __init__(
        self,
        lm: LMSource = DEFAULT_LM,
        prompt: PromptTemplate = DEFAULT_PROMPT,
        schedule: Literal["staged", "joint", "streaming"] = "staged",
        start: Literal["words", "random"] = "words",
        optimizer: OptimizerCallable = lambda params: Adam(params, lr=0.01),
        inner_steps: int = 1,
        prior: nn.Module | None = None,
        prior_optimizer: OptimizerCallable = lambda params: Adam(params, lr=0.001),
        prior_weight: float = 1.0,
        m_steps: int = 8,
        m_rows: int = 4096,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if (prior is None) == (schedule == "joint"):
            raise InputError(
                f"profile.model.prior: schedule {schedule!r} {'needs a' if prior is None else 'takes no'} "
                "prior; set schedule to 'joint' together with a prior, or neither."
            )
        self.automatic_optimization = False
        self.lm = lm
        self.prompt = prompt
        self.schedule = schedule
        self.start = start
        self.optimizer = optimizer
        self.inner_steps = inner_steps
        self.prior = prior
        self.prior_optimizer = prior_optimizer
        self.prior_weight = prior_weight
        self.m_steps = m_steps
        self.m_rows = m_rows
        self.seed = seed
        self.likelihood: PromptLikelihood | None = None
        self.table: UserTable | None = None
        self.shards: ShardStore | None = None
        self.held_out = HeldOut([], [], [])
        self.register_state_dict_post_hook(_drop_frozen)  # type: ignore[no-untyped-call]  # torch lacks the type

    # ---- construction

    def setup(self, stage: str) -> None:
        """Refuse a precision that would reach the soft tokens, and a second visit of ``streaming``."""
        if self.trainer.precision not in ("32-true", "bf16-mixed"):
            raise InputError(
                f"profile.trainer.precision: {self.trainer.precision}, but soft tokens are float32 and their "
                "loss is not scaled; use 32-true or bf16-mixed."
            )
        if stage == "fit" and self.schedule == "streaming" and self.trainer.max_epochs != 1:
            raise InputError(
                f"profile.trainer.max_epochs: {self.trainer.max_epochs}, but streaming visits a user once; "
                "set it to 1, and profile.model.inner_steps to the steps he takes then."
            )

    @property
    def data(self) -> Any:
        """The :class:`userip_lightning.data.profile_datamodule.ProfileDataModule` that feeds this module."""
        return cast(Any, self.trainer).datamodule

    def configure_model(self) -> None:
        """Load the LM and start z; runs before a checkpoint is restored."""
        if self.likelihood is not None:
            return
        backbone = load_backbone(self.lm)
        self.data.check_context(backbone.context)
        self.likelihood = PromptLikelihood(backbone, self.data.prefix, self.prompt.independent)
        if self.schedule == "streaming":
            self.shards = ShardStore(Path(self.trainer.default_root_dir) / "shards", self._identity())
            # users whom training never meets are done from the outset
            silent = np.setdiff1d(self.data.silent_users(), self.shards.done())
            for users, z in self._starts(torch.from_numpy(silent)):
                self.shards.write(users.numpy(), z.cpu().numpy())
            self.data.skip(self.shards.done())
            return
        z = torch.cat([z for _, z in self._starts(torch.arange(self.data.n_users))])
        self.table = UserTable(z, self.optimizer)
        if self.prior is not None:
            cast(Prior, self.prior).setup(z, self.prompt.names, self.data.n_items, self.seed)

    def _starts(self, users: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Blocks of [U] users with their [B, P, S, D] starts."""
        for block in torch.split(users, 1024) if len(users) else ():
            yield block, self._start(block, self.data.start_ids(block))

    def configure_optimizers(self) -> Optimizer | None:
        """The prior's optimizer; those of z live with its rows (:class:`UserTable`)."""
        return None if self.prior is None else self.prior_optimizer(self.prior.parameters())

    def _start(self, users: Tensor, ids: Tensor) -> Tensor:
        embedding = self._likelihood.backbone.embedding
        if self.start == "words":
            return embed_start(ids.to(embedding.device), embedding)
        shape = (len(self.prompt.profiles), self.prompt.soft_tokens, embedding.shape[1])
        return random_start(users, shape, embedding, self.seed)

    @property
    def _likelihood(self) -> PromptLikelihood:
        if self.likelihood is None:
            raise RuntimeError("the language model is loaded by configure_model")
        return self.likelihood

    # ---- EM

    def on_train_batch_start(self, batch: tuple[ProfileBatch, ...], batch_idx: int) -> None:
        """Dropout in the prior depends on seed, epoch and batch alone, so a resumed run repeats it."""
        torch.manual_seed(self._derived_seed(batch_idx))

    def training_step(self, batch: tuple[ProfileBatch, ...], batch_idx: int) -> None:
        """Move the batch's users by ``inner_steps``; in ``joint``, the prior too."""
        users = batch[0].user
        if self.table is None:
            z = self._start(users, batch[0].start).requires_grad_()
            optimizer = self.optimizer([z])
        else:
            z, optimizer = self.table.checkout(users)
        prior = self.optimizers() if self.prior is not None else None
        if prior is not None:
            cast(Optimizer, prior).zero_grad()
        step = e_step(
            z, [partial(self._objective, batch=part) for part in batch], optimizer, self.manual_backward
        )
        if self.table is not None:
            self.table.checkin(users, z, optimizer)
        if prior is not None:
            cast(Optimizer, prior).step()
            self._m_steps(cast(Optimizer, prior), batch_idx)
        if self.shards is not None:
            self.shards.write(users.cpu().numpy(), z.detach().cpu().numpy())
        self.log(
            "profile/objective", step.losses[-1][step.finite].mean(), prog_bar=True, batch_size=len(users)
        )
        self._say_not_finite(users[~step.finite])

    def _objective(self, z: Tensor, batch: ProfileBatch) -> Tensor:
        """[B] L_lm plus each user's share of the prior (Eq. 7)."""
        nats: Tensor = self._likelihood(z, batch).per_token
        self.log("profile/nats", nats.detach().mean(), batch_size=len(nats))
        if self.prior is None:
            return nats
        prior: PriorLoss = cast(Prior, self.prior)(z, batch.rows)
        self.log_dict(dict(prior.logs), batch_size=len(nats))
        objective: Tensor = nats + self.prior_weight * prior.loss
        return objective

    def _m_steps(self, optimizer: Optimizer, batch_idx: int) -> None:
        assert self.table is not None
        rows: RecBatch = self.data.rec_rows
        generator = torch.Generator().manual_seed(self._derived_seed(batch_idx))
        size = (min(self.m_rows, len(rows.label)),)
        draws = (torch.randint(len(rows.label), size, generator=generator) for _ in range(self.m_steps))
        m_step(cast(Prior, self.prior), self.table.z, rows, draws, optimizer, self.manual_backward)

    def _derived_seed(self, batch_idx: int) -> int:
        return int(np.random.SeedSequence([self.seed, self.current_epoch, batch_idx]).generate_state(1)[0])

    def _say_not_finite(self, users: Tensor) -> None:
        for user in users.tolist():
            self.print(
                f"profile: user {self.data.user_id(user)!r} had a likelihood that is not finite at step "
                f"{self.global_step}; his soft tokens were left where they were."
            )

    # ---- held-out likelihood

    def all_vectors(self) -> NDArray[np.float32]:
        """[U, P, S, D] soft tokens of everybody, as training left them."""
        if self.shards is not None:
            return self.shards.gather(self.data.n_users)
        if self.table is None:
            raise RuntimeError("soft tokens exist once configure_model has run")
        return self.table.z.cpu().numpy()

    def validation_step(self, batch: ProfileBatch, batch_idx: int) -> None:
        """Log the held-out nats per token under the users' own z; ``streaming`` has them only at its end."""
        if self.table is None:
            return
        nats = self._likelihood(self.table.z[batch.user], batch).per_token
        self.log("profile/val_nats", nats.mean(), prog_bar=True, batch_size=len(nats))

    def on_test_start(self) -> None:
        """Forget earlier figures; bring the soft tokens together."""
        self.held_out = HeldOut([], [], [])
        self.judged = self.all_vectors()

    def test_step(self, batch: ProfileBatch, batch_idx: int) -> None:
        """Held-out nats per token under own z, another user's z and no z (design, section 3)."""
        z = torch.as_tensor(self.judged[batch.user.cpu().numpy()], device=self.device)
        own, other, none = (self._likelihood(v, batch).per_token for v in (z, roll_users(z), None))
        self.held_out.extend(own, other, none)
        self.log("profile/test_own", own.mean(), batch_size=len(own))
        self.log("profile/test_gain_over_other", (other - own).mean(), batch_size=len(own))
        self.log("profile/test_gain_over_none", (none - own).mean(), batch_size=len(own))

    def predict_step(self, batch: tuple[ProfileBatch, ...], batch_idx: int) -> Tensor:
        """[B, P, S, D] soft tokens inferred from their start, whether or not the users were trained on."""
        z = self._start(batch[0].user, batch[0].start).requires_grad_()
        with torch.inference_mode(False), torch.enable_grad():
            e_step(z, [partial(self._objective, batch=part) for part in batch], self.optimizer([z]))
        return z.detach()

    # ---- artifacts

    def export(self, path: Path) -> Path:
        """Write the profiles artifact; call after ``fit``, and after ``test`` to include held-out figures."""
        return export_profiles(self, path)

    def _identity(self) -> dict[str, str]:
        return {
            "language model": self._likelihood.backbone.fingerprint(),
            "prompt": self.prompt.hash,
            "data": self.data.data_hash,
            "start and steps": f"{self.start}, {self.inner_steps}, seed {self.seed}",
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["userip_identity"] = self._identity()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse soft tokens of another LM, prompt or data set; let the frozen weights pass strict loading.

        Raises:
            InputError: the checkpoint was made with something else.
        """
        advice = "use the settings it was made with, or start without it"
        refuse_changed("checkpoint: made", checkpoint.get("userip_identity", {}), self._identity(), advice)
        weights = self._likelihood.backbone.state_dict()
        checkpoint["state_dict"].update({_LM_KEYS + key: value for key, value in weights.items()})


def _drop_frozen(module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
    """Keep the LM, which its source and fingerprint identify, out of checkpoints."""
    for key in [key for key in state if key.startswith(prefix + _LM_KEYS)]:
        del state[key]
