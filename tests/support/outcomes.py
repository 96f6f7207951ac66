"""Outcomes that no run has made: drawn, made by hand, or written straight into a results database."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from docmill.schemas.outcome import STATUSES, Outcome
from docmill.tasks.sinks import tables
from docmill.tasks.sinks.database import engine_of

OUTCOMES = st.builds(
    Outcome,
    document_id=st.text(max_size=3),
    uri=st.just("u"),
    content_sha256=st.none(),
    status=st.sampled_from(STATUSES),
    seconds=st.floats(0, 10),
    cost_usd=st.none() | st.floats(0, 10),
)


def numbered(number: int = 0, status: Any = "done", **changes: Any) -> Outcome:
    """Make an outcome of the document with a number."""
    return Outcome(document_id=f"d{number}", uri="u", content_sha256=None, status=status, **changes)


def store(url: str, pipeline: str, *outcomes: tuple[str, str, str | None]) -> None:
    """Store a pipeline's outcomes: document_id, status and content_sha256 of each."""
    common: dict[str, object] = {column.name: 0 for column in tables.OUTCOMES.columns if not column.nullable}
    common |= {"steps": {}, "truncated": False, "cost_estimated": False, "updated_at": datetime.now(UTC)}
    common |= {"uri": "u", "run_id": "r", "pipeline_sha256": "h", "pipeline": pipeline}
    engine = engine_of(url)
    tables.METADATA.create_all(engine)
    with engine.begin() as connection:
        for document_id, status, digest in outcomes:
            own = {"document_id": document_id, "status": status, "content_sha256": digest}
            connection.execute(tables.OUTCOMES.insert().values(common | own))
    engine.dispose()
