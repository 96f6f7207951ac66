"""One attempt at a request: through the lane, over the wire, read, checked and booked."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from docmill.schemas.chat import Completion, Reply
from docmill.schemas.errors import ChatError, Deferred, Fatal, MaybeBilled, RateLimited, Transient, Unserved
from docmill.schemas.outcome import Tally
from docmill.tasks.chat import reading
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.key import cache_key, parsed
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.request_state import RequestState
from docmill.tasks.chat.session import Caller, Session
from docmill.tasks.chat.transport import asks_for_stream, streamed
from docmill.tasks.checks.request import require_request

LONGEST_ON_LOOP_BYTES = 65_536
Read = TypeVar("Read")


async def attempt(session: Session, body: bytes, schema: str | None, caller: Caller) -> Completion:
    """Try once to get the completion of a body, after the wait that earlier failures demand.

    Raises a ChatError whose `again` says whether the same call may be made once more, StorageError
    where the cache could not be written before, and ConfigError where the request's own schema is wrong.
    """
    session.check_storage()
    key = cache_key(body, schema, session.target.identity)
    state = session.keys.setdefault(key, RequestState())
    state.raise_failure()
    await session.wait_until(state.not_before)
    request = parsed(body)
    require_request(request)
    expected = Expected.of(request, schema)  # a request that cannot be judged is not sent
    sent = state.body(body, request, session.target.endpoint.max_output_tokens)
    reply: Reply | None = None
    try:
        reply, size = await _exchange(session, sent, caller)
        _book_paid(session, caller, reply, len(sent))
        completion = await _off_the_loop(size, reading.accepted, reply, expected, len(sent))
    except Deferred as error:
        raise session.deferred(str(error)) from None
    except Fatal as error:
        session.halt(error)
        raise
    except ChatError as error:
        error.body = session.transport.redacted(error.body)
        if isinstance(error, MaybeBilled):
            _book_lost(session, caller, sent)
        now = asyncio.get_running_loop().time()
        failure = state.failed(error, reply, request, session.target, now)
        if isinstance(error, Transient):
            session.troubled(error, state.tries)
        if isinstance(failure, Fatal):
            session.halt(failure)
        raise failure from None
    del session.keys[key]  # from here on the cache answers
    return completion


async def _off_the_loop(size: int, read: Callable[..., Read], *arguments: Any) -> Read:
    """Read an answer of so many bytes; a long one in a thread, so that the other calls go on."""
    if size <= LONGEST_ON_LOOP_BYTES:
        return read(*arguments)
    return await asyncio.to_thread(read, *arguments)


async def _exchange(session: Session, body: bytes, caller: Caller) -> tuple[Reply, int]:
    """Send a body and give the reply with its bytes; rate limits are waited out with the whole lane."""
    while True:
        async with session.lane.slot() as sent:
            session.book(caller, Tally(attempts=1))
            try:
                answer = await _posted(session, body, caller)
                # Here, as an answer with status 200 may be a rate limit all the same.
                reply = await _off_the_loop(len(answer), reading.reply_of, answer, session.transport.secret)
            except RateLimited as error:
                session.lane.refused(sent, error.retry_after_s)
                continue
            except Fatal as error:
                session.halt(error)  # while the slot is held: no other call takes it
                raise
            except ChatError as error:
                alive = not isinstance(error, Transient) or isinstance(error, Unserved)
                (session.lane.answered if alive else session.lane.failed)(sent)
                raise
            session.lane.succeeded(sent)
            session.trouble = None
        await asyncio.sleep(0)  # the next call is sent before this reply is checked: the server never idles
        return reply, len(answer)


async def _posted(session: Session, body: bytes, caller: Caller) -> bytes:
    """Send a body, so that a run that is stopped can end the call without ending its task."""
    task = asyncio.current_task()
    assert task is not None
    session.sending.add(task)
    try:
        if session.target.endpoint.stream:
            return await session.transport.post(streamed(body), stream=True)
        return await session.transport.post(body, stream=asks_for_stream(body))
    except asyncio.CancelledError:
        if not session.aborted:
            raise
        task.uncancel()
        _book_lost(session, caller, body)
        raise Deferred(session.lane.closed or "the run was stopped") from None
    finally:
        session.sending.discard(task)


def _book_paid(session: Session, caller: Caller, reply: Reply, request_bytes: int) -> None:
    prompt_tokens, completion_tokens, estimated = reading.usage_of(reply, request_bytes)
    _book(session, caller, 1, prompt_tokens, completion_tokens, estimated)


def _book_lost(session: Session, caller: Caller, body: bytes) -> None:
    """Book at its estimate what may have been paid for without a reply."""
    request = json.loads(body)
    limit = request.get("max_tokens") or session.target.endpoint.max_output_tokens
    most = limit * (request.get("n") or 1)
    _book(session, caller, 0, len(body) // reading.BYTES_PER_TOKEN, most, True)


def _book(
    session: Session, caller: Caller, calls: int, prompt_tokens: int, completion_tokens: int, estimated: bool
) -> None:
    session.book(
        caller,
        Tally(
            calls=calls,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost_usd=cost_usd(session.target, prompt_tokens, completion_tokens),
            cost_estimated=estimated,
        ),
    )
