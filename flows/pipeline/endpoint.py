"""Whom a run asks: option before environment before pipeline, and where each came from."""

import os
from dataclasses import dataclass

from docmill.flows.pipeline.options import RunOptions
from docmill.schemas.endpoint import BUILT_IN, LOCAL_MODEL, Endpoint, Target, normalised
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.steps import Models, in_turn
from docmill.tasks.chat.environment import endpoint_at, endpoint_of
from docmill.tasks.checks.variables import expanded
from docmill.tasks.local_model import weights


@dataclass(frozen=True)
class Asked:
    """Whom a run asks: an endpoint with the first of its models, and all of them in turn.

    `replaced` says that option or environment named the model, also in the place of a step's own. `origin`
    is a line that says where each came from.
    """

    target: Target
    models: tuple[str, ...]
    replaced: bool
    origin: str

    def in_turn(self, own: Models | None) -> tuple[str, ...]:
        """List the models of a step that names some of its own, or none."""
        return self.models if self.replaced or own is None else in_turn(own)


def asked_of(pipeline: Pipeline, options: RunOptions) -> Asked:
    """Decide endpoint and models: option before environment before pipeline."""
    model, model_from = first(("--model", options.model), ("DOCMILL_MODEL", os.environ.get("DOCMILL_MODEL")))
    place, (name, endpoint) = _endpoint(pipeline, options)
    by_name = place == "--endpoint" and options.endpoint in BUILT_IN
    if model is None and place != "pipeline" and not by_name:
        raise ConfigError(f"{place} replaces the pipeline's endpoint and needs a model: --model ID")
    if model is None and name == "local" and (by_name or pipeline.model is None):
        model, model_from = LOCAL_MODEL, "the embedded model"
    replaced = model is not None
    models = (model,) if model is not None else in_turn(pipeline.model)
    if not models:
        raise ConfigError(f"the pipeline {pipeline.name} names no model: add `model:`, or --model ID")
    target = Target(name=name, endpoint=endpoint, model=models[0], identity=identity_of(name, endpoint))
    said = f"endpoint {name} ({place}), model {', then '.join(models)} ({model_from or 'pipeline'})"
    return Asked(target, models, replaced, said)


def first(*places: tuple[str, str | None]) -> tuple[str | None, str]:
    """Take the first value that is there, with its place."""
    return next(((value, place) for place, value in places if value), (None, ""))


def _endpoint(pipeline: Pipeline, options: RunOptions) -> tuple[str, tuple[str, Endpoint]]:
    said, place = first(
        ("--endpoint", options.endpoint), ("DOCMILL_BASE_URL", os.environ.get("DOCMILL_BASE_URL"))
    )
    if said:
        return place, (said, BUILT_IN[said]) if said in BUILT_IN else endpoint_at(said, place)
    declared = pipeline.endpoint
    if isinstance(declared, Endpoint):
        whole = expanded_endpoint(declared)
        return "pipeline", (normalised(whole.base_url), whole)
    if declared in BUILT_IN:
        return "pipeline", (declared, BUILT_IN[declared])
    url = expanded(declared, "endpoint", prefix="DOCMILL_")
    endpoint = endpoint_of("endpoint", base_url=url)
    return "pipeline", (normalised(url), endpoint)


def expanded_endpoint(declared: Endpoint) -> Endpoint:
    """Fill in the variables of a mapping's URL."""
    url = expanded(declared.base_url, "endpoint.base_url", prefix="DOCMILL_", secret=declared.api_key_env)
    return endpoint_of("endpoint.base_url", **{**dict(declared), "base_url": url})


def identity_of(name: str, endpoint: Endpoint) -> str:
    """Say what stands for an endpoint in cache keys and hashes."""
    if name == "local":
        return weights.identity()
    return endpoint.cache_id or normalised(endpoint.base_url)
