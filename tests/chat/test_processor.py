"""Whether the run's own process is what it waits for."""

import asyncio
import time

from docmill.tasks.chat.processor import EVERY_S, watch_processor
from docmill.tasks.chat.waits import Waits


async def test_a_loop_that_does_not_come_to_its_calls_is_held_back_by_this_machine():
    waits = Waits()
    watching = asyncio.create_task(watch_processor(waits))
    await asyncio.sleep(0)
    time.sleep(3 * EVERY_S)  # as whatever keeps the loop
    await asyncio.sleep(EVERY_S / 2)
    watching.cancel()
    assert waits.seconds()["cpu"] > 0
