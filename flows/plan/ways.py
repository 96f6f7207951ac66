"""The ways that a step may go while the labels before it are not known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.inputs import Before, is_wanted, schema_of
from docmill.schemas.outcome import StepOutcome
from docmill.schemas.steps import DOCUMENT
from docmill.tasks.steps.kind import kind

MOST_WAYS = 500
Shares = Mapping[str, Mapping[str, float]]  # of labels, by classify step
Label = str | None


@dataclass(frozen=True)
class Open:
    """A step whose outcome is not known: the labels it may give, and whether it may be skipped."""

    labels: tuple[str, ...] = ()
    may_skip: bool = False


@dataclass(frozen=True)
class Way:
    """One way: the schema that is chosen, or that the step is skipped."""

    schema: str | None
    is_wanted: bool


def ways(step: StepPlan, known: Before, unknown: Mapping[str, Open], shares: Shares) -> dict[Way, float]:
    """List the ways that a step may go, each with its share: that of the labels stored so far."""
    deciding = [each for each in _deciding(step) if each in unknown]
    cases = [list(_cases(each, unknown[each], shares)) for each in deciding]
    if prod(map(len, cases)) > MOST_WAYS:
        return dict.fromkeys(_every_way(step), 1.0)
    found: dict[Way, float] = {}
    for case in product(*cases):
        supposed, share = dict(known), 1.0
        for step_id, (outcome, part) in zip(deciding, case, strict=True):
            supposed[step_id], share = outcome, share * part
        schema = schema_of(step, supposed)
        way = Way(schema, is_wanted(step, schema, supposed))
        found[way] = found.get(way, 0.0) + share
    return found


def _every_way(step: StepPlan) -> Iterator[Way]:
    """Give all ways there are, where the labels before have too many combinations."""
    acts = kind(step.kind)
    yield Way(None, is_wanted=False)
    yield from (Way(name, is_wanted=True) for _, name in acts.schemas(step.options))
    if not acts.typed:
        yield Way(None, is_wanted=True)


def opened(step: StepPlan, found: Mapping[Way, float]) -> Open:
    """Say what may become of a step that goes one of these ways."""
    labels = kind(step.kind).labels(step.options) or ()
    return Open(tuple(labels), may_skip=any(not way.is_wanted for way in found))


def _deciding(step: StepPlan) -> Iterator[str]:
    """Name the steps whose outcome decides whether the step is made, and with which schema."""
    chosen = kind(step.kind).chosen_by(step.options)
    names = [*([chosen[0]] if chosen else []), *step.options.when]
    names += [] if step.options.input == DOCUMENT else [step.options.input]
    yield from dict.fromkeys(names)


def _cases(step_id: str, unknown: Open, shares: Shares) -> Iterator[tuple[StepOutcome, float]]:
    """Give each outcome that a step may have, with its share."""
    stored = shares.get(step_id, {})
    for label in unknown.labels or (None,):
        share = stored.get(label or "", 0.0) if stored else 1 / max(1, len(unknown.labels))
        yield StepOutcome(status="done", sha256="", output=label), share
    if unknown.may_skip:
        yield StepOutcome(status="skipped", sha256=""), 0.5
