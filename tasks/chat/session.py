"""The session: what all completions of one run share, set once and passed through no signature."""

import asyncio
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path

from docmill.schemas.endpoint import Target
from docmill.schemas.errors import Blocked, ChatError, Deferred, Fatal, StorageError
from docmill.schemas.outcome import Tally
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.environment import environment_target
from docmill.tasks.chat.kept import Cache, default_cache
from docmill.tasks.chat.lane import Lane
from docmill.tasks.chat.places import default_directory
from docmill.tasks.chat.request_state import TRIES, RequestState
from docmill.tasks.chat.transport import Transport

MOST_TOLD = 5  # reasons a run
MOST_PAGES = 8  # in a row from the beginning: then it is not the documents
BLOCKED_REMEDY = (
    "A page stands in front of the server: a firewall or a proxy. Check base_url and the network's rules."
)

Caller = tuple[str, str]  # document, step

_current: ContextVar["Session | None"] = ContextVar("docmill_session", default=None)


class Session:
    """One run's lanes, clients, keys and tallies; at most `concurrency` calls are in flight in all lanes.

    `oldest` is the time (seconds since the epoch) before which a record of the cache is a miss:
    the run's beginning where it refreshes. `fatal` is the answer that stopped the run. `trouble` is what
    the endpoint last failed with, None once it answers; `tell` takes a line about it.
    """

    def __init__(self, target: Target, transport: Transport, concurrency: int, *, refresh: bool) -> None:
        self.target = target
        self.transport = transport
        self._room = asyncio.Semaphore(concurrency)
        self.closed: str | None = None  # why nothing is sent any more
        self._concurrency = concurrency
        self._lanes: dict[str, Lane] = {}
        self.cache: Cache = default_cache()
        self.directory: Path = default_directory()
        self.oldest = time.time() if refresh else 0.0
        self.keys: dict[str, RequestState] = {}
        self.fatal: Fatal | None = None
        self.task_runs = 0
        self._tallies: dict[Caller, Tally] = {}
        self._storage_failure: OSError | None = None
        self.stopped = asyncio.Event()
        self.sending: set[asyncio.Task[object]] = set()
        self.aborted = False
        self.served = False  # whether an answer was a reply
        self._pages = 0
        self.tell: Callable[[str], None] = lambda _: None
        self.trouble: str | None = None
        self._told: set[str] = set()

    def lane(self, model: str) -> Lane:
        """Give the lane of a model at the session's endpoint."""
        if model not in self._lanes:
            self._lanes[model] = lane = Lane(self._concurrency, self._room)
            if self.closed:
                lane.close(self.closed)
        return self._lanes[model]

    def close(self, reason: str) -> None:
        """Let no call through any more, whatever its model."""
        self.closed = self.closed or reason
        for lane in self._lanes.values():
            lane.close(reason)

    def troubled(self, error: ChatError, tries: int) -> None:
        """Note what the endpoint fails with, until it answers; each reason is told once a run."""
        self.trouble = str(error)
        if self.trouble not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(self.trouble)
            onward = "it is tried again" if error.again else "the document is deferred"
            self.tell(f"{self.trouble} (try {tries} of {TRIES} of a request: {onward})")

    def deferred(self, why: str) -> Deferred:
        """Make the error of a call that is not made, with what the endpoint failed with before."""
        before = self.trouble if self.trouble and self.trouble not in why else None
        return Deferred(f"{why}; before that: {before}" if before else why)

    def book(self, caller: Caller, tally: Tally) -> None:
        """Add to what a step of a document has cost."""
        self._tallies[caller] = self._tallies.get(caller, Tally()) + tally

    def settle(self, caller: Caller) -> Tally:
        """Take what a step of a document has cost, and forget it."""
        return self._tallies.pop(caller, Tally())

    def halt(self, error: Fatal) -> None:
        """Stop for an answer that every other call would get too."""
        if self.fatal is None:
            self.tell(f"stopping: {error}")
        self.fatal = self.fatal or error
        self.stop(f"the run was stopped: {error}")

    def stop(self, reason: str) -> None:
        """Send nothing more: all calls that wait or come are deferred."""
        self.close(reason)
        self.stopped.set()

    def blocked(self, error: Blocked) -> None:
        """Count a page that stands in front of the server; where nothing else came it stops the run."""
        self._pages += 1
        if not self.served and self._pages >= MOST_PAGES:
            raise Fatal(str(error), remedy=BLOCKED_REMEDY, status=error.status, body=error.body) from None

    def abort(self) -> None:
        """End the calls in flight: each is deferred, and booked as one that may have been billed."""
        self.aborted = True
        for task in self.sending:
            task.cancel()

    def write_failed(self, error: OSError) -> None:
        """Remember that the cache took no record: Prefect only logs it."""
        self._storage_failure = self._storage_failure or error
        self.stop("the cache cannot be written")

    def check_storage(self) -> None:
        """Raise StorageError where a record of this run could not be written."""
        if error := self._storage_failure:
            raise StorageError(
                f"the cache {self.cache} cannot be written: {error.strerror or error}. {self.cache.remedy}, "
                "then run again: nothing was marked done without its reply"
            )

    async def wait_until(self, moment: float) -> None:
        """Wait until the loop's clock shows that moment; Deferred where the run stops before."""
        delay = moment - asyncio.get_running_loop().time()
        if delay <= 0:
            return
        try:
            await asyncio.wait_for(self.stopped.wait(), delay)
        except TimeoutError:
            return
        raise self.deferred(self.closed or "the run was stopped")


@asynccontextmanager
async def session(target: Target, limits: Limits, *, refresh: bool = False) -> AsyncIterator[Session]:
    """Open the session that `complete` uses within it.

    Raises ConfigError where the endpoint's key is not in the environment.
    """
    async with Transport(target.endpoint, limits.concurrency) as transport:
        opened = Session(target, transport, limits.concurrency, refresh=refresh)
        token = _current.set(opened)
        try:
            yield opened
        finally:
            _current.reset(token)


_ambient: dict[int, Session] = {}


def opened() -> Session | None:
    """Give the session that is open, where one is."""
    return _current.get()


def current(run: object) -> Session:
    """Give the session that is open, else the environment's one, which ends with this run.

    `run` is the flow run's context: what `complete` shares outside of a session lives as long.
    """
    if session := _current.get():
        return session
    if id(run) not in _ambient:
        target, limits = environment_target(), Limits()
        transport = Transport(target.endpoint, limits.concurrency)
        _ambient[id(run)] = Session(target, transport, limits.concurrency, refresh=False)
        weakref.finalize(run, _close, id(run), asyncio.get_running_loop())
    return _ambient[id(run)]


def _close(run: int, loop: asyncio.AbstractEventLoop) -> None:
    transport = _ambient.pop(run).transport
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: loop.create_task(transport.aclose()))
