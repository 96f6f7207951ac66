"""Who watches a run: the command line's progress, or nobody."""

from docmill.schemas.outcome import Outcome, Run

GRACE_S = 10.0  # a run that is stopped gives calls in flight so long to end by themselves


class Listener:
    """Told what happens in a run, as it happens; this one does nothing."""

    def announce(self, message: str) -> None:
        """Take a line about what is being waited for."""

    def started(self, run: Run) -> None:
        """A run begins; its row is written."""

    def expected(self, documents: int) -> None:
        """So many documents the source has in all."""

    def unchanged(self, documents: int) -> None:
        """So many documents more need not be done again."""

    def outcome(self, outcome: Outcome) -> None:
        """An outcome is stored."""

    def stopping(self, reason: str, grace_s: float) -> None:
        """The run is being stopped: calls in flight get so many seconds, nothing else is sent."""

    def abandoned(self) -> None:
        """The process ends in this moment."""
