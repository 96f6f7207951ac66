"""The outbox: notices that were written with their outcomes, and stay until somebody has taken them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, func, or_, select, update

from docmill.schemas.notify import Notify
from docmill.tasks.sinks.database import failing
from docmill.tasks.sinks.rows import Row, insert
from docmill.tasks.sinks.tables import OUTBOX

TOLD = ("document_id", "uri", "status", "label", "summary", "record", "content_sha256", "run_id", "error")


@dataclass(frozen=True)
class Notice:
    """What is told of one outcome; its `id` stays the same however often it is sent."""

    id: str
    body: dict[str, Any]


def put_notices(connection: Connection, pipeline: str, notify: Notify | None, rows: Sequence[Row]) -> None:
    """Put notices of these outcomes into the outbox, in the transaction that stores them."""
    now = datetime.now(UTC)
    notices = [
        {"id": str(uuid4()), "pipeline": pipeline, "at": now, "body": {name: row[name] for name in TOLD}}
        for row in rows
        if notify is not None and row["status"] in notify.statuses
    ]
    if notices:
        insert(connection, OUTBOX, notices)


class Outbox:
    """One pipeline's notices that wait; raises StorageError where the database fails."""

    def __init__(self, engine: Engine, pipeline: str, url: str) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._url = url

    def waiting(self, most: int, begun: datetime) -> list[Notice]:
        """Give the oldest notices, those last that were refused before; none that was since `begun`."""
        refused = OUTBOX.c.refused_at
        query = select(OUTBOX).where(
            OUTBOX.c.pipeline == self._pipeline, or_(refused.is_(None), refused < begun)
        )
        with failing(self._url, "run again"), self._engine.connect() as connection:
            rows = connection.execution_options(reading=True).execute(
                query.order_by(refused.asc().nulls_first(), OUTBOX.c.at, OUTBOX.c.id).limit(most)
            )
            return [Notice(row.id, {"id": row.id, **row.body, "at": _utc(row.at)}) for row in rows]

    def count(self) -> int:
        """Count them."""
        query = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.pipeline == self._pipeline)
        with failing(self._url, "run again"), self._engine.connect() as connection:
            return int(connection.execution_options(reading=True).execute(query).scalar_one())

    def put_back(self, notice: Notice) -> None:
        """Let the others go before one that was refused."""
        refused = update(OUTBOX).where(OUTBOX.c.id == notice.id).values(refused_at=datetime.now(UTC))
        with failing(self._url, "run again"), self._engine.begin() as connection:
            connection.execute(refused)

    def remove(self, notices: Sequence[Notice]) -> None:
        """Take away what has been delivered."""
        ids = [notice.id for notice in notices]
        with failing(self._url, "run again"), self._engine.begin() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(ids)))


def _utc(at: datetime) -> str:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
