"""Quarantine: documents that failed in several runs in a row are passed over until something changes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, case, delete, exists, literal, or_, select, update

from docmill.schemas.outcome import BAD, GOOD, Run
from docmill.tasks.sinks.history import keep_earlier
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import chunks, holding, inserting
from docmill.tasks.sinks.tables import FAILURES, OUTCOMES
from docmill.tasks.sinks.upgrade import present

RUNS_IN_A_ROW = 3
RELEASED = 0  # runs, of what was in quarantine until another run is to try it again


class QuarantiningResults(Results):
    """Results that count failures in a row when a run ends, and tell who is in quarantine."""

    _any: bool | None = None

    def quarantined(self, digests: Mapping[str, str | None], pipeline_sha256: str) -> set[str]:
        """Tell which of the documents (by id, with the hash of their content) are passed over."""
        columns = FAILURES.c.document_id, FAILURES.c.content_sha256
        query = select(*columns).where(
            *self._held(),
            FAILURES.c.document_id.in_(digests),
            FAILURES.c.pipeline_sha256 == pipeline_sha256,
        )
        return {row[0] for row in self._rows(query) if row[1] == digests[row[0]]}

    def has_quarantined(self) -> bool:
        """Say whether any document is in quarantine; asked once, as that changes at a run's end alone."""
        if self._any is None:
            self._any = self._is_counting() and bool(
                next(self._rows(select(exists().where(*self._held()))))[0]
            )
        return self._any

    def _is_counting(self) -> bool:
        """Say whether the database has the table: one of an earlier version gains it at the next run."""
        with self._failing(), self._engine.connect() as connection:
            return bool(present(connection.execution_options(reading=True), FAILURES))

    def in_quarantine(self) -> set[str]:
        """List the documents in quarantine, and those that once were and that no run has done since.

        So what was released by a run that died before it was tried.
        """
        ids = set(self.of_status(["quarantined"]))
        if self._is_counting():
            own = FAILURES.c.pipeline == self._pipeline
            beyond = or_(FAILURES.c.runs >= RUNS_IN_A_ROW, FAILURES.c.runs == RELEASED)
            ids.update(row[0] for row in self._rows(select(FAILURES.c.document_id).where(own, beyond)))
        return ids

    def release(self, document_id: str) -> None:
        """Let a document go, whose runs are counted anew."""
        own = FAILURES.c.pipeline == self._pipeline, FAILURES.c.document_id == document_id
        with self._writing() as connection:
            connection.execute(update(FAILURES).where(*own).values(runs=RELEASED))

    def of_status(self, statuses: Iterable[str]) -> list[str]:
        """List the documents whose outcomes have one of these statuses."""
        own = OUTCOMES.c.pipeline == self._pipeline, OUTCOMES.c.status.in_(list(statuses))
        return [row[0] for row in self._rows(select(OUTCOMES.c.document_id).where(*own))]

    def _ended(self, connection: Connection, run: Run) -> None:
        """Count what failed in the run, and mark what it passed over: all with the run's row."""
        if any(run.counts.get(status) for status in (*GOOD, *BAD)):
            _forget_good(connection, run)
            _forget_released(connection, run)
        if run.counts.get("done"):  # else it may well have been the endpoint or the pipeline
            _count_bad(connection, run)
        if run.counts.get("quarantined"):
            _mark(connection, run, select(FAILURES.c.document_id).where(*self._held()))

    def _held(self) -> tuple[Any, ...]:
        return FAILURES.c.pipeline == self._pipeline, FAILURES.c.runs >= RUNS_IN_A_ROW


def _forget_good(connection: Connection, run: Run) -> None:
    good = select(OUTCOMES.c.document_id).where(*_of(run), OUTCOMES.c.status.in_(GOOD))
    own = FAILURES.c.pipeline == run.pipeline
    connection.execute(delete(FAILURES).where(own, FAILURES.c.document_id.in_(good)))


def _forget_released(connection: Connection, run: Run) -> None:
    """Forget of those that were tried since that they were in quarantine: what failed is counted anew."""
    of_pipeline = OUTCOMES.c.pipeline == run.pipeline
    failed = and_(OUTCOMES.c.run_id == run.run_id, OUTCOMES.c.status.in_(BAD))
    tried = select(OUTCOMES.c.document_id).where(of_pipeline, or_(failed, OUTCOMES.c.status.in_(GOOD)))
    own = FAILURES.c.pipeline == run.pipeline, FAILURES.c.runs == RELEASED
    connection.execute(delete(FAILURES).where(*own, FAILURES.c.document_id.in_(tried)))


def _count_bad(connection: Connection, run: Run) -> None:
    copied = ("pipeline", "document_id", "content_sha256", "pipeline_sha256")
    bad = select(*(OUTCOMES.c[name] for name in copied), literal(1))
    statement = inserting(connection, FAILURES).from_select(
        [*copied, "runs"], bad.where(*_of(run), OUTCOMES.c.status.in_(BAD))
    )
    new = statement.excluded
    same = and_(
        FAILURES.c.content_sha256.is_not_distinct_from(new.content_sha256),
        FAILURES.c.pipeline_sha256 == new.pipeline_sha256,
    )
    hashes = {name: new[name] for name in copied[2:]}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(FAILURES.primary_key.columns),
            set_={**hashes, "runs": case((same, FAILURES.c.runs + 1), else_=1)},
        )
    )


def _mark(connection: Connection, run: Run, held: Any) -> None:
    """Have the outcomes of earlier runs say `quarantined`: what they were is kept, and their errors stay."""
    of_earlier = OUTCOMES.c.pipeline == run.pipeline, OUTCOMES.c.run_id != run.run_id
    bad = OUTCOMES.c.status.in_(BAD), OUTCOMES.c.pipeline_sha256 == run.pipeline_sha256
    where = (*of_earlier, *bad, OUTCOMES.c.document_id.in_(held))
    of_them = holding(connection, select(OUTCOMES.c.document_id).where(*where))
    ids = connection.execute(of_them).scalars().all()
    for some in chunks(ids):
        rows = [{"document_id": each, "status": "quarantined"} for each in some]
        keep_earlier(connection, run.pipeline, rows, datetime.now(UTC))
    connection.execute(update(OUTCOMES).where(*where).values(status="quarantined"))


def _of(run: Run) -> tuple[Any, ...]:
    return OUTCOMES.c.pipeline == run.pipeline, OUTCOMES.c.run_id == run.run_id
