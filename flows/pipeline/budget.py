"""What a run may spend, and whether its calls fit at all: said before anything is sent."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from docmill.flows.pipeline.options import RunOptions
from docmill.schemas.budget import Budget
from docmill.schemas.endpoint import Target
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import money
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.request import BYTES_PER_TOKEN, parsed
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.votes import bodies

if TYPE_CHECKING:
    from docmill.flows.pipeline.plan import Plan, StepPlan


def budget_of(pipeline: Pipeline, options: RunOptions) -> Budget | None:
    """Decide what a run may spend: --max-cost before the pipeline's own run_usd."""
    if options.max_cost is None:
        return pipeline.budget
    if options.max_cost <= 0:
        raise ConfigError("--max-cost: must be more than 0 USD")
    day = pipeline.budget.day_usd if pipeline.budget else None
    return Budget(run_usd=options.max_cost, day_usd=day)


def require_affordable(plan: "Plan") -> None:
    """Raise ConfigError where there is a budget, and a model has no price or a call could never fit."""
    if plan.budget is None:
        return
    for step in plan.every_step():
        for model in step.models:
            most = max(_prices(plan.target.model_copy(update={"model": model}), step, plan.tools))
            if plan.budget.least() < Decimal(most):
                held = money(float(plan.budget.least()), estimated=False)
                raise ConfigError(
                    f"budget: {held} is less than one call of {step.id} with {model} may cost, "
                    f"{money(most, estimated=False)} even of an empty document: raise it, or give the step "
                    "a smaller max_tokens"
                )


def is_tight(plan: "Plan") -> bool:
    """Say whether some document that the context holds may cost more in one call than the whole budget."""
    if plan.budget is None:
        return False
    whole = "x" * (BYTES_PER_TOKEN * plan.target.endpoint.context_tokens)
    asked = (
        (plan.target.model_copy(update={"model": model}), step)
        for step in plan.every_step()
        for model in step.models
    )
    return any(Decimal(max(_prices(*each, plan.tools, whole))) > plan.budget.least() for each in asked)


def _prices(
    target: Target, step: "StepPlan", tools: Mapping[str, ToolSchema], text: str = ""
) -> Iterator[float]:
    """Price the requests that the step makes of a text, as they are reserved."""
    from docmill.tasks.chat.bill import most_usd  # the prices take half a second to load
    from docmill.tasks.chat.usage import Allowed

    acts = kind(step.kind)
    named: list[ToolSchema | None] = [tools[name] for _, name in acts.schemas(step.options)]
    for schema in named or [None]:
        body = acts.request(text, step.options, acts.tool(step.options, schema), target)
        for each in bodies(body, step.options, acts.votes(step.options), target.endpoint):
            request = parsed(each)
            allowed = Allowed.of(request, len(each), target.endpoint)
            usd = most_usd(target, allowed, tools="tools" in request)
            if usd is None:
                raise ConfigError(
                    f"budget: no price is known for the model {target.model}: give the endpoint as a mapping "
                    "with `prices: {input: …, output: …}`, in USD a million tokens"
                )
            yield usd
