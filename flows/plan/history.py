"""What earlier runs of a pipeline have shown: labels, models in turn, tokens a call, calls a minute."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.plan.amounts import Span
from docmill.schemas.decision import Decision
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.looking import recent_steps
from docmill.tasks.sinks.results import Results
from docmill.tasks.steps.kind import kind

OUTCOMES = 2000  # the last so many are looked at
FEWEST_CALLS = 5  # of which a mean is taken
AROUND = (0.8, 1.25)  # of a mean: what the next documents may come to


@dataclass
class Tokens:
    """The tokens of a step's replies from one model."""

    calls: int = 0
    completion: int = 0

    def mean(self) -> Span | None:
        """Give what a call comes to; None of too few."""
        if self.calls < FEWEST_CALLS:
            return None
        mean = self.completion / self.calls
        return Span(mean * AROUND[0], mean, mean * AROUND[1])


@dataclass
class History:
    """What is known of a pipeline's earlier outcomes and runs; nothing of one that never ran.

    `shares` are those of the labels by classify step, `turns` those of the documents that came to a step's
    second, third … model, `tokens` those of the replies by step and model. `calls_a_minute` is the last
    run's that paid for enough calls, `labels` what people decided about labels, by document and content.
    """

    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    turns: dict[str, tuple[float, ...]] = field(default_factory=dict)
    tokens: dict[tuple[str, str], Tokens] = field(default_factory=dict)
    calls_a_minute: float | None = None
    labels: Mapping[tuple[str, str | None], Sequence[Decision]] = field(default_factory=dict)


def history(plan: Plan, results: ReviewedResults | None) -> History:
    """Read what the results hold of the pipeline."""
    if results is None:
        return History()
    made: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for steps in recent_steps(results, OUTCOMES):
        for name, step in steps.items():
            made[name].append(step)
    found = History(calls_a_minute=_pace(plan, results), labels=_decided_labels(results))
    for step in plan.every_step():
        of_step = made.get(step.id, [])
        if labels := _labels(step, of_step):
            found.shares[step.id] = labels
        found.turns[step.id] = _turns(step, of_step)
        for each in of_step:
            if each.get("sha256") == step.sha256:  # another prompt has other replies
                _add(found.tokens, step.id, each)
    return found


def _labels(step: StepPlan, made: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    known = kind(step.kind).labels(step.options)
    if known is None:
        return None
    counts = Counter(str(each["output"]) for each in made if each.get("output") in known)
    return {label: count / counts.total() for label, count in counts.items()}


def _turns(step: StepPlan, made: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """Give the share of the documents that came to each model after the first."""
    places = [step.models.index(model) for each in made if (model := each.get("model")) in step.models]
    if len(places) < FEWEST_CALLS:
        return ()
    return tuple(sum(each >= place for each in places) / len(places) for place in range(1, len(step.models)))


def _add(tokens: dict[tuple[str, str], Tokens], step_id: str, step: Mapping[str, Any]) -> None:
    """Add the calls that a step of one document has paid for, each to the model that was asked."""
    for call in step.get("made") or ():
        if call["kind"] in ("paid", "retried", "repaired"):
            of_model = tokens.setdefault((step_id, call["model"]), Tokens())
            of_model.calls += 1
            of_model.completion += call["completion_tokens"]


def _decided_labels(results: ReviewedResults) -> Mapping[tuple[str, str | None], Sequence[Decision]]:
    found: defaultdict[tuple[str, str | None], list[Decision]] = defaultdict(list)
    for each in results.every_decision():
        if each.of_label:
            found[each.document_id, each.content_sha256].append(each)
    return found


def _pace(plan: Plan, results: Results) -> float | None:
    """Give the calls a minute of the last run with the plan's models; None where there is none to go by."""
    for run in results.history.runs():
        if run["model"] != plan.model or run["calls"] < FEWEST_CALLS or run["ended_at"] is None:
            continue
        if (minutes := (run["ended_at"] - run["started_at"]).total_seconds() / 60) > 0:
            return float(run["calls"] / minutes)
    return None
