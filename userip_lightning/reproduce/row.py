"""One row of a table: a method in a block, and what decides how it is trained."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from jsonargparse.typing import Path_fr

from userip_lightning.pipeline.settings import Control
from userip_lightning.report.entries import Group
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.settings import FieldSet

#: What a network reads besides its fields: nothing, codes, continuous profiles (``z``), knowledge that a
#: language model wrote, a control's codes.
Reads = Literal["none", "codes", "z", "knowledge"] | Control
#: Profile and the size of its codebook.
Grown = tuple[tuple[str, int], ...]


class Row(NamedTuple):
    """One method of one block.

    Args:
        dataset: name in the study.
        split: name in the study.
        fields: what the network sees besides the codes.
        method: label, unique in its block.
        group: what kind of row it is.
        network: name of the network behind it; None for references and for what is not run.
        against: the method that it is compared with.
        net: class_path and init_args, or their file; None where no network is trained.
        reads: what the network reads besides its fields.
        baseline: settings of a language-model baseline; None for all other rows.
        codes: label of the further codes that it reads; None for the data set's own.
        grown: profile to the codebook size that replaces the dataset's own.
        not_run: why it is not tried, one sentence.
    """

    dataset: str
    split: str
    fields: FieldSet
    method: str
    group: Group
    network: str | None = None
    against: str | None = None
    net: Path_fr | dict[str, Any] | None = None
    reads: Reads = "none"
    baseline: Baseline | None = None
    codes: str | None = None
    grown: Grown = ()
    not_run: str | None = None

    @property
    def label(self) -> str:
        """The row in words, unique in a table."""
        return f"{self.dataset} / {self.split} / {self.fields} / {self.method}"

    @property
    def case(self) -> tuple[str, str]:
        """Dataset and split: what stages 1 and 2 depend on."""
        return self.dataset, self.split
