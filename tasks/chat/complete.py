"""`complete`: the one Prefect task that makes every chat completion of a flow."""

import logging
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.cache_policies import CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext

from docmill.schemas.errors import ChatError, ConfigError
from docmill.tasks.chat.attempt import attempt
from docmill.tasks.chat.cache import SERIALIZER, CompletionCache
from docmill.tasks.chat.flight import SingleFlight
from docmill.tasks.chat.kept import Cache, default_cache
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.request_state import MOST_RETRIES, REPAIRS
from docmill.tasks.chat.session import Session, current, opened

NAME = "docmill.complete"  # no task of anybody else's


class OthersLines(logging.Filter):
    """Lets the lines of all task runs but ours pass.

    Prefect logs each call twice, and a traceback for each that is given up; who awaits it has the error.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is none of ours: Prefect writes the task's name on each."""
        return getattr(record, "task_name", None) != NAME


logging.getLogger("prefect.task_runs").addFilter(OthersLines())


def _session() -> Session:
    """Give the session; outside of one the flow run is the run."""
    context = FlowRunContext.get()
    if context is None:
        raise ConfigError("complete() is called in a flow: it is a task of its run")
    return current(context)


def _cache() -> Cache:
    # Prefect asks for it even while it handles an error, so this must not need an endpoint.
    return session.cache if (session := opened()) else default_cache()


def _oldest() -> float:
    return session.oldest if (session := opened()) else 0.0


def _note_use(key: str, written: float) -> None:
    """Note that a record was read, which `docmill prune` asks."""
    _cache().note_use(key, written)


@dataclass
class RequestKey(CachePolicy):
    """Caches by the request: see `cache_key`."""

    def compute_key(
        self,
        task_ctx: Any,  # noqa: ARG002  Prefect's signature
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],  # noqa: ARG002
        **_: Any,
    ) -> str:
        """Name the record of the task run's request."""
        return cache_key(inputs["body"], inputs.get("schema"), _session().target.identity)


def record_key(state: State[Any]) -> str:
    """Name the record that a completed task run wrote or read."""
    record: Any = state.data
    key: str = getattr(record, "metadata", record).storage_key
    return key


def again(task: Any, run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001  Prefect's signature
    """Say whether the failed attempt is followed by another: its key decided that.

    A plain function: with anything else Prefect silently never retries.
    """
    return isinstance(state.data, ChatError) and state.data.again


@task(
    name=NAME,
    task_run_name="{step} {document}",
    cache_policy=RequestKey().configure(
        isolation_level="SERIALIZABLE",
        lock_manager=SingleFlight(_cache),
    ),
    persist_result=True,
    result_serializer=SERIALIZER,
    cache_result_in_memory=False,
    retries=MOST_RETRIES,
    retry_condition_fn=again,
)
async def complete(
    body: bytes,
    *,
    step: str,
    document: str,
    schema: str | None = None,
    longest: int | None = None,
    repairs: int = REPAIRS,
) -> str:
    """Give the completion of a request as JSON (`docmill.schemas.chat.Completion`), paid for once.

    `body` is the request's canonical bytes; wrap it in `prefect.utilities.annotations.quote`, which
    saves Prefect from walking it. `step` and `document` name the task run. `schema` is the JSON
    Schema, as text, that the reply must satisfy where the body does not carry it; `longest` is how many
    characters a free text may have, and `repairs` how often a reply that is not valid is asked for anew:
    neither is part of the cache key. Raises a ChatError; within a flow ask for the state to go on without
    the document.
    """
    completion = await attempt(_session(), body, schema, (document, step), longest, repairs)
    return completion.model_dump_json()


# Set last: the decorator refuses a block that is not saved on the server.
complete.result_storage = CompletionCache(
    cache=_cache,
    oldest=_oldest,
    failed=lambda error: _session().write_failed(error),
    used=_note_use,
)
