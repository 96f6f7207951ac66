"""The session of a flow of one's own: where its completions go, and how many at a time."""

import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from docmill.flows.api.declaring import declared
from docmill.flows.pipeline.endpoint import expanded_endpoint, identity_of
from docmill.flows.server.home import home
from docmill.schemas.endpoint import (
    BUILT_IN,
    LOCAL,
    LOCAL_CONCURRENCY,
    LOCAL_MODEL,
    Endpoint,
    Target,
    normalised,
)
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat import session as chat
from docmill.tasks.chat.environment import endpoint_at
from docmill.tasks.local_model.serving import serving

log = logging.getLogger("docmill")


@asynccontextmanager
async def session(
    endpoint: str | Endpoint | None = None,
    model: str | None = None,
    limits: Limits | Mapping[str, Any] | None = None,
    *,
    refresh: bool = False,
) -> AsyncIterator[None]:
    """Name the endpoint and the model that are asked within it, by all flow runs together.

    Args:
        endpoint: A built-in one (`302ai`, `local`), a URL that ends before /chat/completions, or an
            `Endpoint`; else DOCMILL_BASE_URL. A built-in that has a key and a URL are sent
            DOCMILL_API_KEY, an `Endpoint` the variable that its `api_key_env` names.
        model: The model's id there; else DOCMILL_MODEL, or for `local` the embedded model.
        limits: As in a pipeline: `{"concurrency": 16}` calls in flight at a time; 8 by default.
        refresh: Takes no reply from the cache that is older than this session.

    Raises ConfigError where one is missing or wrong, or the key is not in the environment: nothing was
    sent. Without a session a flow run uses the environment's endpoint and model.

    >>> async with docmill.session(limits={"concurrency": 4}):
    ...     await docmill.summarize("Your bill of 318.40 EUR is due.", max_words=8)
    'A bill of 318.40 EUR.'

    """
    target = _target(endpoint, model)
    limited = limits if isinstance(limits, Limits) else declared(Limits, "limits", dict(limits or {}))
    if not target.local:
        async with chat.session(target, limited, refresh=refresh):
            yield
        return
    opened: list[chat.Session] = []

    def died(reason: str) -> None:
        for each in opened:
            each.stop(reason)

    async with serving(home(), log.info, died) as served:
        endpoint = target.endpoint.model_copy(update={"base_url": served.base_url})
        reached = target.model_copy(update={"endpoint": endpoint})
        slots = Limits(concurrency=min(limited.concurrency, LOCAL_CONCURRENCY))
        with _token(served.token):
            async with chat.session(reached, slots, refresh=refresh) as one:
                opened.append(one)
                yield


@contextmanager
def _token(token: str) -> Iterator[None]:
    """Hand the embedded model's token the way of every key: by the environment, into the client alone."""
    name = LOCAL.api_key_env or ""
    os.environ[name] = token
    try:
        yield
    finally:
        os.environ.pop(name, None)


def _target(endpoint: str | Endpoint | None, model: str | None) -> Target:
    name, whole = _named(endpoint)
    model = model or os.environ.get("DOCMILL_MODEL") or (LOCAL_MODEL if name == "local" else None)
    if not model:
        raise ConfigError("no model is named: say docmill.session(model=…), or set DOCMILL_MODEL")
    return Target(name=name, endpoint=whole, model=model, identity=identity_of(name, whole))


def _named(said: str | Endpoint | None) -> tuple[str, Endpoint]:
    place = "endpoint" if said else "DOCMILL_BASE_URL"
    said = said or os.environ.get("DOCMILL_BASE_URL")
    if not said:
        raise ConfigError("no endpoint is named: say docmill.session(endpoint=…), or set DOCMILL_BASE_URL")
    if isinstance(said, str):
        return (said, BUILT_IN[said]) if said in BUILT_IN else endpoint_at(said, place)
    whole = expanded_endpoint(said)
    return normalised(whole.base_url), whole
