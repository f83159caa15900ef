"""The catalogue engine as a LightningModule: an epoch is a step of EM, a batch is a block of users.

Every figure of the table that it exports is a multiple of 2^-16 nats (``exact_sums.py``). So sums over a
user's events are exact, and the order in which they are added does not matter: a sparse product here, a
group-by over a new log, and one event after another as they happen (``serving.Profiler``) end in the same
bits, hence in the same codes, and an event can be taken back by subtracting it. Rounding moves a figure by at
most 2^-17 nats.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.optim import Optimizer

from userip_lightning.catalogue.additive_table import AdditiveTable, additive_table
from userip_lightning.catalogue.anchored_steps import anchored_steps
from userip_lightning.catalogue.code_order import code_order, split_classes
from userip_lightning.catalogue.codebooks import Codebooks, are_additive, classes_of, joint_starts
from userip_lightning.catalogue.em_search import Block, Schedule, Search
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.export import Coded, write_bank
from userip_lightning.catalogue.identity import identity_of
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.merging import merged_sizes, merged_table
from userip_lightning.catalogue.new_item_files import kept_for_new_items
from userip_lightning.catalogue.recommendation import (
    Recommendation,
    RecommendationTerm,
    em_steps,
    refuse_recommendation,
)
from userip_lightning.catalogue.steering import Steering
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.catalogue.unused_codes import name_unused
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError
from userip_lightning.identity import refuse_changed
from userip_lightning.seeds import place_seed

if TYPE_CHECKING:
    from userip_lightning.catalogue.datamodule import CatalogueDataModule

_STATE, _IDENTITY = "em", "userip_identity"


class CatalogueModule(LightningModule):
    """Finds classes of users by EM over the catalogue, and exports them as codes.

    Args:
        sizes: K_p by profile name.
        codebooks: ``joint`` finds a class for every combination of codes, Π K_p in all; ``additive`` finds 16
            classes, and a codebook for each profile of a user's place among them, for up to 16 bits.
            ``auto`` is joint up to 16 combinations.
        starts: how many starts run side by side until the best one is chosen; those of explicit logs begin at
            quantiles of generosity.
        strength: β, how many events of an item its prior is worth; where None, 10 for implicit logs
            and 20 for explicit ones.
        warm: steps until the E step's t reaches 1.
        race: steps after which the start goes on alone that predicts hidden events best; the Trainer's
            ``max_epochs`` says how many steps are taken in all.
        recommendation: makes the Trainer's last epochs gradient steps on labels of training rows, the third
            term of Eq. 5; None has EM alone. For joint codebooks.
        steering: codes that stand for given words, and codes that become one; None leaves them as EM finds
            them. For joint codebooks.
        allow_unused: whether a code may have no user, as happens in small logs; it is named all the same.
        seed: of everything random.
    """

    def __init__(
        self,
        sizes: dict[str, int] = DEFAULT_SIZES,
        codebooks: Codebooks = "auto",
        starts: int = 3,
        strength: float | None = None,
        warm: int = 15,
        race: int = 25,
        recommendation: Recommendation | None = None,
        steering: Steering | None = None,
        allow_unused: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        if not sizes or min(sizes.values()) < 1:
            raise InputError(
                f"catalogue.model.sizes: {sizes} given, one or more codes per profile are needed."
            )
        if starts < 1 or warm < 1 or race < 2:
            raise InputError("catalogue.model: starts and warm must be at least 1, race at least 2.")
        if strength is not None and strength <= 0:
            raise InputError(f"catalogue.model.strength: {strength} given, a number above 0 is needed.")
        self.sizes = sizes
        self.codebooks: Codebooks = codebooks
        self.n_starts = starts
        self.strength = strength
        self.warm = warm
        self.race = race
        self.recommendation = recommendation
        self.term: RecommendationTerm | None = None
        self.steering = steering or Steering()
        self.steering.check(sizes)
        self.allow_unused = allow_unused
        self.seed = seed
        self._codebooks: tuple[int, AdditiveTable | None] = 0, None

    @property
    def table(self) -> CodeTable | AdditiveTable:
        """What was learned, rounded as it is exported; joint classes in the order of their codes."""
        if self.search.step == 0:
            raise InputError("catalogue: nothing was learned yet; run fit, or give its --ckpt_path.")
        table = self._learned
        if self.additive:
            return self._additive(CodeTable(*map(rounded, table)))
        order = self._order(table)
        table = CodeTable(table.evidence[:, order], table.log_share[order])
        return CodeTable(*map(rounded, merged_table(table, self.sizes, self.steering.merge)))

    @property
    def code_sizes(self) -> dict[str, int]:
        """K_p by profile name of the codes that are exported: ``sizes``, unless some are merged."""
        return merged_sizes(self.sizes, self.steering.merge)

    def setup(self, stage: str) -> None:
        """Build the starts; their tables come from a checkpoint or from the first epoch."""
        if hasattr(self, "search"):
            return
        self.data: CatalogueDataModule = self.trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it untyped
        events, sizes = self.data.events, list(self.sizes.values())
        self.additive = are_additive(self.codebooks, sizes)
        if self.additive:
            self.steering.refuse_additive()
        starts = joint_starts(
            events.counts,
            classes_of(self.codebooks, sizes),
            events.explicit,
            self.data.vectors,
            self.strength,
            self.n_starts,
        )
        self.term = self._term()
        steps = em_steps(self.trainer.max_epochs or 0, self.recommendation, bool(self.steering.anchors))
        schedule = Schedule(self.warm, self.race, steps)
        self.anchored = anchored_steps(self.steering, self.sizes, self.data.texts, steps, self.race)
        self.search = Search(starts, self.seed, schedule)

    def configure_optimizers(self) -> Optimizer | None:
        """Of the recommendation loss; M steps are closed-form, or a regression's own."""
        return None if self.term is None else self.term.optimizer()

    def on_train_epoch_start(self) -> None:
        """The recommendation loss begins where EM ended."""
        term = self._after_em()
        if term is not None and not term.started:
            term.start(self.search.best.table)

    def training_step(self, batch: Block, batch_idx: int) -> None:
        """E step of a block of users, or steps of the recommendation loss."""
        term = self._after_em()
        if term is None:
            self.search.observe(batch)
        else:
            self._descend(term, batch)

    def on_train_epoch_end(self) -> None:
        """M step; log what the E step saw, or what held-out users say of the recommendation loss."""
        term = self._after_em()
        if term is not None:
            told = term.judge()
            if told == told:
                self.log("catalogue/recommendation_held_out", told, prog_bar=True)
            return
        figures = self.search.finish()
        if self.anchored.anchors and self.search.step == self.anchored.first:
            events = np.asarray(self.data.events.counts.sum(axis=0)).reshape(-1, len(self.data.item_ids))
            self.anchored.begin(self.search.best, events.sum(axis=0))
        for name, value in figures._asdict().items():
            if value == value:
                self.log(f"catalogue/{name}", float(value), prog_bar=name == "held_out")

    def predict_step(self, batch: csr_matrix, batch_idx: int) -> Tensor:
        """Events of users [B, E] to [B, P] int64 codes."""
        return torch.from_numpy(self._codes(self.table, batch))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the search is of, and its state as tensors, which torch loads without running code."""
        checkpoint[_IDENTITY] = identity_of(self)
        state = self.search.state()
        checkpoint[_STATE] = {name: torch.from_numpy(np.asarray(value)) for name, value in state.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint stood.

        Raises:
            InputError: it was made from another log, text source or language model, with another schedule or
                seed, or has other codes.
        """
        advice = "use the settings and data that it was made with, or start without it"
        refuse_changed("checkpoint: made", checkpoint.get(_IDENTITY, {}), identity_of(self), advice)
        self.search.load({name: value.numpy() for name, value in checkpoint[_STATE].items()})
        self._codebooks = 0, None
        if self.anchored.have_begun(self.search.step):
            self.anchored.weigh(self.search.best)

    def export(self, path: Path, config_hash: str | None = None) -> Path:
        """Write the codes of all users as a bank, and beside them the table that codes anybody.

        ``states.npy`` [U, W] has what every user's events add up to, in the order of ``codes.parquet``: later
        events can be added without the log.

        Args:
            path: the bank's folder.
            config_hash: hash of the settings that made it; derived from the table where None.

        Returns:
            The folder of the version that was written.

        Raises:
            InputError: a code has no user, and ``allow_unused`` is false.
        """
        table, blocks = self.table, self.data.predict_dataloader
        codes = np.concatenate([self._codes(table, block) for block in blocks()])
        name_unused(codes, self.code_sizes, self.allow_unused)
        return write_bank(
            path,
            self.data,
            table,
            Coded(self.code_sizes, codes, np.concatenate([table.states(block) for block in blocks()])),
            kept_for_new_items(self._unseen(), self.data.readers, self._moved()),
            self._rows_seen(),
            config_hash,
        )

    @property
    def _learned(self) -> CodeTable:
        """Classes in the order of EM."""
        return self.search.best.table if self.term is None else self.term.table

    def _additive(self, table: CodeTable) -> AdditiveTable:
        """With codebooks, which are learned once for every step of EM that is asked for them."""
        step, found = self._codebooks
        if step != self.search.step:
            sizes = list(self.sizes.values())
            found = additive_table(table, self.data.events.counts, sizes, self.seed)
            self._codebooks = self.search.step, found
        assert found is not None
        return found

    def _unseen(self) -> UnseenItems:
        """What EM says of items without events, classes as in the table."""
        unseen = self.search.best.unseen(self.data.vectors)
        if self.additive:
            return unseen
        order = self._order(self._learned)
        return UnseenItems(unseen.weight[:, order], unseen.alone[order])

    def _order(self, table: CodeTable) -> NDArray[np.int64]:
        """Classes in the order of their combinations, which anchors have settled already."""
        if self.anchored.have_begun(self.search.step):
            return np.arange(len(table.log_share))
        return code_order(table.evidence, self.sizes)

    def _moved(self) -> str | None:
        """Why the prior does not say what the table says of an item without events."""
        if self.term is not None:
            return "the recommendation loss moved its table, and the prior does not follow"
        done = "anchored to words" if self.steering.anchors else "merged" if self.steering.merge else None
        return done and f"its codes were {done}, and the prior does not follow"

    def _rows_seen(self) -> NDArray[np.int64]:
        seen = self.data.events.rows_seen
        return seen if self.term is None else np.union1d(seen, self.term.rows.row_id)

    def _term(self) -> RecommendationTerm | None:
        if self.recommendation is None:
            return None
        events = self.data.events
        refuse_recommendation(self.trainer.strategy.root_device.type, self.additive)
        rows, classes = self.data.labelled_rows(), prod(self.sizes.values())
        return RecommendationTerm(
            events.counts, events.explicit, rows, classes, self.data.vectors, self.recommendation, self.seed
        )

    def _after_em(self) -> RecommendationTerm | None:
        """The recommendation loss, once it is its turn."""
        return self.term if self.search.step >= self.search.schedule.last else None

    def _descend(self, term: RecommendationTerm, block: Block) -> None:
        """One pass over a block's users."""
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        for at, users in enumerate(term.steps(block.first, block.seen.shape[0], self.current_epoch)):
            key = (self.current_epoch, block.first, at)
            torch.manual_seed(place_seed(self.seed, *key))
            losses = term.losses(users, key)
            optimizer.zero_grad()
            self.manual_backward(term.total(losses))
            optimizer.step()
            told = {f"catalogue/{name}": loss.detach() for name, loss in losses.items()}
            self.log_dict(told, on_epoch=True, on_step=False, batch_size=len(users))

    def _codes(self, table: CodeTable | AdditiveTable, counts: csr_matrix) -> NDArray[np.int64]:
        """[U, P]."""
        return split_classes(table.codes(counts), list(self.code_sizes.values()))
