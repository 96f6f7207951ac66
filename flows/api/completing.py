"""One completion of a flow of one's own: a task run of `complete`, paid for once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import rfc8785
from prefect.context import FlowRunContext
from prefect.utilities.annotations import quote

from docmill.schemas.chat import Completion
from docmill.schemas.errors import ConfigError
from docmill.tasks.chat import complete as chat
from docmill.tasks.chat.session import Session, current
from docmill.tasks.checks.request import parsed, require_request

OUTSIDE = (
    "is called outside of a flow run, and is a task of one: call it in an async function under "
    "prefect's @flow, and run that flow within `async with docmill.server():`"
)


async def complete(
    *,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None = None,
    step: str = "complete",
    document: str | None = None,
    **parameters: Any,
) -> Completion:
    """Ask the session's model for a completion of messages.

    Args:
        messages: `{"role": …, "content": …}`, as the chat-completions protocol has them; at least one.
        tools: `{"type": "function", "function": {"name", "description", "parameters"}}`, of which the
            model calls what it chooses. `tool_choice` forces one, whose arguments are then the text.
        step: Names the task run, with `document`.
        document: What the messages are about; by default the beginning of the request's sha256.
        parameters: Any other field of the request: `temperature`, `max_tokens` (tokens), `n`, `stop`,
            `stream`, `response_format`, … One that is None is not sent.

    Gives the completion once it is whole, also where `stream` asked for it in parts. It is complete and
    satisfies the schemas of its tools or of its `response_format`: a reply that does not is asked for
    again, with what is wrong, twice. With `n` the completion's `choices` are all that the server gave.

    Raises ConfigError for a request that breaks a rule of the protocol, and outside of a flow run:
    nothing was sent. Raises a ChatError where no completion came about, and StorageError where the
    cache cannot keep it.

    >>> weather = {"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}}
    >>> completion = await docmill.complete(
    ...     messages=[{"role": "user", "content": "How is the weather in Boston?"}],
    ...     tools=[{"type": "function", "function": weather}],
    ...     max_tokens=200,
    ... )
    >>> [(call.name, call.arguments) for call in completion.calls]
    [('get_weather', '{"city": "Boston"}')]

    """
    session = session_of("complete")
    if "model" in parameters:
        raise ConfigError("model: the session names it, as in docmill.session(model=…)")
    request = {"model": session.target.model, "messages": messages, "tools": tools, **parameters}
    with canonical():
        body = rfc8785.dumps({name: value for name, value in request.items() if value is not None})
    require_request(parsed(body))
    return await asked(session, body, step=step, document=document)


@contextmanager
def canonical() -> Iterator[None]:
    """Build a body within it: what JSON does not hold, such as NaN or half a character, is a ConfigError."""
    try:
        yield
    except (rfc8785.CanonicalizationError, TypeError, ValueError) as error:
        raise ConfigError(f"the request cannot be sent as JSON: {error}") from None


def session_of(function: str) -> Session:
    """Give the session that a call within a flow run uses; raises ConfigError outside of one."""
    context = FlowRunContext.get()
    if context is None:
        raise ConfigError(f"docmill.{function}() {OUTSIDE}")
    return current(context)


async def asked(
    session: Session,
    body: bytes,
    *,
    step: str,
    document: str | None,
    schema: str | None = None,
    longest: int | None = None,
) -> Completion:
    """Get the completion of a body; raises StorageError where the cache did not take it."""
    document = document or hashlib.sha256(body).hexdigest()[:8]
    try:
        completion = await chat.complete(  # type: ignore[call-overload]  # Prefect does not type `quote`
            quote(body), step=step, document=document, schema=schema, longest=longest
        )
    finally:
        session.settle((document, step))
        session.check_storage()  # Prefect only logs a record that was not written
    return Completion.model_validate_json(completion)
