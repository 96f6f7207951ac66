"""A plan in the terminal: why documents are run, the calls of each step, and the whole in the last line."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from docmill.flows.cli.output import plain
from docmill.flows.pipeline.plan import Plan

if TYPE_CHECKING:
    from docmill.flows.plan.amounts import Span
    from docmill.flows.plan.estimate import StepEstimate
    from docmill.flows.plan.forecast import PlannedRun

COLUMNS = ("calls to pay", "from the cache", "tokens read", "tokens written", "USD")


def tell(out: Console, plan: Plan, planned: "PlannedRun") -> None:
    """Print what a run would do."""
    for line in _documents(planned):
        out.print(plain(line), soft_wrap=True)
    if planned.estimate.steps:
        out.print(_table(planned.estimate.steps))
    for assumed in planned.estimate.assumed:
        out.print(plain(f"assumed: {assumed}", "dim"), soft_wrap=True)
    out.print(plain(_whole(plan, planned), "bold"), soft_wrap=True)


def _documents(planned: "PlannedRun") -> Iterator[str]:
    """Say how the documents stand, and why some are to be run."""
    told = {"new": "new", "changed": "changed", "not_done": "not done before"}
    counts = planned.counts
    run = ", ".join(f"{counts[name]:,} {said}" for name, said in told.items() if counts[name])
    stay = ", ".join(
        f"{counts[name]:,} {name}" for name in ("unchanged", "quarantined", "unreadable") if counts[name]
    )
    yield f"{planned.documents:,} documents: {', '.join(filter(None, (run, stay)))}"
    for why, count in planned.why.items():
        if why != "new":
            yield f"  {count:,} because {why}"


def _table(steps: "tuple[StepEstimate, ...]") -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("step")
    table.add_column("model")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for step in steps:
        numbers = (step.calls, step.cached_calls, step.prompt_tokens, step.completion_tokens)
        shown = (plain(_number(each)) for each in numbers)
        table.add_row(plain(step.step), plain(step.model), *shown, plain(_usd(step.cost_usd)))
    return table


def _whole(plan: Plan, planned: "PlannedRun") -> str:
    """Say the whole in one line."""
    estimate = planned.estimate
    if not planned.to_run():
        return "nothing to run: no call, $0"
    parts = [
        f"{planned.to_run():,} documents to run",
        f"{_number(estimate.calls)} calls to pay",
        f"{_number(estimate.cached_calls)} from the cache",
        _usd(estimate.cost_usd) + _budget(plan, estimate.cost_usd),
        _minutes(estimate.minutes),
    ]
    return ", ".join(parts)


def _budget(plan: Plan, cost: "Span | None") -> str:
    """Say where the budget may not hold the run."""
    if plan.budget is None or cost is None or cost.high <= float(plan.budget.least()):
        return ""
    least = float(plan.budget.least())
    return f" (the budget of ${least:.2f} {'does not hold' if cost.low > least else 'may not hold'} it)"


def _number(span: "Span") -> str:
    low, high = round(span.low), round(span.high)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _usd(span: "Span | None") -> str:
    if span is None:
        return "no price known"
    digits = 2 if span.high >= 1 else 4
    low, high = (f"{each:.{digits}f}" for each in (span.low, span.high))
    return f"${high}" if low == high else f"${low} to ${high}"


def _minutes(span: "Span") -> str:
    if span.high < 1:
        return "under a minute"
    low, high = round(span.low), round(span.high)
    return f"{high} min" if low == high else f"{low} to {high} min"
