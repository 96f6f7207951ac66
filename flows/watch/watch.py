"""`docmill watch`: announces what arrives in a directory, as events that start a pipeline's flow.

It keeps no ledger: what has an outcome is read from the results. So it announces at least once, and
the run processes once.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import NO_CONTENT
from itertools import islice
from pathlib import Path
from typing import Protocol

from httpx import HTTPError

from docmill.flows.pipeline.ends import into_of
from docmill.flows.pipeline.file import named
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.server.launch import Server
from docmill.flows.watch.availability import Availability
from docmill.flows.watch.client import asking
from docmill.flows.watch.event import event, grouped
from docmill.flows.watch.inbox import Arrival, Inbox
from docmill.flows.watch.takers import Takers
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.announced import Announced
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.files import Files

SCAN_EVERY_S = 30.0
SCANNING_AT_MOST = 0.1  # of the time
TICK_S = 0.5
TOGETHER_S = 2.0  # of a burst that goes on
QUIET_S = 0.2  # after which a burst is over
BATCH = 200


class Teller(Protocol):
    """Told what `watch` does."""

    def say(self, message: str) -> None:
        """Take a line about what is waited for."""

    def announced(self, event_id: str, documents: int, occurred: datetime) -> None:
        """An event is on the server."""


@dataclass(frozen=True)
class Watched:
    """What is watched: `pipeline` is the name of its file, `results` the one that its results have."""

    inbox: Inbox
    pipeline: str
    results: str
    into: Into
    directory: str


def watched(directory: Path, pipeline: str) -> Watched:
    """Find a pipeline's inbox; raises ConfigError where its documents cannot arrive in the directory."""
    declared = named(pipeline, "--pipeline").pipeline
    place = os.path.abspath(directory)  # noqa: PTH100 - resolve() would follow links
    source = source_of(declared.patterns())
    if not isinstance(source, Files):
        raise ConfigError(f"--pipeline: {pipeline} reads URLs, and only directories can be watched")
    inbox = Inbox(place, source.patterns, Path.cwd(), divides=bool(declared.split))
    return Watched(inbox, pipeline, declared.name, into_of(declared, RunOptions()), place)


class Watch:
    """Announces what has arrived and has no outcome, and again after a while what still has none.

    Announcements are numbered on from the millisecond it started: a server drops an event whose id it
    has just seen, as it should where only its answer was lost, and should not after a restart.
    """

    def __init__(self, what: Watched, server: Server, again_after_s: float, teller: Teller) -> None:
        self.documents = 0
        self.events = 0
        self._what = what
        self._inbox = what.inbox
        self._again_after_s = again_after_s
        self._teller = teller
        self._first_number = time.time_ns() // 1_000_000
        self._api_url = server.api_url
        self._server = Availability(f"the Prefect server {server.api_url}", teller.say)
        self._results = Availability("the results database", teller.say)
        self._source = Availability("the source", teller.say)
        self._takers = Takers(what.pipeline, teller.say)
        self._scan_at = 0.0
        self._rested_at = 0.0

    def run(self) -> None:
        """Watch for ever."""
        for paths in _notices(self._what.directory, self._teller):
            self.look(paths)
            self.announce()
            self.look_for_takers()

    def look(self, paths: set[str]) -> None:
        """Look at paths that may have changed, and at all now and then: notices get lost."""
        now = time.monotonic()
        try:
            if any(map(os.path.isdir, paths)):  # its files came with it, without a notice each
                self._scan_at = self._rested_at
            self._inbox.notice(paths, now)
            if now < self._scan_at or not self._source.may_be_asked():
                return
            self._inbox.scan(now)
        except ConfigError as error:
            self._source.failed(str(error))
            return
        self._source.answered()
        ended = time.monotonic()
        self._rested_at = ended + (ended - now) / SCANNING_AT_MOST
        self._scan_at = max(ended + SCAN_EVERY_S, self._rested_at)

    def announce(self) -> None:
        """Announce what is due and has no outcome."""
        now = time.monotonic()
        asked = self._results.may_be_asked() and self._server.may_be_asked()
        if not asked or not self._inbox.due(now):
            return
        try:
            with Announced(self._what.into, self._what.results) as results:
                for group in grouped(self._without_outcome(results, now)):
                    self._send(group)
        except StorageError as error:
            self._results.failed(str(error))
        except HTTPError as error:
            self._server.failed(str(error) or type(error).__name__)

    def look_for_takers(self) -> None:
        """See now and then whether somebody takes up what is announced, and announce anew what nobody had."""
        if not self._takers.may_be_asked() or not self._server.may_be_asked():
            return
        # A server that is away, or none of Prefect's, is told of when something is announced.
        with suppress(HTTPError, ValueError, TypeError, KeyError), asking(self._api_url) as ask:
            if self._takers.look(ask):
                self._inbox.unheard(time.monotonic())

    def _without_outcome(self, results: Announced, now: float) -> Iterator[Arrival]:
        ripe = self._inbox.ripe(now)
        while batch := list(islice(ripe, BATCH)):
            settled = results.settled({arrival.ref.document_id: arrival.sha256 for arrival in batch})
            self._results.answered()
            for arrival in batch:
                if arrival.ref.document_id in settled:
                    self._inbox.put_off(arrival, now + self._again_after_s)
                else:
                    yield arrival

    def _send(self, group: list[Arrival]) -> None:
        """Hand an event to the server; raises HTTPError where it does not take it."""
        occurred = datetime.now(UTC)
        written = event(self._what.pipeline, group, self._first_number + self.events, occurred)
        with asking(self._api_url) as ask:
            if ask("POST", "/events", [written]).status_code != NO_CONTENT:
                raise HTTPError("what answers is no Prefect server")
        self._server.answered()
        quiet_until = time.monotonic() + self._again_after_s
        for arrival in group:
            self._inbox.announced(arrival, quiet_until)
        self.events += 1
        self.documents += len(group)
        self._teller.announced(written["id"], len(group), occurred)


def _notices(directory: str, teller: Teller) -> Iterator[set[str]]:
    """Give the paths that the kernel says have changed, those of a burst together; none every moment."""
    from watchfiles import watch

    try:
        for changes in watch(
            directory,
            watch_filter=None,
            debounce=int(TOGETHER_S * 1000),
            step=int(QUIET_S * 1000),
            rust_timeout=int(TICK_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            yield {path for _, path in changes}
    except (OSError, RuntimeError) as error:
        teller.say(f"the system gives no notices, so every {SCAN_EVERY_S:.0f} s is looked for files: {error}")
    while True:
        time.sleep(TICK_S)
        yield set()
