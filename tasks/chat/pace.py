"""The pace of a lane: each call takes its requests and tokens of the minute before it is sent."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import StorageError
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.easing import Easing
from docmill.tasks.chat.left import AllLeft, number_of
from docmill.tasks.chat.usage import Allowed, Tokens
from docmill.tasks.chat.waits import Waits
from docmill.tasks.chat.windows import WINDOW_S, Rates, Resource, Slot, Windows
from docmill.tasks.checks.request import BYTES_PER_TOKEN

OUTPUT_SHARE = 0.25  # of max_tokens, until an answer has come
SLOWER = (
    "the server refuses calls within the limits a minute: they go slower, and faster again as it takes them"
)
WEIGHT = 0.1  # of the newest answer in what is expected of the next


class Take:
    """What a call has taken until it is settled; `before` is what all calls had taken when it was sent."""

    def __init__(self, size: int, tokens: float) -> None:
        self.size, self.tokens = size, tokens
        self.slot: Slot | None = None
        self.at: float | None = None
        self.before: Sequence[float] = ()
        self.used: Tokens | None = None
        self.sent = self.refused = False


class Pace:
    """Holds the calls of one model to requests and tokens a minute; does nothing where no limit is known."""

    def __init__(
        self,
        declared: Rates,
        windows: Callable[[], Windows],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        waits: Waits | None = None,
        tell: Callable[[str], None] = lambda _: None,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waits = waits or Waits()
        self._window_s = window_s
        self._tell = tell
        self._is_told = False
        self._easing = Easing(window_s)
        self._declared = declared
        self._learned = Rates()
        self._open = windows
        self._sleep = sleep  # ends early, with Deferred, where the run stops
        self._clock = clock
        self._not_before = -math.inf  # while a minute is used up that was thought to hold more
        self._left = AllLeft()
        self._windows: Windows | None = None
        self._next = asyncio.Lock()  # first come, first served
        self._tokens_per_byte = 1 / BYTES_PER_TOKEN
        self._output: float | None = None

    @property
    def rates(self) -> Rates:
        """The smaller of what was declared and what the server says; less where it refuses within them."""
        share = self._easing.share(self._clock())
        return Rates(self._known.requests * share, self._known.tokens * share)

    @property
    def _known(self) -> Rates:
        return self._declared.smaller(self._learned)

    def refused(self) -> None:
        """Note that the server has refused a call, so that the lane pauses."""
        if self._known.limited:
            now = self._clock()
            self._not_before = now + self._easing.refused(now)

    @asynccontextmanager
    async def taken(self, allowed: Allowed) -> AsyncIterator[Take]:
        """Wait for the call's place in the minute; what it did not need is given back at the end."""
        take = Take(allowed.request_bytes, self.expected(allowed))
        is_limited = self._known.limited
        is_held = is_limited or self._left.is_told
        try:
            async with self._next if is_held else nullcontext():
                if is_limited:
                    await self._wait(self._not_before - self._clock(), "requests")
                    take.slot = await self._slot(take.tokens)
                await self._until_there_is_room(take.tokens)
                take.at, take.before = self._clock(), self._left.spent()
                self._left.spend(1, take.tokens)
            yield take
        finally:
            with suppress(OSError, StorageError):  # the reply is there, and paid for
                self._settle(take)

    def expected(self, allowed: Allowed) -> float:
        """Estimate the tokens of a call: as earlier ones had, else bytes / 3 and a share of max_tokens."""
        share = OUTPUT_SHARE * allowed.answer_tokens
        output = share if self._output is None else min(self._output, allowed.answer_tokens)
        return allowed.request_bytes * self._tokens_per_byte + output

    def heard(self, headers: Mapping[str, str], take: Take | None = None) -> None:
        """Learn the limits that a server's headers name, and what is left of them after a call that it took.

        What is no sound number is passed over.
        """
        requests = _limit(headers, "requests") or self._learned.requests
        tokens = _limit(headers, "tokens") or self._learned.tokens
        if (requests, tokens) != (self._learned.requests, self._learned.tokens):
            self._learned = Rates(requests, tokens)
            self._easing = Easing(self._window_s)  # what was refused before is told by the new limit
        if take is not None and take.at is not None:
            self._left.heard(headers, take.at, take.before, (1.0, take.tokens))

    async def _until_there_is_room(self, tokens: float) -> None:
        """Wait where the server has said that less is left than the call needs."""
        while (wait := self._left.wait(tokens, self._clock()))[0] > 0:
            await self._wait(*wait)

    async def _slot(self, tokens: float) -> Slot:
        while True:
            self._windows = self._windows or self._open()
            slot = await self._windows.take(self.rates, tokens)
            try:
                await self._wait(slot.wait_s, slot.cause)
            except BaseException:
                with suppress(OSError, StorageError):
                    self._windows.settle(self.rates, slot, 0, 0)
                raise
            if slot.part is not None:
                return slot

    async def _wait(self, seconds: float, cause: Resource) -> None:
        if seconds > 0:
            with self._waits.during(cause):
                await self._sleep(seconds)

    def _settle(self, take: Take) -> None:
        if used := take.used:
            self._learn(take.size, used)
            self._ease(take, used)
        if take.at is not None and (used or not take.sent):
            more = 0.0 if take.sent else -1.0
            self._left.spend(more, (used.prompt + used.completion if used else 0.0) - take.tokens)
        if self._windows is None or take.slot is None:
            return
        if used:
            self._windows.settle(self.rates, take.slot, 1, used.prompt + used.completion)
        elif take.refused or not take.sent:
            self._windows.settle(self.rates, take.slot, int(take.sent), 0)

    def _ease(self, take: Take, used: Tokens) -> None:
        """Note an answer under a limit; that calls go slower is told once."""
        if not self._known.limited:
            return
        share = self._known.share_of(1, used.prompt + used.completion)
        self._easing.answered(self._clock(), take.at or 0.0, share)
        if self._easing.is_lower and not self._is_told:
            self._is_told = True
            self._tell(SLOWER)

    def _learn(self, size: int, used: Tokens) -> None:
        if used.estimated:
            return
        self._tokens_per_byte += WEIGHT * (used.prompt / size - self._tokens_per_byte)
        before = used.completion if self._output is None else self._output
        self._output = before + WEIGHT * (used.completion - before)


def _limit(headers: Mapping[str, str], resource: Resource) -> float | None:
    limit = number_of(headers, resource, "limit")
    return limit if limit is not None and limit >= 1 else None


def rates_of(said: Limits | Endpoint) -> Rates:
    """Give the limits a minute that are declared; what is not is infinite."""
    return Rates(said.requests_per_minute or math.inf, said.tokens_per_minute or math.inf)
