"""Puts flow runs right on the server whose process died: nothing else would ever end them."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Crashed

PATIENCE_S = 5.0


async def crash(flow_run_ids: Iterable[str]) -> None:
    """Set flow runs that say they go on to Crashed, which frees their deployment's slot too.

    A server that does not know them, or does not answer, is left alone; so is the flow run that asks:
    one whose process died may be tried again under its id.
    """
    async with get_client() as client:
        for flow_run_id in set(flow_run_ids) - {flow_run.id}:
            with suppress(HTTPError, PrefectException, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    state = (await client.read_flow_run(UUID(flow_run_id))).state
                    if state and not state.is_final():
                        died: State[Any] = Crashed(message="the process died; another run found its row")
                        await client.set_flow_run_state(UUID(flow_run_id), died, force=True)
