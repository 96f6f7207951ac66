"""A run's progress: a bar with counts, rate and cost on a terminal, plain lines otherwise."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from docmill.flows.cli.summary import Summary
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.flows.server.launch import run_page
from docmill.schemas.evaluate import Verdict
from docmill.schemas.money import money
from docmill.schemas.outcome import Outcome, Run, listed
from docmill.schemas.shard import Shard

LINE_EVERY_S = 2.0
SILENT_AT_MOST_S = 5.0


class Progress(Observer):
    """Shows what a run is doing and gathers its summary."""

    def __init__(self, out: Console, plan: Plan, pipeline: str) -> None:
        self.summary = Summary(plan, pipeline)
        self.api_url = ""
        self._out = out
        self._plan = plan
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[line]}"),
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, line="")
        self._began = time.monotonic()
        self._shown_at = 0.0
        self._ended = threading.Event()

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._bar.stop()

    def announce(self, message: str) -> None:
        """Say what is being waited for."""
        self._bar.update(self._task, description=message)
        if not self._out.is_terminal:
            self._out.print(message, markup=False)

    def warn(self, message: str) -> None:
        """Print a line that stays."""
        self._out.print(message, markup=False, soft_wrap=True)

    def started(self, run: Run, progress: RunProgress) -> None:
        """Print where the run can be watched."""
        self.summary.progress = progress
        if run.flow_run_id:
            page = run_page(self.api_url, run.flow_run_id)
            self._out.print(f"watch this run: {page}", markup=False, soft_wrap=True)
        self._bar.update(self._task, description="documents", completed=0)
        self._began = time.monotonic()
        if not self._out.is_terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    def unchanged(self) -> None:
        """Show that a document more need not be done again."""
        self._show()

    def outcome(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.summary.add(outcome)
        self._show()

    def sharded(self, shards: Sequence[Shard]) -> None:
        """Show what all have come to; the first line says how many are at it."""
        states = Counter(each.state for each in shards)
        at_it, waiting = states["running"], states["waiting"]
        waits = f", {waiting} waiting for a worker" if waiting else ""
        self._bar.update(self._task, description=f"{len(shards)} shards, {at_it} running{waits}")
        self._show()

    def gathered(self, outcomes: Sequence[Outcome]) -> None:
        """Keep them for the table at the end."""
        for outcome in outcomes:
            self.summary.add(outcome)

    def evaluated(self, verdict: Verdict) -> None:
        """Keep it for the end."""
        self.summary.verdict = verdict

    def stopping(self, reason: str, grace_s: float) -> None:
        """Say that the end is near, and how to have it at once."""
        told = f"{reason}: calls in flight get {grace_s:.0f} s; a second Ctrl-C ends it at once"
        self._out.print(told, markup=False, soft_wrap=True)
        self._bar.update(self._task, description="stopping")
        self.summary.stopping = True

    def abandoned(self) -> None:
        """Give the terminal its cursor back."""
        self._bar.stop()

    def _show(self) -> None:
        progress = self.summary.progress
        elapsed = max(time.monotonic() - self._began, 0.001)
        rate = f"{60 * progress.taken_up() / elapsed:.0f}/min"
        completed, in_all = progress.counts.total(), progress.in_all()
        counted = f"{completed:,}/{in_all:,}" if in_all else f"{completed:,}"
        cost = money(progress.total.cost_usd, estimated=progress.total.cost_estimated)
        held = progress.held_back(elapsed)
        line = ", ".join(filter(None, [counted, listed(progress.counts), rate, cost, held]))
        self._bar.update(self._task, completed=completed, total=in_all, line=line)
        if not self._out.is_terminal and time.monotonic() - self._shown_at > LINE_EVERY_S:
            self._shown_at = time.monotonic()
            self._out.print(f"{elapsed:5.0f} s  {line}", markup=False)

    def _tick(self) -> None:
        """Write a line now and then although nothing happens: no wait is silent."""
        while not self._ended.wait(SILENT_AT_MOST_S):
            if time.monotonic() - self._shown_at > SILENT_AT_MOST_S:
                self._show()
