"""What an artifact keeps so that items that come later get rows of its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.texts.reader import TextReader, packed

#: Key of the manifest's ``extra``: the readers of texts, or in ``refused`` why there can be none.
NEW_ITEMS = "new_items"


def kept_for_new_items(
    unseen: UnseenItems, readers: Sequence[TextReader] | None, moved: str | None = None
) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    """Readers and prior, as JSON values and arrays by name.

    Args:
        unseen: of the last M step, in the order of the codes.
        readers: of the texts; None where nothing was kept that reads another one.
        moved: why the table is not what its M step says, if so.
    """
    if moved is not None:
        return {"refused": moved}, {}
    if readers is None:
        return {
            "refused": "its text source learns from the log, or its texts were permuted, and nothing is kept "
            "that reads another text"
        }, {}
    told, arrays = packed(readers)
    return {"readers": told}, {**arrays, "prior_weight": unseen.weight, "prior_alone": unseen.alone}
