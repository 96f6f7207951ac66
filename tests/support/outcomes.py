"""Outcomes that no run has made: written straight into a results database."""

from datetime import UTC, datetime

from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.tables import METADATA, OUTCOMES


def store(url: str, pipeline: str, *outcomes: tuple[str, str, str | None]) -> None:
    """Store a pipeline's outcomes: document_id, status and content_sha256 of each."""
    common: dict[str, object] = {column.name: 0 for column in OUTCOMES.columns if not column.nullable}
    common |= {"steps": {}, "truncated": False, "cost_estimated": False, "updated_at": datetime.now(UTC)}
    common |= {"uri": "u", "run_id": "r", "pipeline_sha256": "h", "pipeline": pipeline}
    engine = engine_of(url)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for document_id, status, digest in outcomes:
            own = {"document_id": document_id, "status": status, "content_sha256": digest}
            connection.execute(OUTCOMES.insert().values(common | own))
    engine.dispose()
