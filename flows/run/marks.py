"""At a run's end: the mark that the next one begins at, where this one has left nothing to do."""

import asyncio
from collections.abc import Callable

from docmill.flows.pipeline.plan import Plan
from docmill.schemas.outcome import BAD, Run
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.marks import keep
from docmill.tasks.sources.rows import Rows


async def keep_mark(plan: Plan, results: ReviewedResults, run: Run, tell: Callable[[str], None]) -> None:
    """Keep how far the rows were read: only a whole reading, of which no document has to be taken up again.

    `tell` takes why the column gives no mark. Raises StorageError where the results cannot be written.
    """
    source = plan.source
    left = any(run.counts.get(status) for status in BAD)
    if run.state != "complete" or left or plan.limit is not None or not isinstance(source, Rows):
        return
    if mark := await asyncio.to_thread(source.mark):
        await asyncio.to_thread(keep, results, run.run_id, mark, source.sha256(), plan.sha256)
    elif why := await asyncio.to_thread(source.unmarked):
        tell(f"{why}. The next run reads all rows from the mark of before")
