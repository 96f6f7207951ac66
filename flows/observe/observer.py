"""Who watches a run: the command line's progress, Prefect's UI, or nobody."""

from collections.abc import Sequence

from docmill.flows.observe.progress import RunProgress
from docmill.schemas.evaluate import Verdict
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.shard import Shard

GRACE_S = 10.0  # a run that is stopped gives calls in flight so long to end by themselves


class Observer:
    """Told what happens in a run, as it happens; this one does nothing."""

    def announce(self, message: str) -> None:
        """Take a line about what is being waited for."""

    def warn(self, message: str) -> None:
        """Take a line that must be read, such as why nothing goes on."""

    def started(self, run: Run, progress: RunProgress) -> None:
        """A run begins; its row is written, and its progress is kept up to date from here on."""

    def unchanged(self) -> None:
        """A document more need not be done again."""

    def outcome(self, outcome: Outcome) -> None:
        """An outcome is stored."""

    def sharded(self, shards: Sequence[Shard]) -> None:
        """The shards of the run have come so far."""

    def gathered(self, outcomes: Sequence[Outcome]) -> None:
        """The shards are through, and these are some of their outcomes, those not done first."""

    def evaluated(self, verdict: Verdict) -> None:
        """What is stored was held against the pipeline's labels, at the end of the run."""

    def nearly_spent(self, budget: str, spent_usd: float, of_usd: float) -> None:
        """Nine tenths of a budget (`run` or `day`) are spent."""

    def stopping(self, reason: str, grace_s: float) -> None:
        """The run is being stopped: calls in flight get so many seconds, nothing else is sent."""

    def abandoned(self) -> None:
        """The process ends in this moment."""
