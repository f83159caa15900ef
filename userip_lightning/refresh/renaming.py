"""A table whose codes go by other names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.refresh.matching import matched

Codes = NDArray[np.int64]


def like_before(
    table: CodeTable, unseen: UnseenItems, before: Codes, after: Codes, sizes: Sequence[int]
) -> tuple[CodeTable, UnseenItems]:
    """Give classes the names of those that had most of their users before.

    Args:
        table: the new one, of joint codebooks.
        unseen: what it says of items without events.
        before: [U, P] codes.
        after: [U, P] codes by ``table``, of the same users.
        sizes: K_p.
    """
    one, other = (np.ravel_multi_index(tuple(codes.T), tuple(sizes)) for codes in (before, after))
    columns = matched(one, other, int(np.prod(sizes)))
    renamed = CodeTable(table.evidence[:, columns], table.log_share[columns])
    return renamed, UnseenItems(unseen.weight[:, columns], unseen.alone[columns])
