"""From a checked pipeline to a plan: everything that is decided before the first request."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from docmill.flows.pipeline.budget import budget_of
from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.endpoint import Asked, asked_of
from docmill.flows.pipeline.ends import ends, evaluate_of, notify_of, selected, sight_of
from docmill.flows.pipeline.graph import labelled_by
from docmill.flows.pipeline.hashes import sha256_of, surroundings, unhashed, whole_sha256
from docmill.flows.pipeline.options import RunOptions, Shards
from docmill.flows.pipeline.reviewed import with_reviews
from docmill.flows.pipeline.since import since_last
from docmill.schemas.alert import Alert
from docmill.schemas.budget import Budget
from docmill.schemas.bundle import SPLIT
from docmill.schemas.document import Ocr
from docmill.schemas.endpoint import LOCAL_CONCURRENCY, Target
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import Evaluate
from docmill.schemas.notify import Notify
from docmill.schemas.pipeline import Gone, Into, Limits, Pipeline
from docmill.schemas.steps import AnyKind, StepOptions, kind_and_options
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.declared import faults
from docmill.tasks.sinks.examples import Chosen
from docmill.tasks.sources.confining import confined
from docmill.tasks.sources.source import Source
from docmill.tasks.steps.kind import kind

AS_DECLARED = RunOptions()


@dataclass(frozen=True)
class StepPlan:
    """One step as it will run; `sha256` stands for whatever can change its bodies or their reading.

    Its `models` are asked in turn: the next where an answer will not do. `schema_sha256` is of what its
    answers have to satisfy alone: a plan tells by it why a step is run again. `labelled_by` is the step whose
    label its rules may name. `has_table` says that its records fill a typed table.
    """

    id: str
    kind: AnyKind
    options: StepOptions
    needs: tuple[str, ...]
    sha256: str
    models: tuple[str, ...]
    schema_sha256: str = ""
    labelled_by: str | None = None
    has_table: bool = False

    def typed_schemas(self) -> list[str]:
        """Name the tool schemas, as declared, whose records have a table."""
        acts = kind(self.kind)
        return list(dict.fromkeys(name for _, name in acts.schemas(self.options))) if self.has_table else []


@dataclass(frozen=True)
class Plan:
    """One pipeline as it will run. `origin` says where endpoint and model came from.

    Where `allow_unread` is set, a document is done although a part of it could not be read. `examples` are
    those that its steps take from reviews.
    """

    name: str
    declared: CheckedPipeline
    source: Source
    target: Target
    origin: str
    steps: tuple[StepPlan, ...]
    tools: Mapping[str, ToolSchema]
    into: Into
    limits: Limits
    limit: int | None
    refresh: bool
    allow_unread: bool
    sha256: str
    evaluate: Evaluate | None = None
    budget: Budget | None = None
    confirm_above_usd: float | None = None
    released: bool = False  # what is in quarantine is not passed over
    is_trial: bool = False  # its results are kept nowhere
    fail_above: float = 0.0
    alert: Alert | None = None
    examples: tuple[Chosen, ...] = ()
    shards: Shards = 1
    selection: str = ""  # of its documents, by the options
    notify: Notify | None = None
    ocr: Ocr = "missing"
    split: StepPlan | None = None  # what divides files that hold several documents
    gone: Gone | None = None  # what becomes of documents that are no more; None where not all are listed
    gone_for_good: tuple[str, ...] = ()  # folders that are not just not mounted

    @property
    def pauses(self) -> bool:
        """Whether a run waits for decisions on what it has brought into review."""
        return self.declared.pipeline.review == "pause"

    @property
    def models(self) -> list[str]:
        """List all models that may be asked, in the order of the steps."""
        return list(dict.fromkeys(model for step in self.every_step() for model in step.models))

    @property
    def model(self) -> str:
        """Name them all."""
        return ", ".join(self.models)

    @property
    def concurrency(self) -> int:
        """Say how many calls may be in flight."""
        return self.limits.concurrency

    def every_step(self) -> tuple[StepPlan, ...]:
        """Give the steps, and before them what divides files, where they are divided."""
        return (*((self.split,) if self.split else ()), *self.steps)

    def typed(self) -> dict[str, ToolSchema]:
        """Give the tool schemas whose records have a table, by their declared names."""
        return {name: self.tools[name] for step in self.steps for name in step.typed_schemas()}


def resolve(
    checked: CheckedPipeline, options: RunOptions = AS_DECLARED, below: tuple[Path, ...] | None = None
) -> Plan:
    """Decide what a run will do: option before environment before pipeline.

    `below` are the folders outside of which no file is read. Raises ConfigError for what cannot run.
    """
    _check_retry_scale()
    own = AS_DECLARED if options.trial else RunOptions(into=options.into)  # a trial's results are others
    checked, examples = with_reviews(
        checked, lambda: ends(checked.pipeline, own), below, as_kept=options.as_kept
    )
    pipeline = checked.pipeline
    asked = asked_of(pipeline, options)
    target = asked.target
    steps = _steps(checked, asked)
    split = _split(checked, asked)
    sha256 = whole_sha256(pipeline, steps, checked.tools, split)
    source, into = ends(pipeline, options, sight_of(pipeline, target), split.sha256 if split else None)
    source = since_last(source, pipeline, into, sha256, options)
    return Plan(
        name=pipeline.name,
        declared=checked,
        source=selected(source if below is None else confined(source, below), options),
        target=target,
        origin=asked.origin,
        steps=steps,
        tools=checked.tools,
        into=into,
        limits=Limits(concurrency=LOCAL_CONCURRENCY) if target.local else _limits(pipeline, options),
        limit=options.limit,
        refresh=options.refresh,
        allow_unread=pipeline.unread == "allow",
        sha256=sha256,
        evaluate=None if options.trial else evaluate_of(pipeline),
        budget=budget_of(pipeline, options),
        confirm_above_usd=None if options.yes else pipeline.confirm_above_usd,
        released=options.released,
        is_trial=options.trial,
        fail_above=pipeline.fail_above,
        ocr=pipeline.ocr,
        alert=pipeline.alert,
        examples=examples,
        shards=options.shards,
        selection=options.selection(),
        notify=None if options.trial else notify_of(pipeline),
        split=split,
        gone=pipeline.gone if options.takes_all() and not pipeline.reads_since() else None,
        gone_for_good=options.gone,
    )


def _check_retry_scale() -> None:
    said = os.environ.get("DOCMILL_RETRY_SCALE") or "1"
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", said):
        raise ConfigError(f"DOCMILL_RETRY_SCALE: must be a number that is not negative, not {said!r}")


def _limits(pipeline: Pipeline, options: RunOptions) -> Limits:
    if options.concurrency is None:
        return pipeline.limits
    try:
        return Limits.model_validate({**dict(pipeline.limits), "concurrency": options.concurrency})
    except ValidationError as error:
        raise ConfigError(f"--concurrency: {faults(error, {}, Limits)[0][1]}") from None


def _steps(checked: CheckedPipeline, asked: Asked) -> tuple[StepPlan, ...]:
    return tuple(
        _step(step_id, *kind_and_options(step), before, checked, asked)
        for step, (step_id, before) in zip(checked.pipeline.steps, checked.waits.items(), strict=True)
    )


def _split(checked: CheckedPipeline, asked: Asked) -> StepPlan | None:
    split = checked.pipeline.splits()
    return _step(SPLIT, "split", split.pages(), (), checked, asked) if split else None


def _step(
    step_id: str,
    name: AnyKind,
    options: StepOptions,
    before: tuple[str, ...],
    checked: CheckedPipeline,
    asked: Asked,
) -> StepPlan:
    first_model, *further = models = asked.in_turn(options.model)
    acts, target = kind(name), asked.target.model_copy(update={"model": first_model})
    answers = acts.answers(options, checked.tools)
    declared = [
        name,
        options.model_dump(mode="json", by_alias=True, exclude=unhashed(options)),
        before,
        answers,
        surroundings(target, further, votes=acts.votes(options)),
        # It decides where a long text is divided.
        *([asked.target.endpoint.context_tokens] if options.long == "parts" else []),
    ]
    hashes = {"sha256": sha256_of(declared), "schema_sha256": sha256_of(answers)}
    label = labelled_by(checked.pipeline, step_id) if name != "split" else None
    has_table = step_id in checked.with_tables
    return StepPlan(
        step_id, name, options, before, models=models, labelled_by=label, has_table=has_table, **hashes
    )
