"""Stage 1: infer soft tokens z of every user under a frozen LM (Eq. 2 to 4, Algorithm 1).

Three schedules of one engine, the E step of :mod:`userip_lightning.profile.em`:

- ``staged``: every epoch moves every user; codes come afterwards, in stage 2.
- ``joint``: a prior (codebooks and surrogate) takes part in every E step, and learns in it and in the M steps
  after it.
- ``streaming``: a block of users takes all of its inner steps, is written to disk and forgotten.

The LM stays bit-identical and out of checkpoints. With several processes each holds the soft tokens of some
blocks of users and has nothing to tell the others (:mod:`userip_lightning.profile.strategy`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from userip_lightning.batches import ProfileBatch, ProfileStep
from userip_lightning.errors import InputError
from userip_lightning.identity import refuse_changed
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.prompt import DEFAULT_PROMPT, PromptTemplate
from userip_lightning.lm.source import DEFAULT_LM, LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.em import (
    EStep,
    Prior,
    PriorLoss,
    Steps,
    average_gradient,
    draws,
    e_step,
    m_step,
)
from userip_lightning.profile.export import export_profiles
from userip_lightning.profile.gathering import all_vectors, judged_users
from userip_lightning.profile.held_out import HeldOut
from userip_lightning.profile.identity import identity_of
from userip_lightning.profile.judging import Judge
from userip_lightning.profile.keep_in_step import accompany
from userip_lightning.profile.launch_plan import plan_launch
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.not_finite import NotFinite
from userip_lightning.profile.settings import ProfileSettings, Schedule
from userip_lightning.profile.shards import ShardStore
from userip_lightning.profile.start import embed_start, random_start
from userip_lightning.profile.strategy import refuse_other_strategy
from userip_lightning.profile.trainer_settings import refuse_epochs, refuse_precision
from userip_lightning.profile.user_table import UserTable
from userip_lightning.seeds import place_seed

_LM_KEYS = "likelihood.backbone."
#: Place of the M steps' draws below that of their batch, whose seed dropout takes.
_M_STEPS = 0


class ProfileModule(LightningModule):
    """Soft-prompt profile inference around a frozen causal LM.

    Args:
        lm: the language model.
        prompt: names, soft tokens and how behaviours are written.
        schedule: ``staged``, ``joint`` or ``streaming``.
        start: ``words`` starts z at the embeddings of the user's most distinctive words, ``random`` (the
            paper) at Gaussian noise with the spread of the vocabulary embeddings.
        optimizer: of z; element-wise (Adam, AdamW, SGD ...).
        inner_steps: gradient steps on z each time a block of users comes by.
        table: where ``staged`` and ``joint`` keep the soft tokens of all users and their optimizer state:
            ``memory`` of the host, or ``disk``, in files that may be larger than it. Several processes keep
            theirs on disk.
        prior: codebooks and surrogate for ``joint``, e.g.
            ``userip_lightning.quantize.joint_prior.QuantizePrior``.
        prior_optimizer: of the prior's parameters.
        prior_weight: scale of the prior's loss (Eq. 7), beside L_lm and in M steps.
        m_steps: prior updates per E step, each on ``m_rows`` training rows; they cost a thousandth of it.
        m_rows: training rows per M step.
        seed: of the random start and of the rows in M steps.
    """

    def __init__(
        self,
        lm: LMSource = DEFAULT_LM,
        prompt: PromptTemplate = DEFAULT_PROMPT,
        schedule: Schedule = "staged",
        start: Literal["words", "random"] = "words",
        optimizer: OptimizerCallable = lambda params: Adam(params, lr=0.01),
        inner_steps: int = 1,
        table: Literal["memory", "disk"] = "memory",
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
        self.table_place = table
        self.prior = prior
        self.prior_optimizer = prior_optimizer
        self.prior_weight = prior_weight
        self.m_steps = m_steps
        self.m_rows = m_rows
        self.seed = seed
        self.likelihood: PromptLikelihood | None = None
        self.table: UserTable | None = None  # in ``streaming``, of the block at hand
        self.shards: ShardStore | None = None
        self.held_out = HeldOut([], [], [])
        self._not_finite = NotFinite()
        self._judge: Judge | None = None
        self.register_state_dict_post_hook(_drop_frozen)  # type: ignore[no-untyped-call]  # torch lacks the type

    # ---- construction

    def setup(self, stage: str) -> None:
        """Refuse a precision that would reach the soft tokens, and epochs that do not fit the schedule."""
        refuse_precision(self.trainer, self.prior is not None)
        refuse_other_strategy(self.trainer, self.schedule)
        if stage == "fit":
            refuse_epochs(self.trainer, self.schedule)

    @property
    def settings(self) -> ProfileSettings:
        """What its data depends on."""
        has_prior = self.prior is not None
        return ProfileSettings(self.lm, self.prompt, self.schedule, self.inner_steps, has_prior)

    @property
    def data(self) -> ProfileDataModule:
        """The DataModule that feeds this module."""
        found = self.trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it untyped
        assert isinstance(found, ProfileDataModule)
        return found

    @property
    def users(self) -> UserTable:
        """Soft tokens of this process's users; in ``streaming``, of the block at hand."""
        if self.table is None:
            raise RuntimeError("the table is made by configure_model, or with a block of users")
        return self.table

    def configure_model(self) -> None:
        """Load the LM and start z; runs before a checkpoint is restored."""
        if self.likelihood is not None:
            return
        self.plan, self.data.batch_size = plan_launch(self)
        backbone = load_backbone(self.lm)
        self.data.check_context(backbone.context)
        self.likelihood = PromptLikelihood(backbone, self.data.prefix, self.prompt.independent)
        with torch.device("cpu"):  # Lightning has the LM made on the accelerator; users stay on the host
            self._make_room()

    def _make_room(self) -> None:
        """Open the shards, or make the table and start z."""
        root = Path(self.trainer.default_root_dir)
        if self.schedule == "streaming":
            self.shards = ShardStore(root / "shards", identity_of(self))
            self.data.skip(self.shards.done())
            return
        rank, world = self.trainer.global_rank, self.trainer.world_size
        on_disk = self.table_place == "disk" or world > 1
        folder = root / "table" / f"{rank}-of-{world}" if on_disk else None
        self.table = UserTable(torch.from_numpy(self.data.owned_users()), self.shape, self.optimizer, folder)
        for first, count in self.data.blocks():
            users = torch.arange(first, first + count)
            self.table.fill(users, self._start(users))
        if self.prior is not None:
            self._prior.setup(self.table.z, self.prompt.names, self.data.n_items, self.seed)

    def configure_optimizers(self) -> Optimizer | None:
        """The prior's optimizer; those of z live with its rows (:class:`UserTable`)."""
        if self.prior is not None:
            return self.prior_optimizer(self.prior.parameters())
        return None

    def _prior_optimizer(self) -> LightningOptimizer | None:
        if self.prior is None:
            return None
        found = self.optimizers()
        assert isinstance(found, LightningOptimizer)
        return found

    @torch.no_grad()
    def _start(self, users: Tensor) -> Tensor:
        """[B, P, S, D] of [B] users, from all that is known of them."""
        words = self._likelihood.backbone.words
        if self.start == "words":
            return embed_start(self.data.start_ids(users.numpy()), words)
        return random_start(users, self.shape, words, self.seed)

    @property
    def shape(self) -> tuple[int, int, int]:
        """P, S, D."""
        return len(self.prompt.profiles), self.prompt.soft_tokens, self._likelihood.backbone.width

    @property
    def _prior(self) -> Prior:
        return cast(Prior, self.prior)

    @property
    def _likelihood(self) -> PromptLikelihood:
        if self.likelihood is None:
            raise RuntimeError("the language model is loaded by configure_model")
        return self.likelihood

    # ---- EM

    def on_fit_start(self) -> None:
        """Tell what the run will need."""
        self.print(f"profile: {self.plan.summary()}, {self.data.batch_size} users a step")

    def on_train_batch_start(self, batch: ProfileStep, batch_idx: int) -> None:
        """Dropout in the prior depends on seed, epoch and batch alone, so a resumed run repeats it."""
        torch.manual_seed(self._derived_seed(batch_idx))

    def training_step(self, batch: ProfileStep, batch_idx: int) -> None:
        """Move a batch of users by one step; in ``joint`` the prior too, in ``streaming`` with a new table
        per block, which becomes a shard."""
        if self.shards is not None and batch.opens:
            self.table = self._block_table(batch)
        if batch.batch is not None:
            self._move(batch.batch, batch_idx)
        elif self.lm.sharded:
            self.manual_backward(accompany(self._likelihood, self._nobody().requires_grad_()))
        if self.shards is not None and batch.closes:
            self.shards.write(batch.first, self.users.z.numpy())
            self.table = None

    def on_train_epoch_end(self) -> None:
        """Name the users who did not move."""
        self._name_not_finite()

    def _block_table(self, block: ProfileStep) -> UserTable:
        users = torch.arange(block.first, block.first + block.users)
        table = UserTable(users, self.shape, self.optimizer)
        table.fill(users, self._start(users))
        return table

    def _move(self, batch: ProfileBatch, batch_idx: int) -> None:
        table = self.users
        z, optimizer = table.checkout(batch.user, self.device)
        prior = self._prior_optimizer()
        if prior is not None:
            prior.zero_grad()
        step = e_step(z, [partial(self._objective, batch=batch)], optimizer, self.manual_backward)
        table.checkin(batch.user, z, optimizer)
        if prior is not None:
            average_gradient(self._prior.parameters(), int(step.losses[0].isfinite().sum()))
            prior.step()
            self._m_steps(prior, batch_idx)
        self._tell(step, batch.user, batch_idx)

    def _tell(self, step: EStep, users: Tensor, batch_idx: int) -> None:
        if step.finite.any():
            mean = step.losses[0][step.finite].mean()
            self.log("profile/objective", mean, prog_bar=True, batch_size=len(users))
        for user in users[~step.finite].tolist():
            self._not_finite.add(self.data.user_id(user), self.current_epoch, batch_idx)
        if self.trainer.world_size == 1:
            self._name_not_finite()

    def _objective(self, z: Tensor, batch: ProfileBatch) -> Tensor:
        """[B] L_lm plus the prior's loss of the batch; their sum has every user's own gradient of Eq. 7."""
        nats: Tensor = self._likelihood(z, batch).per_token
        if self.trainer.training:  # Lightning takes no logs while it predicts
            self.log("profile/nats", nats.detach().mean(), batch_size=len(nats))
        if self.prior is None:
            return nats
        prior: PriorLoss = self._prior(z, batch.rows)
        self.log_dict(dict(prior.logs), batch_size=len(nats))
        objective: Tensor = nats + self.prior_weight * prior.loss
        return objective

    def _m_steps(self, optimizer: Steps, batch_idx: int) -> None:
        rows, table = self.data.rec_rows, self.users.z
        drawn = draws(len(rows.label), self.m_rows, self.m_steps, self._derived_seed(batch_idx, _M_STEPS))
        m_step(
            self._prior, table, rows, drawn, optimizer, self.device, self.prior_weight, self.manual_backward
        )

    def _derived_seed(self, batch_idx: int, *position: int) -> int:
        """Seed of a batch of the current epoch, or of a position in it."""
        return place_seed(self.seed, self.current_epoch, batch_idx, *position)

    def _name_not_finite(self) -> None:
        """Let the first process, whose words are heard, name the users of all."""
        for sentence in self._not_finite.take(self.trainer.world_size):
            self.print(sentence)

    # ---- held-out likelihood

    def on_validation_start(self) -> None:
        """Bring the soft tokens of the judged users together; ``streaming`` has them only at its end."""
        self._judge = self._judge_of("val") if self.shards is None else None

    def validation_step(self, batch: ProfileBatch | None, batch_idx: int) -> None:
        """Held-out nats per token under the users' own z."""
        if self._judge is not None:
            self._judge.own(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the mean over users."""
        if self._judge is not None:
            own = self._judge.found(self.trainer.world_size).own
            self.log("profile/val_nats", float(np.mean(own)) if own else float("nan"), prog_bar=True)

    def on_test_start(self) -> None:
        """Bring the soft tokens of the judged users together."""
        self._judge = self._judge_of("test")

    def test_step(self, batch: ProfileBatch | None, batch_idx: int) -> None:
        """Held-out nats per token under own z, another user's z and no z."""
        if self._judge is not None:
            self._judge.compare(batch)

    def on_test_epoch_end(self) -> None:
        """Bring the figures of all processes together and log their means over users."""
        if self._judge is not None:
            self.held_out = self._judge.found(self.trainer.world_size)
        for name, mean in self.held_out.means().items():
            self.log(f"profile/test_{name}", mean)

    def _judge_of(self, split: str) -> Judge:
        nobody = self._nobody() if self.lm.sharded else None
        return Judge(self._likelihood, judged_users(self, split), nobody)

    def _nobody(self) -> Tensor:
        """[1, P, S, D] soft tokens of no user."""
        return torch.zeros(1, *self.shape, device=self.device)

    def predict_step(self, batch: ProfileStep, batch_idx: int) -> Tensor:
        """Soft tokens inferred from their start, whether or not the users were trained on.

        Returns:
            [users of the block, P, S, D] with its last step; before that, none of them.
        """
        with torch.inference_mode(False), torch.enable_grad():
            if batch.opens:
                self.inferred = self._block_table(batch)
            if batch.batch is not None:
                z, optimizer = self.inferred.checkout(batch.batch.user, self.device)
                e_step(z, [partial(self._objective, batch=batch.batch)], optimizer)
                self.inferred.checkin(batch.batch.user, z, optimizer)
            elif self.lm.sharded:
                torch.autograd.backward(accompany(self._likelihood, self._nobody().requires_grad_()))
            if not batch.users:
                return self._nobody()[:0]
            return self.inferred.z if batch.closes else self.inferred.z[:0]

    # ---- artifacts

    def all_vectors(self) -> NDArray[np.float32]:
        """[U, P, S, D] soft tokens of everybody, as training left them; all processes have to call it."""
        return all_vectors(self)

    def export(self, path: Path) -> Path:
        """Write the profiles artifact; call after ``fit``, and after ``test`` to include held-out figures.

        All processes have to call it; the first one writes.
        """
        return export_profiles(self, path)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note what the soft tokens depend on; those on disk are copied aside."""
        checkpoint["userip_identity"] = identity_of(self) | self._processes()
        if self.table is not None:
            self.table.keep(f"{self.trainer.current_epoch}")

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse soft tokens of another LM, prompt or data set; let the frozen weights pass strict loading.

        Raises:
            InputError: the checkpoint was made with something else.
        """
        advice = "use the settings it was made with, or start without it"
        wanted = identity_of(self) | self._processes()
        refuse_changed("checkpoint: made", checkpoint.get("userip_identity", {}), wanted, advice)
        weights = self._likelihood.backbone.state_dict()
        checkpoint["state_dict"].update({_LM_KEYS + key: value for key, value in weights.items()})
        if self.table is not None:
            self.table.restore(f"{checkpoint['epoch']}")

    def _processes(self) -> dict[str, str]:
        """Shards can be continued by any number of processes, tables by as many as before."""
        return {"number of processes": str(self.trainer.world_size)} if self.shards is None else {}


def _drop_frozen(module: nn.Module, state: dict[str, object], prefix: str, metadata: object) -> None:
    """Keep the LM, which its source and fingerprint identify, out of checkpoints."""
    for key in [key for key in state if key.startswith(prefix + _LM_KEYS)]:
        del state[key]
