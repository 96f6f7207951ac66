"""OpenTelemetry's view of a run: a span each for run, document and step, and its documents counted.

Where no SDK is configured this does nothing. Spans hold names and numbers that Prefect's events hold too.
"""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.schemas.outcome import Outcome, Run, Status, StepOutcome
from docmill.tasks.chat.telemetry import METER, Attributes, spanned

GOOD_STEPS = ("done", "skipped", "review")
GOOD_RUNS = ("complete", "stopped")
DOCUMENTS = METER.create_counter("docmill.documents", "{document}", "Documents by what became of them")

Parameters = ParamSpec("Parameters")
Given = TypeVar("Given")
Async = Callable[Parameters, Coroutine[Any, Any, Given]]


def traced(
    name: str, attributes: Callable[..., Attributes]
) -> Callable[[Async[Parameters, Given]], Async[Parameters, Given]]:
    """Give a coroutine function a span a call, with the attributes that its arguments say."""

    def decorated(function: Async[Parameters, Given]) -> Async[Parameters, Given]:
        @wraps(function)
        async def within(*arguments: Parameters.args, **named: Parameters.kwargs) -> Given:
            with spanned(name, attributes(*arguments, **named)):
                return await function(*arguments, **named)

        return within

    return decorated


def run_span(plan: Plan, flow_run_id: str) -> AbstractContextManager[Span]:
    """Open the span of a run; what is sent meanwhile stands below it."""
    named = {"docmill.pipeline": plan.name, "prefect.flow_run.id": flow_run_id, "docmill.model": plan.model}
    return spanned(f"run {plan.name}", named)


def run_ended(run: Run) -> None:
    """Say on the run's span, in which this is called, what it has come to."""
    span = trace.get_current_span()
    span.set_attributes({"docmill.run_id": run.run_id, "docmill.state": run.state})
    span.set_attributes({"docmill.documents_in": run.documents_in, "docmill.calls": run.calls})
    if run.state not in GOOD_RUNS:
        span.set_status(StatusCode.ERROR)


@contextmanager
def step_span(plan: Plan, step: StepPlan) -> Iterator[Callable[[StepOutcome], None]]:
    """Open the span of one step of one document; gives what takes its outcome."""
    named = {"docmill.pipeline": plan.name, "docmill.step": step.id, "docmill.kind": step.kind}
    with spanned(f"step {step.id}", named) as span:
        yield lambda outcome: _told(span, outcome.status, outcome.status in GOOD_STEPS)


def document_ended(plan: Plan, outcome: Outcome) -> None:
    """Count a document whose outcome is stored, and say it on its span, in which this is called."""
    _told(trace.get_current_span(), outcome.status, outcome.status in GOOD_STEPS)
    count_document(plan.name, outcome.status)


def count_document(pipeline: str, status: Status) -> None:
    """Count a document by what became of it."""
    DOCUMENTS.add(1, {"docmill.pipeline": pipeline, "docmill.status": status})


def _told(span: Span, status: str, good: bool) -> None:
    span.set_attribute("docmill.status", status)
    if not good:
        span.set_status(StatusCode.ERROR)
