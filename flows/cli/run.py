"""`docmill run`: a pipeline over its documents, now."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from httpx import HTTPError

from flows import server, spec
from flows.cli.options import (
    Concurrency,
    Documents,
    EndpointName,
    IntoUrl,
    Json,
    Limit,
    Model,
    PipelineName,
    Refresh,
    pipeline_file,
)
from flows.cli.output import console, fail, print_json
from flows.cli.progress import Progress
from flows.cli.summary import Summary
from flows.resolve import Overrides, Plan, resolve
from schemas.errors import ConfigError
from tasks.chat.transport import endpoint_key
from tasks.sources.files import listed

if TYPE_CHECKING:  # Prefect takes seconds to import: only when its server is starting
    from flows.process import Invocation

EXIT_CODES = {"complete": 0, "incomplete": 1, "stopped": 3, "failed": 3}


def run(
    pipeline: PipelineName,
    /,
    *,
    documents: Documents = None,
    into: IntoUrl = None,
    endpoint: EndpointName = None,
    model: Model = None,
    concurrency: Concurrency = None,
    limit: Limit = None,
    refresh: Refresh = False,
    json: Json = False,
) -> int:
    """Run a pipeline over its documents; gives the exit code."""
    overrides = Overrides(documents, into, endpoint, model, concurrency, limit, refresh)
    file = pipeline_file(pipeline)
    plan = resolve(spec.load(file), overrides)
    require_documents(plan)
    endpoint_key(plan.target.endpoint) if not plan.target.local else None
    out = console(stderr=json)
    out.print(plan.origin, markup=False)
    progress = Progress(out, plan)
    launched = server.launch(progress.announce)
    try:
        with progress:
            invocation = _flow_run(file, overrides, progress, launched)
    finally:
        launched.release()
    return _told(invocation, progress.summary, json)


def require_documents(plan: Plan) -> None:
    """Raise ConfigError where the source matches nothing."""
    if next(listed(plan.patterns), None) is None:
        listing = ", ".join(repr(pattern) for pattern in plan.patterns)
        raise ConfigError(f"documents: {listing} matches no file below {Path.cwd()}")


def _flow_run(file: Path, overrides: Overrides, progress: Progress, launched: server.Server) -> "Invocation":
    progress.announce("loading Prefect")
    # The terminal is the progress's; the flow run's log in the Prefect UI has every line.
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    from flows.process import Invocation, invoked, process

    progress.announce("waiting for the Prefect server")
    launched.wait()
    progress.api_url = launched.api_url
    invocation = Invocation(overrides, progress)

    async def main() -> None:
        with invoked(invocation):
            await process(file, overrides.documents, overrides.limit, overrides.refresh, return_state=True)
        if launched.own and invocation.ended:
            progress.announce("waiting for the Prefect server to record the run")
            ended = invocation.ended
            await server.settled(ended.run.flow_run_id or "", ended.task_runs)

    try:
        asyncio.run(main())
    except (HTTPError, KeyboardInterrupt):
        if invocation.ended is None:
            raise
        progress.announce("the Prefect server did not take the run's end: its page may show it as running")
    return invocation


def _told(invocation: "Invocation", summary: Summary, json: bool) -> int:
    run = invocation.ended.run if invocation.ended else None
    if run is not None and json:
        from tasks.sinks.results import run_row

        print_json(run_row(run))
    elif run is not None:
        summary.print(console(), run)
    if invocation.error is not None:
        fail(invocation.error)
    if run is None or isinstance(invocation.error, ConfigError):
        return 2 if isinstance(invocation.error, ConfigError) else 3
    return EXIT_CODES[run.state]
