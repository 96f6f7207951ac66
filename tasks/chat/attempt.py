"""One attempt at a request: through the lane, over the wire, read, checked and booked."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from docmill.schemas.chat import Completion, Reply
from docmill.schemas.errors import (
    Blocked,
    ChatError,
    Deferred,
    Fatal,
    InvalidReply,
    MaybeBilled,
    RateLimited,
    Transient,
    Unserved,
)
from docmill.schemas.outcome import Tally
from docmill.tasks.chat import reading
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.request_state import RequestState
from docmill.tasks.chat.session import Caller, Session
from docmill.tasks.chat.streaming import asks_for_stream, streamed
from docmill.tasks.chat.telemetry import booked, call_span
from docmill.tasks.chat.usage import Allowed, Tokens, tokens_of
from docmill.tasks.checks.request import BYTES_PER_TOKEN, parsed, require_request

LONGEST_ON_LOOP_BYTES = 65_536
Read = TypeVar("Read")


async def attempt(
    session: Session, body: bytes, schema: str | None, caller: Caller, longest: int | None = None
) -> Completion:
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
    model = request["model"]
    expected = Expected.of(request, schema, longest)  # a request that cannot be judged is not sent
    sent = state.body(body, request, session.target.endpoint.max_output_tokens)
    allowed = Allowed.of(request if sent is body else parsed(sent), len(sent), session.target.endpoint)
    reply: Reply | None = None
    try:
        reply, size = await _exchange(session, sent, caller, model)
        _book(session, caller, model, 1, tokens_of(reply, allowed))
        completion = await _off_the_loop(size, reading.accepted, reply, expected, allowed)
    except Deferred as error:
        raise session.deferred(str(error)) from None
    except Fatal as error:
        session.halt(error)
        raise
    except ChatError as error:
        error.body = session.transport.redacted(error.body)
        if reply is None and isinstance(error, MaybeBilled | InvalidReply):
            # What came and could not be read was paid for all the same.
            _book(session, caller, model, int(isinstance(error, InvalidReply)), _most(allowed))
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


async def _exchange(session: Session, body: bytes, caller: Caller, model: str) -> tuple[Reply, int]:
    """Send a body and give the reply with its bytes; rate limits are waited out with the whole lane."""
    lane = session.lane(model)
    while True:
        async with lane.slot() as sent:
            session.book(caller, Tally(attempts=1))
            try:
                with call_span(session.target, model) as answered:
                    answer = await _posted(session, body, caller, model)
                    # Here, as an answer with status 200 may be a rate limit all the same.
                    reply = await _reply(session, body, answer)
                    answered(reply)
            except RateLimited as error:
                lane.refused(sent, error.retry_after_s)
                continue
            except Fatal as error:
                session.halt(error)  # while the slot is held: no other call takes it
                raise
            except Blocked as error:
                lane.answered(sent)
                session.blocked(error)
                raise
            except ChatError as error:
                alive = not isinstance(error, Transient) or isinstance(error, Unserved)
                (lane.answered if alive else lane.failed)(sent)
                raise
            lane.succeeded(sent)
            session.served = True
            session.trouble = None
        await asyncio.sleep(0)  # the next call is sent before this reply is checked: the server never idles
        return reply, len(answer)


async def _reply(session: Session, body: bytes, answer: bytes) -> Reply:
    try:
        return await _off_the_loop(len(answer), reply_of, answer, session.transport.secret)
    except ChatError as error:
        raise session.transport.named(error, body) from None


async def _posted(session: Session, body: bytes, caller: Caller, model: str) -> bytes:
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
        _book(session, caller, model, 0, _most(Allowed.of(parsed(body), len(body), session.target.endpoint)))
        raise Deferred(session.closed or "the run was stopped") from None
    finally:
        session.sending.discard(task)


def _most(allowed: Allowed) -> Tokens:
    """Give the estimate of what was paid for without a reply."""
    return Tokens(allowed.request_bytes // BYTES_PER_TOKEN, allowed.answer_tokens, estimated=True)


def _book(session: Session, caller: Caller, model: str, calls: int, tokens: Tokens) -> None:
    tally = Tally(
        calls=calls,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
        reasoning_tokens=tokens.reasoning,
        cost_usd=cost_usd(session.target.model_copy(update={"model": model}), tokens),
        cost_estimated=tokens.estimated,
    )
    session.book(caller, tally)
    booked(session.target, model, tally)
