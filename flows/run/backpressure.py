"""Backpressure: a run makes task runs no faster than Prefect's server records them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.exceptions import PrefectException

from docmill.tasks.chat.backlog import Backlog

LOOK_EVERY_S = 1.0
LOOK_TIMEOUT_S = 5.0
LOST_S = 30.0
LOST = "the Prefect server does not record task runs in time: the run goes on, its page may lack some"


@asynccontextmanager
async def recorded_in_time(backlog: Backlog, warn: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold calls back while the block runs and the server has not recorded those before."""
    backlog.bound()
    following = asyncio.create_task(_follow(backlog, warn))
    try:
        yield
    finally:
        following.cancel()
        backlog.unbound()


async def _follow(backlog: Backlog, warn: Callable[[str], None]) -> None:
    """Look for the samples of a run, one after the other, for ever; says once where one is lost."""
    warned = False
    async with get_client() as client:
        while True:
            samples = await backlog.samples()
            if count := await _recorded(client, [sample.task_run_id for sample in samples]):
                backlog.recorded(samples[count - 1])
            elif backlog.age(samples[0]) > LOST_S:
                backlog.lost(samples[0])
                if not warned:
                    warn(LOST)
                warned = True
            await asyncio.sleep(LOOK_EVERY_S)


async def _recorded(client: PrefectClient, task_run_ids: list[UUID]) -> int:
    """Ask how many of some task runs have ended for the server, too; it records them in their order."""
    asked = {
        "id": {"any_": [str(each) for each in task_run_ids]},
        "state": {"type": {"any_": [state.value for state in TERMINAL_STATES]}},
    }
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            reply = await client.request("POST", "/task_runs/count", json={"task_runs": asked})
            count: int = reply.json()
    except (HTTPError, PrefectException, TimeoutError):
        return 0
    return count
