"""`docmill plan`: what a run would do and cost, before anything is sent."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from docmill.flows.cli.options import NO_CHOICE, Choosing, Json, PipelineName
from docmill.flows.cli.output import console, print_json
from docmill.flows.cli.plan_table import tell
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.plan import resolve


def plan(
    pipeline: PipelineName,
    /,
    *,
    chosen: Choosing = NO_CHOICE,
    json: Json = False,
) -> int:
    """Say what a run would do and cost: reads the documents and asks the cache, and sends nothing.

    Numbers that depend on replies not known yet are from low to high.
    """
    resolved = resolve(load(pipeline_file(pipeline)), chosen.given())
    out = console(stderr=json)
    out.print(resolved.origin, markup=False)
    from docmill.flows.plan.forecast import forecast  # it asks Prefect's cache, which takes seconds to load

    with _progress(out) as looked_at:
        planned = asyncio.run(forecast(resolved, looked_at))
    if json:
        print_json(planned.written())
    else:
        tell(out, resolved, planned)
    return 0


@contextmanager
def _progress(out: Console) -> Iterator[Callable[[int], None]]:
    """Show how many documents were looked at, on a terminal."""
    with out.status("looking at the documents") as status:
        yield lambda count: status.update(f"looked at {count:,} documents")
