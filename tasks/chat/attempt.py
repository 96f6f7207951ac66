"""One attempt at a request: through the lane, over the wire, read, checked and booked."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from docmill.schemas.chat import Completion, Reply
from docmill.schemas.errors import (
    Blocked,
    ChatError,
    CutShort,
    Deferred,
    Fatal,
    InvalidReply,
    RateLimited,
    Transient,
    Unserved,
)
from docmill.tasks.chat import reading
from docmill.tasks.chat.bill import Bill
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.pace import Take
from docmill.tasks.chat.repair import as_it_came
from docmill.tasks.chat.request_state import REPAIRS, RequestState
from docmill.tasks.chat.session import Caller, Session
from docmill.tasks.chat.streaming import asks_for_stream, streamed
from docmill.tasks.chat.telemetry import call_span
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.request import parsed, require_request

LONGEST_ON_LOOP_BYTES = 65_536
LONGEST_KEPT_BYTES = 16_384
OVERLOADED = 529  # which has nothing to do with how much was sent
Read = TypeVar("Read")


async def attempt(
    session: Session,
    body: bytes,
    schema: str | None,
    caller: Caller,
    longest: int | None = None,
    repairs: int = REPAIRS,
) -> Completion:
    """Try once to get the completion of a body, after the wait that earlier failures demand.

    Raises a ChatError whose `again` says whether the same call may be made once more, StorageError
    where the cache could not be written before, and ConfigError where the request's own schema is wrong.
    """
    session.check_storage()
    key = cache_key(body, schema, session.target.identity)
    state = session.keys.setdefault(key, RequestState(repairs))
    state.raise_failure()
    await session.wait_until(state.not_before)
    request = parsed(body)
    require_request(request)
    expected = Expected.of(request, schema, longest)  # a request that cannot be judged is not sent
    sent = state.body(body, request, session.target.endpoint.max_output_tokens)
    allowed = Allowed.of(request if sent is body else parsed(sent), len(sent), session.target.endpoint)
    reply: Reply | None = None
    target = session.target.model_copy(update={"model": request["model"]})
    bill = Bill(session, caller, target, allowed, "tools" in request)
    try:
        reply, size = await _exchange(session, sent, bill)
        session.made.tried(caller, state.next_kind(), key, target.model, bill.booked)
        completion = await _off_the_loop(size, reading.accepted, reply, expected, allowed)
    except Deferred as error:
        raise session.deferred(str(error)) from None
    except Fatal as error:
        session.halt(error)
        raise
    except ChatError as error:
        error.body = session.transport.redacted(error.body)
        if reply is None:
            session.made.tried(caller, "failed", key, target.model, bill.booked)
        elif isinstance(error, InvalidReply | CutShort):
            error.reply = _kept(session.transport.redacted(as_it_came(reply, error.choice)))
            session.made.rejected(caller, error.reply)
        now = asyncio.get_running_loop().time()
        failure = state.failed(error, reply, request, session.target, now)
        if isinstance(error, Transient):
            session.troubled(error, state.tries)
        if isinstance(failure, Fatal):
            session.halt(failure)
        raise failure from None
    del session.keys[key]  # from here on the cache answers
    return completion.model_copy(update={"repairs": state.repairs}) if state.repairs else completion


async def _off_the_loop(size: int, read: Callable[..., Read], *arguments: Any) -> Read:
    """Read an answer of so many bytes; a long one in a thread, so that the other calls go on."""
    if size <= LONGEST_ON_LOOP_BYTES:
        return read(*arguments)
    return await asyncio.to_thread(read, *arguments)


async def _exchange(session: Session, body: bytes, bill: Bill) -> tuple[Reply, int]:
    """Send a body and give the reply with its bytes; rate limits are waited out with the whole lane."""
    lane, pace = session.lane(bill.target.model), session.pace(bill.target.model)
    while True:
        async with lane.slot(), bill.reserved(), pace.taken(bill.allowed) as take:
            if (sent := lane.sent()) is None:  # it has paused meanwhile
                continue
            take.sent = True
            bill.attempted()
            try:
                with call_span(bill.target) as answered:
                    answer = await _posted(session, body, bill, take)
                    # Here, as an answer with status 200 may be a rate limit all the same.
                    reply = await _reply(session, body, answer)
                    answered(reply)
            except RateLimited as error:
                take.refused = True
                session.recorder.add("refused", 1)
                if lane.refused(sent, error.retry_after_s) and error.status != OVERLOADED:
                    pace.refused()
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
            take.used = bill.paid(reply)
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


async def _posted(session: Session, body: bytes, bill: Bill, take: Take) -> bytes:
    """Send a body, so that a run that is stopped can end the call without ending its task."""
    task = asyncio.current_task()
    assert task is not None
    pace = session.pace(bill.target.model)

    def heard(headers: Mapping[str, str]) -> None:
        pace.heard(headers, take)
        bill.heard(headers)

    session.sending.add(task)
    try:
        if session.target.endpoint.stream:
            return await session.transport.post(streamed(body), stream=True, heard=heard)
        return await session.transport.post(body, stream=asks_for_stream(body), heard=heard)
    except asyncio.CancelledError:
        if not session.aborted:
            raise
        task.uncancel()
        bill.guess(0)
        raise Deferred(session.closed or "the run was stopped") from None
    finally:
        session.sending.discard(task)


def _kept(text: str) -> str:
    """Give as much of an invalid reply as is kept, without what databases do not take."""
    return text.replace("\0", "").encode(errors="replace")[:LONGEST_KEPT_BYTES].decode(errors="ignore")
