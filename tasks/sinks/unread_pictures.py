"""Documents of which pictures were not read when they were brought to an outcome."""

from collections.abc import Collection

from sqlalchemy import Text, cast, select

from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.tables import OUTCOMES


def with_unread_pictures(results: Results, documents: Collection[str], why: str) -> set[str]:
    """Name those of these that are in review with a part that was not read for a reason with this `why`."""
    query = select(OUTCOMES.c.document_id).where(
        OUTCOMES.c.pipeline == results._pipeline,
        OUTCOMES.c.document_id.in_(documents),
        OUTCOMES.c.status == "review",
        cast(OUTCOMES.c.unread, Text).contains(why, autoescape=True),
    )
    return {row[0] for row in results._rows(query)}
