"""From a checked pipeline to a plan: everything that is decided before the first request."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.endpoint import Asked, asked_of, first
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.reviewed import with_reviews
from docmill.schemas.endpoint import LOCAL_CONCURRENCY, Endpoint, Target
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import Evaluate
from docmill.schemas.pipeline import Into, Limits, Pipeline
from docmill.schemas.rule import Rule
from docmill.schemas.steps import Kind, StepOptions, kind_and_options
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.declared import faults
from docmill.tasks.checks.variables import expanded
from docmill.tasks.sinks.examples import Chosen
from docmill.tasks.sinks.keys import KeyedInto
from docmill.tasks.sources.documents import confined, source_of
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.selected import Selected
from docmill.tasks.sources.source import Source
from docmill.tasks.steps import prompt
from docmill.tasks.steps.kind import kind

AS_DECLARED = RunOptions()
LATER_KEYS = {"instructions": None, "lists": "auto", "examples": ()}


@dataclass(frozen=True)
class StepPlan:
    """One step as it will run; `sha256` stands for whatever can change its bodies or their reading.

    Its `models` are asked in turn: the next where an answer will not do.
    """

    id: str
    kind: Kind
    options: StepOptions
    needs: tuple[str, ...]
    sha256: str
    models: tuple[str, ...]

    def typed_schemas(self) -> list[str]:
        """Name the tool schemas, as declared, whose records have a table."""
        acts = kind(self.kind)
        return list(dict.fromkeys(name for _, name in acts.schemas(self.options))) if acts.typed else []


@dataclass(frozen=True)
class Plan:
    """One pipeline as it will run. `origin` says where endpoint and model came from.

    Where `allow_unread` is set, a document is done although a part of it could not be read. `examples` are
    those that its steps take from reviews.
    """

    name: str
    source: Source
    target: Target
    origin: str
    steps: tuple[StepPlan, ...]
    tools: Mapping[str, ToolSchema]
    into: Into
    concurrency: int
    limit: int | None
    refresh: bool
    allow_unread: bool
    sha256: str
    evaluate: Evaluate | None = None
    examples: tuple[Chosen, ...] = ()

    @property
    def model(self) -> str:
        """Name all models that may be asked, in the order of the steps."""
        return ", ".join(dict.fromkeys(model for step in self.steps for model in step.models))

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
    checked, examples = with_reviews(checked, lambda: ends(checked.pipeline, own), below)
    pipeline = checked.pipeline
    asked = asked_of(pipeline, options)
    target = asked.target
    steps = _steps(checked, asked)
    source, into = ends(pipeline, options)
    return Plan(
        name=pipeline.name,
        source=_selected(source if below is None else confined(source, below), options),
        target=target,
        origin=asked.origin,
        steps=steps,
        tools=checked.tools,
        into=into,
        concurrency=LOCAL_CONCURRENCY if target.local else _limits(pipeline, options).concurrency,
        limit=options.limit,
        refresh=options.refresh,
        allow_unread=pipeline.unread == "allow",
        sha256=_whole_sha256(pipeline, steps, checked.tools),
        evaluate=None if options.trial else evaluate_of(pipeline),
        examples=examples,
    )


def evaluate_of(pipeline: Pipeline) -> Evaluate | None:
    """Give what results are held against, with the variables of its URL filled in."""
    declared = pipeline.evaluate
    if declared is None or isinstance(declared.labels, str):
        return declared
    url = expanded(declared.labels.url, "evaluate.labels.url", secret=_secret(pipeline))
    return declared.model_copy(update={"labels": declared.labels.model_copy(update={"url": url})})


def into_of(pipeline: Pipeline, options: RunOptions) -> Into:
    """Decide where results go: option before environment before pipeline."""
    url, _ = first(("--into", options.into), ("DOCMILL_INTO", os.environ.get("DOCMILL_INTO")))
    sink = pipeline.sink()
    return sink.model_copy(update={"url": url or expanded(sink.url, "into", secret=_secret(pipeline))})


def _check_retry_scale() -> None:
    said = os.environ.get("DOCMILL_RETRY_SCALE") or "1"
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", said):
        raise ConfigError(f"DOCMILL_RETRY_SCALE: must be a number that is not negative, not {said!r}")


def ends(pipeline: Pipeline, options: RunOptions) -> tuple[Source, Into]:
    """Decide where documents come from and where results go."""
    into = into_of(pipeline, options)
    if pipeline.rows is None:
        patterns = pipeline.patterns() if options.documents is None else (options.documents,)
        return source_of([_expanded_url(pattern, pipeline) for pattern in patterns]), into
    if options.documents is not None:
        raise ConfigError(f"--documents: the pipeline {pipeline.name} reads rows: change its query instead")
    url = expanded(pipeline.rows.url, "rows.url", secret=_secret(pipeline))
    rows = Rows(pipeline.rows.model_copy(update={"url": url}))
    return rows, KeyedInto(**into.model_dump(exclude_unset=True), first_key=rows.first_key)


def _selected(source: Source, options: RunOptions) -> Source:
    """Take a part of the source where the options ask for one."""
    if not options.document and options.sample is None:
        return source
    return Selected(source, options.document, options.sample)


def _expanded_url(pattern: str, pipeline: Pipeline) -> str:
    """Fill in the variables of a URL; in a path `${NAME}` is a name."""
    if "://" not in pattern:
        return pattern
    return expanded(pattern, "documents", prefix="DOCMILL_", secret=_secret(pipeline))


def _secret(pipeline: Pipeline) -> str | None:
    """Name the variable of the endpoint's key, which goes nowhere else."""
    return pipeline.endpoint.api_key_env if isinstance(pipeline.endpoint, Endpoint) else None


