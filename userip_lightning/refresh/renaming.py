"""A table whose codes go by other names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from userip_lightning.catalogue.factorised_table import FactorisedTable
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.refresh.matching import matched

Codes = NDArray[np.int64]
Table = CodeTable | FactorisedTable


def like_before(
    table: Table, unseen: UnseenItems, before: Codes, after: Codes, sizes: Sequence[int]
) -> tuple[Table, UnseenItems]:
    """Give codes the names of those that had most of their users before.

    Combinations of joint codebooks are matched as they are, factorised codebooks one by one.

    Args:
        table: the new one.
        unseen: what it says of items without events.
        before: [U, P] codes.
        after: [U, P] codes by ``table``, of the same users.
        sizes: K_p.
    """
    if isinstance(table, FactorisedTable):
        first, second = (matched(before[:, p], after[:, p], size) for p, size in enumerate(sizes))
        pairs = np.ix_(first, second)
        columns = np.concatenate([first, sizes[0] + second])
        renamed: Table = FactorisedTable(
            table.first[:, first],
            table.second[:, second],
            table.log_normaliser[pairs],
            table.log_share[pairs],
        )
    else:
        one, other = (np.ravel_multi_index(tuple(codes.T), tuple(sizes)) for codes in (before, after))
        columns = matched(one, other, int(np.prod(sizes)))
        renamed = CodeTable(table.evidence[:, columns], table.log_share[columns])
    return renamed, UnseenItems(unseen.weight[:, columns], unseen.alone[columns])
