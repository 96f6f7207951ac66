"""What a run knows of one cache key: tries, repairs and final failure belong to it, not to a task run.

Prefect lets the lock go between a task's attempts: were they counted by task run, 20 identical
documents would try a dead provider 100 times.
"""

import random
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from docmill.schemas.call import CallKind
from docmill.schemas.chat import Reply
from docmill.schemas.endpoint import Target
from docmill.schemas.errors import (
    ChatError,
    CutShort,
    Deferred,
    Fatal,
    InvalidReply,
    MaybeBilled,
    Transient,
    Unserved,
)
from docmill.tasks.chat.lane import LONGEST_RETRY_AFTER_S, retry_scale
from docmill.tasks.chat.repair import follow_up
from docmill.tasks.checks.request import LIMITS, limit_of

TRIES = 5
MAYBE_BILLED_TRIES = 2
UNSERVED_TRIES = 2
REPAIRS = 2
LONGEST_BACKOFF_S = 30.0
# What one task run can go through at most, so that Prefect's count never ends it first.
MOST_RETRIES = TRIES - 1 + REPAIRS + 1


@dataclass
class RequestState:
    """Decides after each failed attempt at a key whether and when there is another.

    `most_repairs` is how often the model is asked anew for a reply that is not valid.
    """

    most_repairs: int = REPAIRS
    tries: int = 0
    maybe_billed: int = 0
    repairs: int = 0
    enlarged: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)  # the repair, after the request's own
    not_before: float = 0.0  # of the loop's clock
    failure: ChatError | None = None

    def raise_failure(self) -> None:
        """Raise what ended this key in this run, if anything did."""
        if self.failure:
            raise copy(self.failure)  # one instance would gather the tracebacks of all documents

    def next_kind(self) -> CallKind:
        """Say what the reply to the next attempt is called, by what went before it."""
        if self.messages or self.enlarged:
            return "repaired"
        return "retried" if self.tries else "paid"

    def body(self, body: bytes, request: dict[str, Any], cap: int) -> bytes:
        """Give the bytes of the next attempt: the request's own, repaired or enlarged."""
        if not self.messages and not self.enlarged:
            return body
        changed = {**request, "messages": [*request["messages"], *self.messages]}
        if self.enlarged:
            name = next(each for each in LIMITS if request.get(each))
            changed[name] = min(cap, 2 * request[name])
        return rfc8785.dumps(changed)

    def failed(
        self, error: ChatError, reply: Reply | None, request: dict[str, Any], target: Target, now: float
    ) -> ChatError:
        """Note a failed attempt and give the error to raise: `again` is set where there is another."""
        error.again = self._another(error, request, target)
        if error.again and isinstance(error, Transient):
            self.not_before = now + self._delay_s(error) * retry_scale()
        if error.again and isinstance(error, InvalidReply):
            self.messages = follow_up(reply or Reply(), error.body or str(error), error.choice)
        if error.again:
            return error
        # Kept without its traceback, which would hold all frames of its document for the whole run.
        self.failure = copy(_given_up(error, self.tries))
        self.messages = []
        return copy(self.failure)

    def _another(self, error: ChatError, request: dict[str, Any], target: Target) -> bool:
        if isinstance(error, Transient):
            self.tries += 1
            self.maybe_billed += isinstance(error, MaybeBilled)
            if isinstance(error, Unserved):
                return self.tries < UNSERVED_TRIES
            too_long = (error.retry_after_s or 0) > LONGEST_RETRY_AFTER_S
            return self.tries < TRIES and self.maybe_billed < MAYBE_BILLED_TRIES and not too_long
        if isinstance(error, InvalidReply):
            self.repairs += 1
            return self.repairs <= self.most_repairs
        if isinstance(error, CutShort):
            cap = target.endpoint.max_output_tokens
            room = (limit_of(request) or cap) < cap
            again = room and not self.enlarged and not target.local
            self.enlarged = self.enlarged or again
            return again
        return False

    def _delay_s(self, error: ChatError) -> float:
        backoff = min(LONGEST_BACKOFF_S, 2.0 ** (self.tries - 1))
        return max(backoff / 2 + random.uniform(0, backoff / 2), error.retry_after_s or 0)  # noqa: S311


def _given_up(error: ChatError, tries: int) -> ChatError:
    """Make of a failure that is not tried again what it means for the document, or for the run."""
    if not isinstance(error, Transient):
        return error
    kind = Fatal if isinstance(error, Unserved) else Deferred
    counted = "1 try" if tries == 1 else f"{tries} tries"
    return kind(
        f"{error} ({counted})",
        remedy=error.remedy,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        body=error.body,
    )
