"""Tables and figures that are more than rows of methods, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from userip_lightning.reproduce.attention.run import reproduce_fig7
from userip_lightning.reproduce.case_study.run import reproduce_table5
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.run import Finished
from userip_lightning.reproduce.settings import Study
from userip_lightning.reproduce.table1 import table1
from userip_lightning.reproduce.table6 import table6


class Special(NamedTuple):
    """How one is made, and what it shows, for `--help`."""

    make: Callable[[Study, Choice, StudyDisplay], Finished]
    help: str


SPECIAL = {
    "table1": Special(table1, "the data sets beside the paper's"),
    "table5": Special(reproduce_table5, "words of users and codes, and whether they are better than chance"),
    "table6": Special(table6, "seconds per 10,000 instances, without codes, with them and with KAR"),
    "fig7": Special(reproduce_fig7, "attention of words to soft tokens before and after tuning"),
}
