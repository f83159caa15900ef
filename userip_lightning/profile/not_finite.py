"""Users whose likelihood was not finite: they keep their soft tokens, and the run names them."""

from __future__ import annotations

from userip_lightning.profile.held_out import gather_lists


class NotFinite:
    """The sentences of one process that were not said yet."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def add(self, user_id: str, epoch: int, step: int) -> None:
        """A user in a step of an epoch; both count from 0."""
        self._sentences.append(
            f"profile: user {user_id!r} had a likelihood that is not finite in epoch {epoch + 1}, step "
            f"{step + 1}; their soft tokens stay where they were."
        )

    def take(self, world: int) -> list[str]:
        """The sentences of ``world`` processes; none is left."""
        taken = gather_lists(self._sentences, world)
        self._sentences.clear()
        return taken
