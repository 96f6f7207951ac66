"""From a declared pipeline to a plan: everything that is decided before the first request."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.file import tools
from docmill.flows.pipeline.graph import edges
from docmill.schemas.endpoint import BUILT_IN, LOCAL_MODEL, Endpoint, Target, normalised
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import (
    Ask,
    Classify,
    Extract,
    Into,
    Kind,
    Limits,
    Pipeline,
    StepOptions,
    kind_and_options,
)
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.environment import endpoint_at, endpoint_of
from docmill.tasks.checks.declared import faults
from docmill.tasks.checks.evidence import grounding
from docmill.tasks.checks.variables import expanded
from docmill.tasks.local_model import weights
from docmill.tasks.sinks.keys import KeyedInto
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.source import Source
from docmill.tasks.steps import prompt

LOCAL_CONCURRENCY = 2  # the embedded model has two slots


@dataclass(frozen=True)
class Overrides:
    """What the command line replaces of a pipeline; None leaves it."""

    documents: str | None = None
    into: str | None = None
    endpoint: str | None = None
    model: str | None = None
    concurrency: int | None = None
    limit: int | None = None
    refresh: bool = False


@dataclass(frozen=True)
class StepPlan:
    """One step as it will run; `sha256` stands for whatever can change its bodies or their reading."""

    id: str
    kind: Kind
    options: StepOptions
    needs: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Plan:
    """One pipeline as it will run. `origin` says where endpoint and model came from."""

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
    sha256: str

    def typed(self) -> dict[str, ToolSchema]:
        """Give the tool schemas whose records have a table, by their declared names."""
        options = [step.options for step in self.steps]
        names = [name for each in options if isinstance(each, Extract) for name in each.names()]
        return {name: self.tools[name] for name in names}


def resolve(pipeline: Pipeline, overrides: Overrides = Overrides()) -> Plan:
    """Decide what a run will do: option before environment before pipeline.

    Raises ConfigError for what cannot run.
    """
    _check_retry_scale()
    target, origin = _target(pipeline, overrides)
    schemas = tools(pipeline)
    steps = _steps(pipeline, target, schemas)
    source, into = _ends(pipeline, overrides)
    return Plan(
        name=pipeline.name,
        source=source,
        target=target,
        origin=origin,
        steps=steps,
        tools=schemas,
        into=into,
        concurrency=LOCAL_CONCURRENCY if target.local else _limits(pipeline, overrides).concurrency,
        limit=overrides.limit,
        refresh=overrides.refresh,
        sha256=_sha256([step.sha256 for step in steps]),
    )


def _check_retry_scale() -> None:
    said = os.environ.get("DOCMILL_RETRY_SCALE") or "1"
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", said):
        raise ConfigError(f"DOCMILL_RETRY_SCALE: must be a number that is not negative, not {said!r}")


def _ends(pipeline: Pipeline, overrides: Overrides) -> tuple[Source, Into]:
    """Decide where documents come from and where results go."""
    into = into_of(pipeline, overrides)
    if pipeline.rows is None:
        patterns = pipeline.patterns() if overrides.documents is None else (overrides.documents,)
        return source_of([_expanded_url(pattern, pipeline) for pattern in patterns]), into
    if overrides.documents is not None:
        raise ConfigError(f"--documents: the pipeline {pipeline.name} reads rows: change its query instead")
    url = expanded(pipeline.rows.url, "rows.url", secret=_secret(pipeline))
    rows = Rows(pipeline.rows.model_copy(update={"url": url}))
    return rows, KeyedInto(**into.model_dump(exclude_unset=True), first_key=rows.first_key)


def _expanded_url(pattern: str, pipeline: Pipeline) -> str:
    """Fill in the variables of a URL; in a path `${NAME}` is a name."""
    if "://" not in pattern:
        return pattern
    return expanded(pattern, "documents", prefix="DOCMILL_", secret=_secret(pipeline))


def into_of(pipeline: Pipeline, overrides: Overrides) -> Into:
    """Decide where results go: option before environment before pipeline."""
    url, _ = _first(("--into", overrides.into), ("DOCMILL_INTO", os.environ.get("DOCMILL_INTO")))
    sink = pipeline.sink()
    return sink.model_copy(update={"url": url or expanded(sink.url, "into", secret=_secret(pipeline))})


def _secret(pipeline: Pipeline) -> str | None:
    """Name the variable of the endpoint's key, which goes nowhere else."""
    return pipeline.endpoint.api_key_env if isinstance(pipeline.endpoint, Endpoint) else None


