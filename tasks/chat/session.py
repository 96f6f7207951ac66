"""The session: what all completions of one run share, set once and passed through no signature."""

import asyncio
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

from docmill.schemas.endpoint import Target
from docmill.schemas.errors import Blocked, ChatError, Deferred, Fatal, OverBudget, StorageError
from docmill.schemas.outcome import Tally
from docmill.schemas.pipeline import Limits
from docmill.schemas.timeline import Timeline
from docmill.tasks.chat.backlog import Backlog
from docmill.tasks.chat.environment import environment_target
from docmill.tasks.chat.kept import Cache, default_cache
from docmill.tasks.chat.lane import Lane
from docmill.tasks.chat.made import CallsMade
from docmill.tasks.chat.pace import Pace, rates_of
from docmill.tasks.chat.places import default_directory
from docmill.tasks.chat.purse import Purse
from docmill.tasks.chat.recorder import Recorder
from docmill.tasks.chat.request_state import TRIES, RequestState
from docmill.tasks.chat.shared_windows import windows_of
from docmill.tasks.chat.storing import settled
from docmill.tasks.chat.transport import Transport
from docmill.tasks.chat.waits import Waits
from docmill.tasks.chat.windows import WINDOW_S

MOST_TOLD = 5  # reasons a run
MOST_PAGES = 8  # in a row from the beginning: then it is not the documents
BLOCKED_REMEDY = "A page stands in front of the server: a firewall or a proxy. Check base_url and the rules."

Caller = tuple[str, str]  # document, step

_current: ContextVar["Session | None"] = ContextVar("docmill_session", default=None)


class Session:
    """One run's lanes, clients, keys and tallies; at most `concurrency` calls are in flight in all lanes.

    `oldest` is the time (seconds since the epoch) before which a record of the cache is a miss:
    the run's beginning where it refreshes. `fatal` is the answer that stopped the run. `trouble` is what
    the endpoint last failed with, None once it answers; `tell` takes a line about it. `ending` is set
    once nothing more is read and sent, and `stopped` where what is in flight does not end by itself either.
    Without a `purse` there is no budget.
    """

    def __init__(self, target: Target, transport: Transport, limits: Limits, *, refresh: bool) -> None:
        self.target = target
        self.transport = transport
        self._room = asyncio.Semaphore(limits.concurrency)
        self.closed: str | None = None  # why nothing is sent any more
        self._limits = limits
        self.waits = Waits()
        self.recorder = Recorder()
        self.backlog = Backlog(self.waits)
        self._lanes: dict[str, Lane] = {}
        self._paces: dict[str, Pace] = {}
        self.cache: Cache = default_cache()
        self.directory: Path = default_directory()
        self.oldest = time.time() if refresh else 0.0
        self.keys: dict[str, RequestState] = {}
        self.fatal: Fatal | None = None
        self.task_runs = 0
        self._tallies: dict[Caller, Tally] = {}
        self.booked = Tally()  # of all callers, whatever became of them
        self.made = CallsMade()
        self._storage_failure: OSError | None = None
        self.ending = asyncio.Event()
        self.stopped = asyncio.Event()
        self.purse: Purse | None = None
        self.priced = False  # a reply's cost was computed, as its server did not say what it books
        self.beyond: dict[str, int] = {}  # tokens of reasoning on top of max_tokens, the most by model
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
            self._lanes[model] = lane = Lane(self._limits.concurrency, self._room, self.waits)
            if self.closed:
                lane.close(self.closed)
        return self._lanes[model]

    def pace(self, model: str) -> Pace:
        """Give the pace of a model at the session's endpoint, which all processes on the cache share."""
        if model not in self._paces:
            said = rates_of(self._limits).smaller(rates_of(self.target.endpoint))
            windows = partial(windows_of, self.directory, self.target.identity, model, WINDOW_S)
            self._paces[model] = Pace(
                said, windows, self.wait, self.waits, lambda told: self.tell(told), WINDOW_S
            )
        return self._paces[model]

    def timeline(self) -> Timeline:
        """Tell what was done until now, and what was waited for."""
        return Timeline.model_validate({**self.recorder.series(), "held_back": self.waits.seconds()})

    def close(self, reason: str) -> None:
        """Let no call through any more, whatever its model."""
        self.closed = self.closed or reason
        self.backlog.unbound()
        if self.purse is not None:
            self.purse.end(Deferred(self.closed))
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
        self.booked += tally
        self.recorder.add("calls", tally.calls)
        self.recorder.add("tokens", tally.prompt_tokens + tally.completion_tokens)
        self.recorder.add("usd", tally.cost_usd or 0.0)

    def settle(self, caller: Caller) -> Tally:
        """Take what a step of a document has cost, and forget it, and its calls."""
        self.made.take(caller)
        return self._tallies.pop(caller, Tally())

    def halt(self, error: Fatal) -> None:
        """Stop for an answer that every other call would get too."""
        if self.fatal is None:
            self.tell(f"stopping: {error}")
        self.fatal = self.fatal or error
        self.stop(f"the run was stopped: {error}")

    def over_budget(self, error: OverBudget) -> None:
        """Read and send nothing more, as the budget is spent; what is in flight ends by itself."""
        if self.closed:
            return  # it stops already, for another reason
        self.fatal = error
        self.close(f"the run was stopped: {error}")
        self.ending.set()
        self.tell(f"stopping: {error}")

    def stop(self, reason: str) -> None:
        """Send nothing more: all calls that wait or come are deferred."""
        self.close(reason)
        self.ending.set()
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

    async def wait(self, seconds: float) -> None:
        """Wait so long; Deferred where the run stops before."""
        await self.wait_until(asyncio.get_running_loop().time() + seconds)

    async def wait_until(self, moment: float) -> None:
        """Wait until the loop's clock shows that moment; Deferred where the run stops before."""
        delay = moment - asyncio.get_running_loop().time()
        if delay <= 0:
            return
        try:
            await asyncio.wait_for(self.ending.wait(), delay)
        except TimeoutError:
            return
        raise self.deferred(self.closed or "the run was stopped")


@asynccontextmanager
async def session(target: Target, limits: Limits, *, refresh: bool = False) -> AsyncIterator[Session]:
    """Open the session that `complete` uses within it.

    Raises ConfigError where the endpoint's key is not in the environment.
    """
    async with Transport(target.endpoint, limits.concurrency) as transport:
        opened = Session(target, transport, limits, refresh=refresh)
        token = _current.set(opened)
        try:
            yield opened
        finally:
            _current.reset(token)
            await settled()


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
        _ambient[id(run)] = Session(target, transport, limits, refresh=False)
        weakref.finalize(run, _close, id(run), asyncio.get_running_loop())
    return _ambient[id(run)]


def _close(run: int, loop: asyncio.AbstractEventLoop) -> None:
    transport = _ambient.pop(run).transport
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: loop.create_task(transport.aclose()))
