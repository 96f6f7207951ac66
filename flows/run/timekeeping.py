"""What holds a run back is watched, and what it did and has come to is kept now and then and at its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from docmill.flows.observe.progress import RunProgress
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Run
from docmill.tasks.chat.processor import watch_processor
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.alive import keep_so_far
from docmill.tasks.sinks.results import Results

EVERY_S = 60.0


@asynccontextmanager
async def timekept(
    session: Session, results: Results, row: Run, name: str, progress: RunProgress | None
) -> AsyncIterator[None]:
    """Watch and keep while the block runs: of a run that is killed there is what the last minute knew.

    `name` is the run's id, or that of its part; a part has no `progress` of its own to keep.
    """
    ended = asyncio.Event()
    watching = asyncio.create_task(watch_processor(session.waits))
    keeping = asyncio.create_task(_keep_on(partial(_keep, session, results, row, name, progress), ended))
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


async def _keep(
    session: Session, results: Results, row: Run, name: str, progress: RunProgress | None
) -> None:
    """Write it; a picture that cannot be written fails no run: outcomes that cannot be do."""
    with suppress(StorageError):
        timeline = session.timeline()
        await asyncio.to_thread(results.timelines.keep, name, row.started_at, timeline)
    if progress is not None:
        with suppress(StorageError):
            await asyncio.to_thread(keep_so_far, results, row.model_copy(update=progress.so_far()))
