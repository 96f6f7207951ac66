"""Who watches a run: the command line's progress, or nobody."""

from schemas.outcome import Outcome, Run


class Listener:
    """Told what happens in a run, as it happens; this one does nothing."""

    def announce(self, message: str) -> None:
        """Take a line about what is being waited for."""

    def started(self, run: Run, page: str) -> None:
        """A run begins; `page` is the address of its page in the Prefect UI."""

    def unchanged(self, documents: int) -> None:
        """So many documents more need not be done again."""

    def outcome(self, outcome: Outcome) -> None:
        """An outcome is stored."""

    def ended(self, run: Run) -> None:
        """The run has ended and its row is written."""
