"""What a run hands on to its shards, as parameters that a Prefect server stores: no secret is among it."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from docmill.flows.pipeline.given import Given
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.parameter import require_safe_into
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.endpoint import BUILT_IN, without_password
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Limits, Pipeline
from docmill.tasks.chat.environment import HOSTS, allowed_hosts, host_of
from docmill.tasks.sinks.database import takes_one_process

MOST = 200  # shards: a server lists so many flow runs at once
IN_FLIGHT = 64  # calls that one process has in flight with ease
LEAST_CALLS = 200  # what a shard is worth its start
HANDED_ON = ("documents", "into", "endpoint", "model", "concurrency", "refresh")


def require_shards(chosen: RunOptions) -> None:
    """Raise ConfigError for a number of shards that cannot be, and options that shards must not have."""
    if chosen.shards == 1:
        return
    if chosen.shards != "auto" and not (isinstance(chosen.shards, int) and 1 <= chosen.shards <= MOST):
        raise ConfigError(f"shards: must be a number from 1 to {MOST}, or auto, not {chosen.shards!r}")
    if chosen.trial:
        raise ConfigError("--try: tries a few documents here: leave --shards out")
    _require_safe(chosen)


def handed_on(chosen: RunOptions) -> dict[str, Any]:
    """Give the options that a shard must have too, as JSON."""
    told = {name: getattr(chosen, name) for name in HANDED_ON if getattr(chosen, name)}
    return told if chosen.max_cost is None else {**told, "max_cost": str(chosen.max_cost)}


def taken(told: object) -> RunOptions:
    """Read what was handed on; raises ConfigError for what no run hands on."""
    if not isinstance(told, dict) or told.keys() - {*HANDED_ON, "max_cost"}:
        raise ConfigError(f"options: must be a mapping of {', '.join(HANDED_ON)} and max_cost")
    try:
        cost = Decimal(told["max_cost"]) if "max_cost" in told else None
        options = RunOptions(**{**told, "max_cost": cost}, as_kept=True)
    except (InvalidOperation, TypeError, ValueError):
        raise ConfigError(f"options.max_cost: not a number: {told['max_cost']!r}") from None
    _require_safe(options)
    return options


def as_parameter(pipeline: Given) -> Any:
    """Give a pipeline as a shard is told it: a file by its path, below the working directory where it is."""
    if isinstance(pipeline, Pipeline):
        return pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(pipeline, dict):
        return pipeline
    path = Path(pipeline)
    return str(
        path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path
    )


def how_many(plan: Plan, documents: int) -> int:
    """Say how many shards so many documents are given to."""
    if plan.shards != "auto":
        return plan.shards
    by_limit = -(-plan.concurrency // IN_FLIGHT)
    by_calls = documents * len(plan.steps) // LEAST_CALLS
    return max(1, min(by_limit, by_calls, MOST))


def share(limits: Limits, shard: int, shards: int) -> Limits:
    """Give a shard its share of what may be in flight: the shards' sum is the pipeline's."""
    each, more = divmod(limits.concurrency, shards)
    return limits.model_copy(update={"concurrency": max(1, each + (shard <= more))})


def require_room(plan: Plan) -> None:
    """Raise ConfigError where not every shard could have a call in flight, or write what it has done."""
    if plan.shards != 1 and takes_one_process(plan.into.url):
        raise ConfigError(
            "shards: write to one database, and a DuckDB file takes one process at a time: let them write to "
            "SQLite or PostgreSQL (--into), or leave --shards out"
        )
    if plan.shards != "auto" and plan.shards > plan.concurrency:
        raise ConfigError(
            f"shards: {plan.shards} share limits.concurrency, {plan.concurrency}: raise it (--concurrency), "
            f"or ask for {plan.concurrency} at most"
        )


def _require_safe(options: RunOptions) -> None:
    endpoint, into = options.endpoint, options.into
    if endpoint and endpoint not in BUILT_IN and host_of(endpoint) not in (allowed_hosts() or ()):
        raise ConfigError(
            f"--endpoint: shards take a URL only where its host is in {HOSTS}: name the endpoint in the "
            "pipeline, or set DOCMILL_BASE_URL for the workers too"
        )
    if into:
        try:
            without_password(into)
        except ValueError:
            raise ConfigError(
                "--into: shards are told it through the Prefect server, which a password must not reach: set "
                "DOCMILL_INTO here and for the workers"
            ) from None
        require_safe_into(into)
