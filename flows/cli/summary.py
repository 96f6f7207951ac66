"""What a run has come to: its table of outcomes, counts, tokens, cost, and how to go on."""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from docmill.flows.cli.output import plain
from docmill.flows.evaluate.gate import percent
from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.decision import Waiting
from docmill.schemas.evaluate import Verdict
from docmill.schemas.money import money, tokens_of
from docmill.schemas.outcome import BAD, GOOD, Outcome, Run, many
from docmill.tasks.sinks.database import shown

MOST_ROWS = 20
STYLES: dict[str, str] = {"done": "green", "review": "yellow", "deferred": "yellow"}


class Summary:
    """Gathers outcomes as they come; of a large run it keeps the first of each kind."""

    def __init__(self, plan: Plan, pipeline: str) -> None:
        self.progress = RunProgress()
        self.stopping = False  # from then on what is deferred needs no line of its own
        self.is_trial = False
        self.verdict: Verdict | None = None  # what became of the pipeline's labels
        self._plan = plan
        self._pipeline = pipeline  # as commands name it
        self._good: list[Outcome] = []
        self._bad: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Take an outcome in."""
        rows = self._good if outcome.status in GOOD else self._bad
        if len(rows) < MOST_ROWS and not (self.stopping and outcome.status == "deferred"):
            rows.append(outcome)

    def print(self, out: Console, run: Run, waiting: Waiting) -> None:
        """Print the end of a run."""
        if rows := [*self._bad, *self._good][:MOST_ROWS]:
            out.print(self._table(rows))
            if (more := self.progress.taken_up() - len(rows)) > 0:
                out.print(f"… and {more:,} more", style="dim")
        tokens = tokens_of(run.model_dump())
        calls = f"{many(run.calls, 'call')} paid, {run.cached_calls:,} from the cache"
        left = (self.progress.in_all() or 0) - run.documents_in
        unread = f", {left:,} more not read" if run.state == "stopped" and left > 0 else ""
        out.print(f"{run.state}: {run.counted()}{unread}", style="bold")
        out.print(f"{calls}, {tokens}, {self._cost(run)}")
        if held := self.progress.held_back(run.seconds()):
            out.print(held, style="dim")
        if truncated := self.progress.truncated:
            out.print(f"{truncated:,} read only in part, as max_input_tokens says", style="dim")
        if in_part := self.progress.done_in_part:
            out.print(f"{in_part:,} done with parts that could not be read, as unread says", style="dim")
        for said in _evaluated(self.verdict) if self.verdict else ():
            out.print(said, soft_wrap=True)
        if self.is_trial:
            out.print("results: none are kept, as --try says; what was paid for is in the cache")
            return
        out.print(f"results: {shown(self._plan.into.url)}", markup=False, soft_wrap=True)
        out.print(f"run {run.run_id[:8]}", markup=False, style="dim")
        for line in _advice(run, self._pipeline, waiting):
            out.print(line, markup=False, soft_wrap=True)

    def _cost(self, run: Run) -> str:
        listed = self._plan.target.endpoint.prices is None and not run.cost_booked
        return money(run.cost_usd, estimated=run.cost_estimated, listed=listed)

    def _table(self, outcomes: list[Outcome]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, expand=True)
        for name, width in (("document", 32), ("status", 11), ("label", 18)):
            table.add_column(name, max_width=width, no_wrap=True, overflow="ellipsis")
        for name, ratio in (("summary", 3), ("record", 2)):
            table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for outcome in sorted(outcomes, key=_place):
            status = plain(outcome.status, STYLES.get(outcome.status, "red"))
            said = outcome.summary if outcome.status in GOOD else outcome.error
            table.add_row(
                plain(PurePath(outcome.document_id).name),
                status,
                plain(outcome.label),
                plain(said),
                plain(_values(outcome.record)),
            )
        return table


def _place(outcome: Outcome) -> tuple[int, int, str]:
    """Order outcomes: what is not fine, what is in review, what is done; by id, numbers by their size."""
    id_ = outcome.document_id
    rank = ("review", "done").index(outcome.status) + 1 if outcome.status in ("review", "done") else 0
    return rank, len(id_) if id_.isdecimal() else 0, id_


def _values(record: Mapping[str, Any] | None) -> str:
    """Write a record's values alone: its column is narrow, and the fields' names are known."""
    values = (record or {}).values()
    return ", ".join(
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
        for each in values
        if each is not None
    )


def _evaluated(verdict: Verdict) -> Iterator[Text]:
    """Say how right the results are, and what was asked and does not hold."""
    shares = {"labels": verdict.label, "fields": verdict.all_fields}
    said = [f"{name} {percent(share)}" for name, share in shares.items() if share is not None]
    known = [(share, name) for name, share in verdict.fields.items() if share is not None]
    said += [f"lowest {min(known)[1]} {percent(min(known)[0])}"] if known[1:] else []
    head = f"evaluated by {verdict.labels}: {verdict.answered:,} of {verdict.documents:,} answered"
    yield plain(f"{head}; right: {', '.join(said)}" if said else head)
    yield from (plain(f"evaluation failed: {reason}", "bold red") for reason in verdict.reasons)


def _advice(run: Run, pipeline: str, waiting: Waiting) -> Iterator[str]:
    """Say how to go on: what another run takes up, and where the reasons stand."""
    if run.counts.get("deferred") or run.state in ("stopped", "failed"):
        yield "Run it again to go on: what is done is not done again, what was paid is not paid again."
    if bad := [status for status in BAD if run.counts.get(status)]:
        yield f"Why {' or '.join(bad)}: docmill report {pipeline}"
    if quarantined := run.counts.get("quarantined"):
        held = f"{quarantined:,} in quarantine, as in three runs in a row"
        yield f"{held} they were not done: docmill retry {pipeline} --quarantined"
    if waiting.in_all:
        yield f"{waiting}: docmill review {pipeline}"
