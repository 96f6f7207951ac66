"""A form in Prefect's UI that a run waits for: its own pause, ended by an answer, a stop, or in time."""

import asyncio
from typing import Any

from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput

from docmill.flows.run.stop import Stop


class Unanswered(Exception):
    """Nobody has filled in the form; its text says why."""


async def asked(form: type[RunInput], stop: Stop, wait_s: float, look_every_s: float) -> Any:
    """Pause the flow run until a person resumes it with the form filled in; raises Unanswered."""
    pausing = asyncio.create_task(_paused(form, wait_s, look_every_s))
    cancelled = asyncio.create_task(stop.came.wait())
    await asyncio.wait({pausing, cancelled}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (pausing, cancelled):
        task.cancel()
    await asyncio.gather(pausing, cancelled, return_exceptions=True)
    if pausing.cancelled():
        raise Unanswered(stop.reason or f"nobody answered within {wait_s / 3600:g} hours")
    if failure := pausing.exception():
        raise Unanswered(f"it could not be asked ({type(failure).__name__})")
    return pausing.result()


async def _paused(form: type[RunInput], wait_s: float, look_every_s: float) -> Any:
    # Once its own timeout is over Prefect takes no state of ours.
    return await apause_flow_run(
        wait_for_input=form, timeout=round(2 * wait_s) or 2, poll_interval=round(look_every_s)
    )
