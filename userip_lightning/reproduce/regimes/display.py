"""Where a study of regimes stands: a bar over regimes, and a line for every run."""

from __future__ import annotations

from userip_lightning.pipeline.progress import Display


class RegimesDisplay(Display):
    """A display whose bar counts regimes, however many runs they have."""

    counts_runs = False

    def count(self, regimes: int) -> None:
        """Say how many regimes there are."""
        self.drawn.update(self._overall, description="regimes", total=regimes, visible=True)

    def expect(self, runs: int) -> None:
        """The pipeline's count of the runs of one experiment, which the bar does not show."""

    def ended(self, text: str) -> None:
        """A regime is done, kept or failed."""
        self.drawn.advance(self._overall)
        self.notice(text)
