"""Whether the run's own process is what it waits for: its CPU time, and how late its loop wakes."""

import asyncio
import time

from docmill.tasks.chat.waits import Waits

EVERY_S = 0.25
BUSY = 0.9  # of the time: one processor, as all calls go through one loop


async def watch_processor(waits: Waits) -> None:
    """Note again and again whether the processor holds the run back, until it is cancelled."""
    while True:
        began, used = time.monotonic(), time.process_time()
        await asyncio.sleep(EVERY_S)
        took = time.monotonic() - began
        is_late = took >= 2 * EVERY_S
        waits.mark("cpu", on=is_late or time.process_time() - used >= BUSY * took)
