"""A plan in the terminal: why documents are run, the calls of each step, and the whole in the last line."""

from rich.console import Console
from rich.table import Table

from docmill.flows.cli.output import plain
from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.estimate import StepEstimate
from docmill.flows.plan.forecast import PlannedRun
from docmill.flows.plan.words import documents, number, usd, whole

COLUMNS = ("calls to pay", "cached", "tokens read", "tokens written", "USD")


def tell(out: Console, plan: Plan, planned: PlannedRun) -> None:
    """Print what a run would do."""
    for line in documents(planned):
        out.print(
            plain(line) if not line.startswith(" ") else "  " + line.strip(), soft_wrap=True, markup=False
        )
    if planned.estimate.steps:
        out.print(_table(planned.estimate.steps))
    for assumed in planned.estimate.assumed:
        out.print(plain(f"assumed: {assumed}", "dim"), soft_wrap=True)
    out.print(plain(whole(plan, planned), "bold"), soft_wrap=True)


def _table(steps: tuple[StepEstimate, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("step", "model"):
        table.add_column(name)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for step in steps:
        numbers = (step.calls, step.cached_calls, step.prompt_tokens, step.completion_tokens)
        shown = [*map(number, numbers), usd(step.cost_usd)]
        table.add_row(plain(step.step), plain(step.model), *map(plain, shown))
    return table
