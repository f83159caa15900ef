"""States of users: those that a bank keeps, and the check that an array is a state."""

from __future__ import annotations

import numpy as np

from userip_lightning.arrays import Floats, open_array
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.ids import Ids


class StoredStates:
    """States [U, W] of a bank's users, mapped from disk; all ids are read once.

    Args:
        bank: that keeps them.
        width: W.

    Raises:
        InputError: the bank was written before banks kept states, or its version was deleted since it was
            opened.
    """

    def __init__(self, bank: FeatureBank, width: int) -> None:
        self.bank = bank
        file = bank.path / "states.npy"
        if not file.is_file():
            raise InputError(
                f"{file}: missing, this bank was written before banks kept states; fit it again with this "
                "version."
            )
        users = bank.users["user_id"].to_numpy().astype(np.str_)
        self.rows = np.empty(users.size, dtype=np.int64)  # of the states, by place of ``FeatureBank.find``
        self.rows[bank.find(users)] = np.arange(users.size)
        self.states: Floats = open_array(file, "f", (users.size, width))

    def of(self, user_ids: Ids, fresh: Floats) -> Floats:
        """[N] user ids to [N, W]: their states, and the state ``fresh`` [W] of users who are not there."""
        places = self.bank.find(user_ids)
        there = places >= 0
        found = np.tile(fresh, (places.size, 1))
        found[there] = self.states[self.rows[places[there]]]
        return found


def require_state(state: Floats, width: int, writeable: bool = False) -> None:
    """Refuse what is no state of W figures; cheap, as it is done for every event.

    Raises:
        InputError: no float64 vector of ``width`` figures, or one that cannot be written to.
    """
    if not isinstance(state, np.ndarray) or state.dtype != np.float64 or state.shape != (width,):
        given = f"{state.dtype} of shape {state.shape}" if isinstance(state, np.ndarray) else repr(state)[:40]
    elif writeable and not state.flags.writeable:
        given = "read-only"
    else:
        return
    raise InputError(
        f"state: {given}, expected a writeable float64 vector of {width} figures; "
        "numpy.frombuffer(...).copy() gives one."
    )
