"""A run's timeline: what holds it back is watched, and what it did is kept now and then and at its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Run
from docmill.tasks.chat.processor import watch_processor
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.results import Results

EVERY_S = 60.0


@asynccontextmanager
async def timekept(session: Session, results: Results, row: Run, name: str) -> AsyncIterator[None]:
    """Watch and keep while the block runs: of a run that is killed there is what the last minute knew.

    `name` is the run's id, or that of its part.
    """
    ended = asyncio.Event()
    watching = asyncio.create_task(watch_processor(session.waits))
    keeping = asyncio.create_task(_keep_on(partial(_keep, session, results, row, name), ended))
    try:
        yield
    finally:
        watching.cancel()
        ended.set()
        await keeping


async def _keep_on(keep: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
    """Keep it again and again, one write after the other, the last time when the run has ended."""
    while True:
        last = ended.is_set()  # asked first: what is done while it is written is not in it
        await keep()
        if last:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), EVERY_S)


async def _keep(session: Session, results: Results, row: Run, name: str) -> None:
    """Write it; a picture that cannot be written fails no run: outcomes that cannot be do."""
    with suppress(StorageError):
        timeline = session.timeline()
        await asyncio.to_thread(results.timelines.keep, name, row.started_at, timeline)
