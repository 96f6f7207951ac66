"""What the results hold of documents and runs that are asked for, never all at once."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Text, and_, case, cast, func, select

from docmill.schemas.outcome import GOOD
from docmill.tasks.sinks.database_id import id_of
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import Row
from docmill.tasks.sinks.tables import OUTCOMES, RUNS
from docmill.tasks.sinks.work_tables import SHARDS

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


def runs_named(results: Results, beginning: str) -> list[Row]:
    """Give the rows of two runs at most whose ids begin so; of an id that is whole its own alone."""
    if whole := results.run(beginning):
        return [whole]
    named = RUNS.c.run_id.startswith(beginning, autoescape=True), RUNS.c.pipeline == results._pipeline
    return [row._mapping for row in results._rows(results._select(RUNS).where(*named).limit(2))]


def made_with_others(results: Results, model: str) -> list[tuple[str, int]]:
    """Count the good outcomes that runs with other models have made, by model."""
    own = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.status.in_(GOOD)
    query = (
        select(RUNS.c.model, func.count())
        .select_from(OUTCOMES.join(RUNS, OUTCOMES.c.run_id == RUNS.c.run_id))
        .where(*own, RUNS.c.model != model)
        .group_by(RUNS.c.model)
        .order_by(RUNS.c.model)
    )
    return [(row[0], row[1]) for row in results._rows(query)]


def read_in_part(results: Results, run_id: str) -> tuple[int, int]:
    """Count a run's documents that were truncated, and those that are done with parts unread."""
    unread = OUTCOMES.c.status == "done", cast(OUTCOMES.c.unread, Text) != "[]"  # not where it is NULL
    counts = func.count(case((OUTCOMES.c.truncated, 1))), func.count(case((and_(*unread), 1)))
    own = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.run_id == run_id
    row = next(results._rows(select(*counts).where(*own)))
    return row[0], row[1]


def shards_flow_runs(results: Results, run_id: str) -> list[str]:
    """Give the flow runs that did a run's shards last."""
    own = SHARDS.c.run_id == run_id, SHARDS.c.flow_run_id.is_not(None)
    query = select(SHARDS.c.flow_run_id).where(*own).order_by(SHARDS.c.shard)
    return [row[0] for row in results._rows(query)]


def database_id(results: Results) -> str | None:
    """Give the own id of a results database."""
    with results._failing(), results._engine.connect() as connection:
        return id_of(connection.execution_options(reading=True))


def _of(results: Results, documents: Sequence[str], *columns: object):  # type: ignore[no-untyped-def]
    return select(*columns).where(  # type: ignore[call-overload]
        OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.document_id.in_(documents)
    )
