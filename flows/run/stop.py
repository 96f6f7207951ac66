"""How a run is stopped from outside: a signal, or a cancel in the Prefect UI."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from docmill.flows.observe.observer import GRACE_S, Observer
from docmill.tasks.chat.session import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOK_EVERY_S = 3.0
LOOK_TIMEOUT_S = 5.0
MOST_SILENT = 2
AT_ONCE_S = 1.5  # a second signal ends the process that soon, whatever still goes on
EXIT_CODE = 3
CANCELLED = "the run was cancelled"


class Stop:
    """One run's stop. The first signal stops the session, the second ends the process.

    `came` is set once it has come, and `cancelled` says that the flow run is Cancelling or Cancelled on the
    server.
    """

    def __init__(self, observer: Observer) -> None:
        self.cancelled = False
        self.came = asyncio.Event()
        self._observer = observer
        self.reason = ""
        self._was_signalled = False
        self._session: Session | None = None

    def warn(self, message: str) -> None:
        """Log a line that must be read while no run shows itself in Prefect's UI, and pass it on."""
        get_run_logger().warning(message)
        self._observer.warn(message)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the process's signals while the block runs; only a main thread has any."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    @contextmanager
    def stopping(self, session: Session) -> Iterator[None]:
        """Stop this session when the time has come, which may be now."""
        self._session = session
        if self.reason:
            session.stop(self.reason)
        try:
            yield
        finally:
            self._session = None

    def outage(self, reason: str) -> None:
        """Defer what is left: the endpoint is gone for this run."""
        self._observer.announce(reason)
        if self._session is not None:
            self._session.close(reason)

    async def watch(self, flow_run_id: str) -> None:
        """Look every few seconds whether the flow run was cancelled, for ever."""
        silent = 0
        async with get_client() as client:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                silent = 0 if await self._look(client, flow_run_id) else silent + 1
                if silent == MOST_SILENT:
                    self._observer.announce(
                        "the Prefect server no longer answers: the run goes on without it"
                    )

    async def look(self, flow_run_id: str) -> None:
        """Look now whether the flow run was cancelled."""
        async with get_client() as client:
            await self._look(client, flow_run_id)

    async def _look(self, client: PrefectClient, flow_run_id: str) -> bool:
        """Take in the flow run's state; says whether the server answered."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                state = (await client.read_flow_run(UUID(flow_run_id))).state
        except (HTTPError, PrefectException, TimeoutError):
            return False
        if state and (state.is_cancelling() or state.is_cancelled()) and not self.cancelled:
            self.cancelled = True
            self._stop(CANCELLED)
        return True

    def _signalled(self, number: int) -> None:
        # A cancel is none: the worker that sees it, too, sends a signal of its own.
        if self._was_signalled:
            if self._session is not None:
                self._session.abort()
            asyncio.get_running_loop().call_later(AT_ONCE_S, self._end)
        self._was_signalled = True
        self._stop(f"the run was stopped by {signal.Signals(number).name}")

    def _stop(self, reason: str) -> None:
        if self.reason:
            return
        self.reason = reason
        self.came.set()
        self._observer.stopping(reason, GRACE_S)
        if self._session is not None:
            self._session.stop(reason)

    def _end(self) -> None:
        self._observer.abandoned()
        os._exit(EXIT_CODE)
