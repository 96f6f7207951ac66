"""What of a cache a results database needs: the records that its outcomes were made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import GOOD
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.database_id import id_of
from docmill.tasks.sinks.tables import HISTORY, OUTCOMES, RUNS
from docmill.tasks.sinks.upgrade import present

DIGITS = 15  # of a digest: 60 bits tell records apart, and two that are alike are both kept
_UNKNOWN = "and what its outcomes need is not known. Where it is gone for good: --without {}"


STANDING = select(OUTCOMES.c.steps, OUTCOMES.c.updated_at, RUNS.c.ended_at).select_from(
    OUTCOMES.outerjoin(RUNS, OUTCOMES.c.run_id == RUNS.c.run_id)
)
_OWN = (HISTORY.c.pipeline == OUTCOMES.c.pipeline, HISTORY.c.document_id == OUTCOMES.c.document_id)
EARLIER = select(HISTORY.c.steps, HISTORY.c.updated_at).join_from(HISTORY, OUTCOMES, and_(*_OWN))
EARLIER = EARLIER.where(OUTCOMES.c.status.not_in(GOOD))
NOT_DONE = exists().where(*_OWN, OUTCOMES.c.status.not_in(GOOD))  # their earlier forms are needed


@dataclass
class Needs:
    """The records that outcomes need, by the beginning of their digests.

    Of outcomes that an earlier version made it is not known: all that was written until `unknown_until`
    (seconds since the epoch) may be needed by them.
    """

    digests: set[int] = field(default_factory=set)
    unknown_until: float = 0.0

    def has(self, digest: str) -> bool:
        """Say whether an outcome was made of that record."""
        return int(digest[:DIGITS], 16) in self.digests

    def take(self, steps: dict[str, dict[str, Any]], made_until: datetime) -> None:
        """Take in what an outcome was made of, which was not later than that."""
        for step in steps.values():
            keys = step.get("keys")
            self.digests.update(int(key[:DIGITS], 16) for key in keys or ())
            if keys is None and step["status"] != "skipped":
                zoned = made_until if made_until.tzinfo else made_until.replace(tzinfo=UTC)
                self.unknown_until = max(self.unknown_until, zoned.timestamp())


def take_needs(needs: Needs, url: str, *, has_outcomes: bool) -> str | None:
    """Take in what the outcomes of a database need; gives its own id, None where it has none.

    A document that is not done, for a stop or an outage, needs what its earlier forms were made of, too.
    Raises ConfigError where the database cannot be read, or has no outcomes and is known to have had some.
    """
    with _connected(url, reading=True) as connection:
        own_id = id_of(connection)
        if not present(connection, OUTCOMES):
            if has_outcomes:
                raise ConfigError(f"{shown(url)} holds no outcomes any more, {_UNKNOWN.format(shown(url))}")
            return own_id
        reading = connection.execution_options(yield_per=500)
        for steps, updated_at, ended_at in reading.execute(STANDING):
            needs.take(steps, min(updated_at, ended_at or updated_at))  # a review changes it later
        if present(connection, HISTORY):
            for steps, updated_at in reading.execute(EARLIER):
                needs.take(steps, updated_at)
    return own_id


def drop_history(url: str, before: datetime, *, dry_run: bool) -> int:
    """Remove the earlier forms of outcomes that were replaced before that; gives how many.

    Those of documents that are not done stay: they say which records such a document was made of.
    """
    old = and_(HISTORY.c.replaced_at < before, ~NOT_DONE)
    with _connected(url, reading=dry_run) as connection:
        if not present(connection, HISTORY):
            return 0
        if dry_run:
            return connection.execute(select(func.count()).select_from(HISTORY).where(old)).scalar_one()
        return connection.execute(delete(HISTORY).where(old)).rowcount


@contextmanager
def _connected(url: str, *, reading: bool) -> Iterator[Connection]:
    file, engine = sqlite_file(url), engine_of(url)
    try:
        if file is not None and not file.is_file():
            raise ConfigError(f"{shown(url)} is not there, {_UNKNOWN.format(shown(url))}")
        begin: Callable[[], Any] = engine.connect if reading else engine.begin
        with begin() as connection:
            yield connection.execution_options(reading=True) if reading else connection
    except SQLAlchemyError as error:
        raise ConfigError(f"the database {shown(url)} cannot be opened: {reason(error)}") from None
    finally:
        engine.dispose()
