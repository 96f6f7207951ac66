"""What the results hold of documents that a plan asks for: looked up by the batch, never all at once."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import Row
from docmill.tasks.sinks.tables import OUTCOMES, RUNS

STATES = (
    OUTCOMES.c.document_id,
    OUTCOMES.c.content_sha256,
    OUTCOMES.c.pipeline_sha256,
    OUTCOMES.c.status,
)


def states_of(results: Results, documents: Sequence[str]) -> dict[str, Row]:
    """Give hashes and status of each of these documents that has an outcome."""
    return {row.document_id: row._mapping for row in results._rows(_of(results, documents, *STATES))}


def steps_of(results: Results, documents: Sequence[str]) -> dict[str, Row]:
    """Give the `steps` of each of these documents that has an outcome."""
    columns = OUTCOMES.c.document_id, OUTCOMES.c.steps
    return {row.document_id: row.steps for row in results._rows(_of(results, documents, *columns))}


def recent_steps(results: Results, most: int) -> Iterator[Row]:
    """Give the `steps` of the outcomes that were written last."""
    query = select(OUTCOMES.c.steps).where(OUTCOMES.c.pipeline == results._pipeline)
    yield from (row[0] for row in results._rows(query.order_by(OUTCOMES.c.updated_at.desc()).limit(most)))


def last_runs(results: Results, most: int) -> list[Row]:
    """Give the pipeline's last runs that have ended and paid for calls, the latest first."""
    known = results._select(RUNS)
    paid = RUNS.c.pipeline == results._pipeline, RUNS.c.calls > 0, RUNS.c.ended_at.is_not(None)
    query = known.where(*paid).order_by(RUNS.c.started_at.desc()).limit(most)
    return [row._mapping for row in results._rows(query)]


def _of(results: Results, documents: Sequence[str], *columns: object):  # type: ignore[no-untyped-def]
    return select(*columns).where(  # type: ignore[call-overload]
        OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.document_id.in_(documents)
    )
