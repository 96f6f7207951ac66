"""A run that may cost more than its pipeline lets pass unasked waits for a person's yes."""

from math import inf

from prefect.input import RunInput

from docmill.flows.pipeline.budget import is_tight
from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.forecast import PlannedRun, forecast
from docmill.flows.plan.words import beyond_budget, documents, whole
from docmill.flows.run.asking import Unanswered, asked
from docmill.flows.run.stop import Stop
from docmill.schemas.money import dollars

WAIT_S = 24 * 60 * 60
LOOK_EVERY_S = 3


class GoOn(RunInput):
    """The form that Prefect's UI shows while the run waits."""

    go_on: bool = False


async def needs_yes(plan: Plan) -> PlannedRun | None:
    """Give what a run would do where that may cost more than may pass unasked."""
    return None if plan.confirm_above_usd is None else _needing_yes(plan, await forecast(plan))


def _needing_yes(plan: Plan, planned: PlannedRun) -> PlannedRun | None:
    if plan.confirm_above_usd is None:
        return None
    cost, budget = planned.estimate.cost_usd, plan.budget
    if not planned.estimate.calls.high:
        return None
    most = inf if cost is None else cost.high
    if budget is not None:
        most = min(most, float(budget.least()))
    return planned if most > plan.confirm_above_usd else None


async def confirmed(plan: Plan, stop: Stop) -> str | None:
    """Wait in Prefect's UI for a person's yes where the plan needs one; gives why there is none.

    What no run sends, as the whole budget does not hold it, is told before anything is sent.
    """
    looked = await forecast(plan) if plan.confirm_above_usd is not None or is_tight(plan) else None
    if looked and looked.beyond_budget:
        stop.warn(beyond_budget(looked.beyond_budget))
    planned = looked and _needing_yes(plan, looked)
    if planned is None:
        return None
    said = whole(plan, planned)
    amount = dollars(plan.confirm_above_usd or 0)
    told = "\n".join([*documents(planned), "", said])
    form = GoOn.with_initial_data(
        description=f"This run may cost more than {amount}. Shall it go on?\n\n{told}", go_on=False
    )
    try:
        answer = await asked(form, stop, WAIT_S, LOOK_EVERY_S)
    except Unanswered as why:
        return f"{why}: nothing was sent. {said}"
    return None if answer.go_on else f"the answer was not to go on: nothing was sent. {said}"
