"""Examples that steps take from reviews: what was decided of which document, and what was chosen of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.decision import OF_VALUES
from docmill.schemas.errors import ConfigError
from docmill.schemas.example import Example
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.tables import DECISIONS, EXAMPLES, OUTCOMES
from docmill.tasks.sinks.upgrade import present

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reviewed:
    """A document that people brought to its end, by its content; `decided` is their last decision on it."""

    document_id: str
    content_sha256: str
    decided: int

    @property
    def rank(self) -> bytes:
        """Order documents by nothing that anyone chooses, and always in the same way."""
        return sha256(f"{self.document_id}\n{self.content_sha256}".encode(errors="surrogatepass")).digest()


@dataclass(frozen=True)
class Chosen:
    """An example of a step, which read `reads`, as it was chosen once."""

    step: str
    reads: str
    of: Reviewed
    example: Example


class Reviews:
    """What people have decided of a pipeline's documents, at one moment."""

    def __init__(self, connection: Connection, pipeline: str) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._last = self._decided() if self._has(DECISIONS) and self._has(OUTCOMES) else {}

    def chosen(self) -> list[Chosen]:
        """Give the examples that were chosen before, but for documents that were decided again since."""
        return [each for each in self.kept() if self._last.get(_key(each.of)) == each.of.decided]

    def kept(self) -> list[Chosen]:
        """Give the examples that the last run has kept."""
        if not self._has(EXAMPLES):
            return []
        rows = self._connection.execute(select(EXAMPLES).where(EXAMPLES.c.pipeline == self._pipeline))
        return [
            Chosen(
                row.step,
                row.reads,
                Reviewed(row.document_id, row.content_sha256, row.decided),
                Example.model_validate(row.example),
            )
            for row in rows
        ]

    def documents(self) -> list[Reviewed]:
        """Give the documents that people brought to done, in the order of their ranks."""
        if not self._last:
            return []
        columns = OUTCOMES.c.document_id, OUTCOMES.c.content_sha256
        done = OUTCOMES.c.status == "done", OUTCOMES.c.reviewed_at.is_not(None)
        rows = self._connection.execute(
            select(*columns).where(OUTCOMES.c.pipeline == self._pipeline, *done)
        ).all()
        known = (row for row in rows if (row[0], row[1]) in self._last)
        found = (Reviewed(row[0], row[1], self._last[row[0], row[1]]) for row in known)
        return sorted(found, key=lambda each: each.rank)

    def labels(self, step: str) -> dict[tuple[str, str | None], str]:
        """Give the labels of a step that people have decided, by document and content."""
        if not self._last:
            return {}
        key = DECISIONS.c.document_id, DECISIONS.c.content_sha256
        own = DECISIONS.c.pipeline == self._pipeline, DECISIONS.c.step == step, DECISIONS.c.path == ""
        about = DECISIONS.c.about.in_(OF_VALUES)
        columns = *key, DECISIONS.c.decision, DECISIONS.c.after
        rows = self._connection.execute(select(*columns).where(*own, about).order_by(DECISIONS.c.id))
        last = {(row[0], row[1]): row.after if row.decision != "undo" else None for row in rows}
        return {of: label for of, label in last.items() if isinstance(label, str)}

    def outcomes(self, documents: Sequence[Reviewed]) -> dict[str, Row]:
        """Give the outcomes of some documents."""
        ids = OUTCOMES.c.document_id.in_([each.document_id for each in documents])
        query = select(OUTCOMES.c.document_id, OUTCOMES.c.steps)
        rows = self._connection.execute(query.where(OUTCOMES.c.pipeline == self._pipeline, ids))
        return {row.document_id: dict(row._mapping) for row in rows}

    def _has(self, table: Any) -> bool:
        return bool(present(self._connection, table))

    def _decided(self) -> dict[tuple[str, str | None], int]:
        key = DECISIONS.c.document_id, DECISIONS.c.content_sha256
        query = select(*key, func.max(DECISIONS.c.id)).where(DECISIONS.c.pipeline == self._pipeline)
        return {(row[0], row[1]): row[2] for row in self._connection.execute(query.group_by(*key))}


@contextmanager
def reviews(into: Into, pipeline: str) -> Iterator[Reviews | None]:
    """Read what was decided; None where there are no results yet. Raises ConfigError."""
    file = sqlite_file(into.url)
    if file is not None and not file.exists():  # SQLite would make it
        yield None
        return
    engine = engine_of(into.url)
    try:
        with engine.connect() as connection:
            yield Reviews(connection.execution_options(reading=True), pipeline)
    except SQLAlchemyError as error:
        raise ConfigError(f"into: {shown(into.url)}: {reason(error)}") from None
    finally:
        engine.dispose()


def keep(connection: Connection, pipeline: str, chosen: Sequence[Chosen]) -> None:
    """Keep the examples of a pipeline's run in the place of earlier ones."""
    rows = [
        {
            "pipeline": pipeline,
            "step": each.step,
            "reads": each.reads,
            "document_id": each.of.document_id,
            "content_sha256": each.of.content_sha256,
            "decided": each.of.decided,
            "example": each.example.model_dump(exclude_none=True),
        }
        for each in chosen
    ]
    connection.execute(delete(EXAMPLES).where(EXAMPLES.c.pipeline == pipeline))
    if rows:
        connection.execute(EXAMPLES.insert(), rows)


def _key(of: Reviewed) -> tuple[str, str | None]:
    return of.document_id, of.content_sha256