def _limits(pipeline: Pipeline, options: RunOptions) -> Limits:
    if options.concurrency is None:
        return pipeline.limits
    try:
        return Limits(concurrency=options.concurrency)
    except ValidationError as error:
        raise ConfigError(f"--concurrency: {faults(error, {}, Limits)[0][1]}") from None


def _steps(checked: CheckedPipeline, asked: Asked) -> tuple[StepPlan, ...]:
    plans = []
    for step, (step_id, before) in zip(checked.pipeline.steps, checked.waits.items(), strict=True):
        name, options = kind_and_options(step)
        first_model, *further = models = asked.in_turn(options.model)
        declared = [
            name,
            options.model_dump(mode="json", by_alias=True, exclude=_unhashed(options)),
            before,
            kind(name).answers(options, checked.tools),
            _surroundings(asked.target.model_copy(update={"model": first_model}), further),
        ]
        plans.append(StepPlan(step_id, name, options, before, _sha256(declared), models))
    return tuple(plans)


def _unhashed(options: StepOptions) -> set[str]:
    """Name the keys that change no request, and those that came later where they are not used."""
    later = (name for name, default in LATER_KEYS.items() if getattr(options, name, default) == default)
    return {"complete", "rules", "model", "examples_from_reviews", *later}  # those chosen are examples


def _whole_sha256(pipeline: Pipeline, steps: Sequence[StepPlan], tools: Mapping[str, ToolSchema]) -> str:
    """Hash whatever can change an outcome: documents of another hash are taken up again.

    `unread`, `complete` and rules are no part of the steps' hashes: the replies that they had come from the
    cache.
    """
    changed = [] if pipeline.unread == "review" else [f"unread: {pipeline.unread}"]  # as before the key
    for step in steps:
        acts = kind(step.kind)
        if acts.typed and not acts.is_complete(step.options):
            changed.append(f"{step.id}: complete: off")
    changed += [f"{step.id}: {rule.model_dump_json()}" for step in steps for rule in _rules(step, tools)]
    return _sha256([*(step.sha256 for step in steps), *changed])


def _rules(step: StepPlan, tools: Mapping[str, ToolSchema]) -> Iterator[Rule]:
    """Give the rules of a step and of the schemas that it may use."""
    acts = kind(step.kind)
    yield from acts.rules(step.options)
    for _, name in acts.schemas(step.options):
        yield from tools[name].rules


def _surroundings(target: Target, further: Sequence[str] = ()) -> list[Any]:
    """List what decides every step's bodies beside its own declaration."""
    endpoint = target.endpoint
    limits = [endpoint.structured_output, endpoint.max_output_tokens]
    # Named only where they are not what every endpoint had before there were such keys.
    changed: list[Any] = [] if endpoint.max_tokens_name == "max_tokens" else [endpoint.max_tokens_name]
    changed += [] if endpoint.strict else ["not strict"]
    changed += [["then", *further]] if further else []
    return [prompt.VERSION, target.model, target.identity, *limits, *changed]


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
