"""Runs the flow `process` for the command line, whatever becomes of the Prefect server meanwhile."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from httpx import HTTPError

from docmill.flows.cli import output
from docmill.flows.cli.loading import loading
from docmill.flows.cli.progress import Progress
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.server.launch import SETTLE_TIMEOUT_S, Server
from docmill.schemas.errors import ConfigError, DocmillError

if TYPE_CHECKING:  # Prefect takes seconds to import: only when its server is starting
    from docmill.flows.run.flow_run import Invocation

CRASHED = "the run crashed, which is a defect of docmill's: please report it with this: "
LOST = "the Prefect server no longer answers: the run's page lacks its end, its results do not"
Tell = Callable[["Invocation"], int]


def flow_run(file: Path, options: RunOptions, progress: Progress, launched: Server, tell: Tell) -> int:
    """Run a pipeline as a flow run and tell what came of it; gives the exit code.

    Raises ConfigError where the Prefect server does not take the flow run.
    """
    progress.announce("loading Prefect")
    _quieten()
    with loading():
        from docmill.flows.process import process
        from docmill.flows.run.flow_run import Invocation, invoked

    progress.announce("waiting for the Prefect server")
    launched.wait()
    progress.api_url = launched.api_url
    invocation = Invocation(options, progress)

    async def main() -> None:
        given = (file, options.documents, options.limit, options.refresh)
        with invoked(invocation):
            running = asyncio.ensure_future(process(*given, return_state=True))
        try:
            state = await _taken(running, invocation)
        except HTTPError as error:
            if invocation.ended is None:
                raise ConfigError(
                    f"the Prefect server {launched.api_url} cannot be reached: {error}"
                ) from None
            progress.announce(LOST)
            if output.is_program:
                _end_at_once(progress, lambda: tell(invocation))
            return
        if invocation.error is None and (invocation.ended is None or invocation.crashed):
            invocation.error = DocmillError(f"{CRASHED}{state.message}")
        if launched.own and (ended := invocation.ended):
            progress.announce("waiting for the Prefect server to record the run")
            await launched.recorded(ended.row.flow_run_id or "", ended.session.task_runs)

    with progress:
        asyncio.run(main())
    return tell(invocation)


def _quieten() -> None:
    """Leave the terminal to the progress; the flow run's log in the Prefect UI has every line."""
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    logging.getLogger("prefect._internal").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False  # else Prefect writes to stderr that its server took no log


async def _taken(running: "asyncio.Future[Any]", invocation: "Invocation") -> Any:
    """Wait for the flow run's state; HTTPError where its run has ended and the server does not take that."""
    while not running.done():
        await asyncio.wait({running}, timeout=1)
        ended = invocation.ended and invocation.ended.row.ended_at
        if ended and (datetime.now(UTC) - ended).total_seconds() > SETTLE_TIMEOUT_S:
            raise HTTPError("no answer")
    return running.result()


def _end_at_once(progress: Progress, tell: Callable[[], int]) -> NoReturn:
    """Tell and end: at exit Prefect would try for minutes to hand in its events, one by one."""
    progress.abandoned()
    code = tell()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
