"""Notices on their way out, beside a run: delivered at least once, and never waited for without end."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from docmill.flows.observe.observer import Observer
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import StorageError
from docmill.schemas.notify import Notify
from docmill.tasks.chat.lane import retry_scale
from docmill.tasks.chat.session import Session
from docmill.tasks.chat.webhook import Webhook, secret_for
from docmill.tasks.sinks.outbox import Notice, Outbox

LOOK_S = 1.0
MOST_BYTES = 1_000_000  # of a request, but for one that a single notice makes larger
FIRST_DELAY_S, LAST_DELAY_S = 1.0, 30.0
MOST_REFUSED = 3  # notices one after the other, each alone: whatever is sent is refused
AFTER_S, AFTER_STOP_S = 30.0, 3.0  # for what is left at the run's end


def require_deliverable(plan: Plan) -> None:
    """Raise ConfigError where notices could not be sent, before anything else is."""
    if plan.notify is not None:
        secret_for(plan.notify.url)


@asynccontextmanager
async def notifying(plan: Plan, outbox: Outbox, session: Session, observer: Observer) -> AsyncIterator[None]:
    """Deliver what the outbox holds while the block runs, and for a while after it."""
    if plan.notify is None:
        yield
        return
    courier = Courier(plan.notify, outbox)
    going = asyncio.create_task(courier.go_on())
    try:
        yield
    finally:
        courier.ended.set()
        left = AFTER_STOP_S if session.ending.is_set() else AFTER_S
        with suppress(TimeoutError):
            await asyncio.wait_for(going, left)
        await courier.close()
        await _tell(courier, outbox, observer)


async def _tell(courier: "Courier", outbox: Outbox, observer: Observer) -> None:
    """Say what was not delivered; a database that fails is told by what writes outcomes."""
    with suppress(StorageError):
        if waiting := await asyncio.to_thread(outbox.count):
            many = "1 notice waits" if waiting == 1 else f"{waiting:,} notices wait"
            why = f" ({courier.said})" if courier.said else ""
            observer.warn(f"notify: {many} in the outbox{why}: the next run delivers what is left")


class Courier:
    """Brings notices to a webhook, one request after the other, the oldest first.

    `said` is why a request was not taken. What is refused in a request is asked for in smaller ones, and
    what is refused alone waits for the next run; once nothing else would be taken either it gives up.
    """

    def __init__(self, notify: Notify, outbox: Outbox) -> None:
        self._batch = self._most = notify.batch
        self._outbox = outbox
        self._webhook = Webhook(notify.url)
        self._begun = datetime.now(UTC)
        self._refused = 0  # notices one after the other
        self.ended = asyncio.Event()
        self.said = ""

    async def go_on(self) -> None:
        """Deliver until the run has ended and nothing is left, or no request is taken."""
        delay = FIRST_DELAY_S
        while self._refused < MOST_REFUSED:
            last = self.ended.is_set()  # asked first: what is stored later is not among the notices
            try:
                notices = await asyncio.to_thread(self._outbox.waiting, self._most, self._begun)
                if not notices and last:
                    return
                answer = await self._deliver(notices) if notices else "taken"
            except StorageError:
                answer = "later"
            if answer == "closed":
                return
            if answer == "later":
                await asyncio.sleep(delay * retry_scale())
                delay = min(delay * 2, LAST_DELAY_S)
                continue
            delay = FIRST_DELAY_S
            if not notices:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.ended.wait(), LOOK_S)

    async def close(self) -> None:
        """Let the webhook go."""
        await self._webhook.close()

    async def _deliver(self, notices: Sequence[Notice]) -> str:
        sent, body = _request(notices)
        answer = await self._webhook.post(_id_of(sent), body)
        self.said = answer.said or self.said
        if answer.taken == "taken":
            await asyncio.to_thread(self._outbox.remove, sent)
            self._refused, self._most = 0, min(2 * self._most, self._batch)
        elif answer.taken == "refused" and len(sent) > 1:
            self._most = len(sent) // 2
        elif answer.taken == "refused":
            await asyncio.to_thread(self._outbox.put_back, sent[0])
            self._refused += 1
        return answer.taken


def _request(notices: Sequence[Notice]) -> tuple[Sequence[Notice], bytes]:
    """Take as many of the first notices as a request may hold, and write them."""
    parts: list[bytes] = []
    room = MOST_BYTES
    for notice in notices:
        part = json.dumps(notice.body, ensure_ascii=False).encode()
        room -= len(part)
        if parts and room < 0:
            break
        parts.append(part)
    return notices[: len(parts)], b'{"notices": [' + b", ".join(parts) + b"]}"


def _id_of(notices: Sequence[Notice]) -> str:
    """Name a request by what is in it: the same when it is sent again."""
    return hashlib.sha256("".join(notice.id for notice in notices).encode()).hexdigest()[:32]