def _limits(pipeline: Pipeline, overrides: Overrides) -> Limits:
    if overrides.concurrency is None:
        return pipeline.limits
    try:
        return Limits(concurrency=overrides.concurrency)
    except ValidationError as error:
        raise ConfigError(f"--concurrency: {faults(error, {}, Limits)[0][1]}") from None


def _target(pipeline: Pipeline, overrides: Overrides) -> tuple[Target, str]:
    model, model_from = _first(
        ("--model", overrides.model),
        ("DOCMILL_MODEL", os.environ.get("DOCMILL_MODEL")),
    )
    place, (name, endpoint) = _endpoint(pipeline, overrides)
    by_name = place == "--endpoint" and overrides.endpoint in BUILT_IN
    if model is None and place != "pipeline" and not by_name:
        raise ConfigError(f"{place} replaces the pipeline's endpoint and needs a model: --model ID")
    if model is None and name == "local" and (by_name or pipeline.model is None):
        model, model_from = LOCAL_MODEL, "the embedded model"
    if model is None:
        model, model_from = pipeline.model, "pipeline"
    if model is None:
        raise ConfigError(f"the pipeline {pipeline.name} names no model: add `model:`, or --model ID")
    identity = _identity(name, endpoint)
    target = Target(name=name, endpoint=endpoint, model=model, identity=identity)
    return target, f"endpoint {name} ({place}), model {model} ({model_from})"


def _first(*places: tuple[str, str | None]) -> tuple[str | None, str]:
    return next(((value, place) for place, value in places if value), (None, ""))


def _endpoint(pipeline: Pipeline, overrides: Overrides) -> tuple[str, tuple[str, Endpoint]]:
    said, place = _first(
        ("--endpoint", overrides.endpoint),
        ("DOCMILL_BASE_URL", os.environ.get("DOCMILL_BASE_URL")),
    )
    if said:
        return place, (said, BUILT_IN[said]) if said in BUILT_IN else endpoint_at(said, place)
    declared = pipeline.endpoint
    if isinstance(declared, Endpoint):
        whole = _expanded(declared)
        return "pipeline", (normalised(whole.base_url), whole)
    if declared in BUILT_IN:
        return "pipeline", (declared, BUILT_IN[declared])
    url = expanded(declared, "endpoint", prefix="DOCMILL_")
    endpoint = endpoint_of("endpoint", base_url=url)
    return "pipeline", (normalised(url), endpoint)


def _expanded(declared: Endpoint) -> Endpoint:
    url = expanded(declared.base_url, "endpoint.base_url", prefix="DOCMILL_", secret=declared.api_key_env)
    return endpoint_of("endpoint.base_url", **{**declared.model_dump(), "base_url": url})


def _identity(name: str, endpoint: Endpoint) -> str:
    if name == "local":
        return weights.identity()
    return endpoint.cache_id or normalised(endpoint.base_url)


def _steps(pipeline: Pipeline, target: Target, schemas: Mapping[str, ToolSchema]) -> tuple[StepPlan, ...]:
    needs = edges(pipeline)
    plans = []
    for step, (id_, before) in zip(pipeline.steps, needs.items(), strict=True):
        kind, options = kind_and_options(step)
        declared = [
            kind,
            options.model_dump(mode="json", by_alias=True),
            before,
            _asked(options, schemas),
            _surroundings(target),
        ]
        plans.append(StepPlan(id_, kind, options, before, _sha256(declared)))
    return tuple(plans)


def _asked(options: StepOptions, schemas: Mapping[str, ToolSchema]) -> list[Any]:
    """List what a step's answer must satisfy: its labels in their order, or its schemas' contents."""
    if isinstance(options, Classify):
        return list(options.labels)
    if isinstance(options, Ask):
        return [schemas[options.schema_].model_dump(exclude={"marked"})] if options.schema_ else []
    if isinstance(options, Extract):
        return [grounding.VERSION, *(schemas[name].model_dump() for name in options.names())]
    return []


def _surroundings(target: Target) -> list[Any]:
    """List what decides every step's bodies beside its own declaration."""
    endpoint = target.endpoint
    limits = [endpoint.structured_output, endpoint.max_output_tokens]
    return [prompt.VERSION, target.model, target.identity, *limits]


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
