"""A plan in Prefect's UI: an artifact with a table, and the whole as the flow run's message."""

from collections.abc import Callable, Iterator
from typing import Any

from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from docmill.flows.observe.artifact import escaped
from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.forecast import PlannedRun, forecast
from docmill.flows.plan.words import documents, number, usd, whole
from docmill.schemas.errors import ConfigError, StorageError

HEAD = "| step | model | calls to pay | from the cache | tokens read | tokens written | USD |"
RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: |"


async def planned(prepare: Callable[[], Plan]) -> State[Any]:
    """Plan instead of running; gives the flow run's final state."""
    try:
        plan = prepare()
        found = await forecast(plan)
    except (ConfigError, StorageError) as error:
        return Failed(message=str(error))
    said = whole(plan, found)
    await acreate_markdown_artifact(markdown(plan, found), key=f"{plan.name}-plan", description=said)
    return Completed(message=said)


def markdown(plan: Plan, found: PlannedRun) -> str:
    """Write what a run would do, as the UI shows it."""
    return "\n".join([f"# {plan.name}: plan", f"\n**{escaped(whole(plan, found))}**", *_lines(found), ""])


def _lines(found: PlannedRun) -> Iterator[str]:
    yield ""
    yield from (f"- {escaped(line.strip())}" for line in documents(found))
    if found.estimate.steps:
        yield from ("", HEAD, RULE)
    for step in found.estimate.steps:
        numbers = (step.calls, step.cached_calls, step.prompt_tokens, step.completion_tokens)
        cells = [escaped(step.step), escaped(step.model), *map(number, numbers), escaped(usd(step.cost_usd))]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from (f"Assumed: {escaped(assumed)}." for assumed in found.estimate.assumed)
