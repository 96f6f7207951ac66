"""Decisions in the results database: kept one by one, read by the batch, carried out with the outcomes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self, cast

from sqlalchemy import Connection, Select, case, exists, func, select, update

from docmill.schemas.bundle import Bundle
from docmill.schemas.decision import Decision, Waiting
from docmill.schemas.errors import ConfigError
from docmill.schemas.notify import Notify
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks import typed
from docmill.tasks.sinks.database import again, changing_tables, engine_of
from docmill.tasks.sinks.examples import Chosen, keep
from docmill.tasks.sinks.history import keep_earlier
from docmill.tasks.sinks.outbox import Outbox, put_notices
from docmill.tasks.sinks.quarantine import QuarantiningResults
from docmill.tasks.sinks.rows import Row, chunks, holding
from docmill.tasks.sinks.tables import DECISIONS, OUTCOMES
from docmill.tasks.sinks.typed_rows import remove_rows, replace_rows
from docmill.tasks.sinks.upgrade import present, upgrade

Decisions = Mapping[str, Sequence[Decision]]  # of each document, in the order they were made


class ReviewedResults(QuarantiningResults):
    """Results that people decide about: what waits, what was decided, and what comes of it."""

    _decided = False
    notify: Notify | None = None  # of which outcomes a webhook is told

    @classmethod
    def reopen(cls, into: Into, pipeline: str, schemas: Mapping[str, ToolSchema]) -> Self:
        """Open what runs have made, without their source; raises ConfigError where that is nothing."""
        QuarantiningResults.read(into, pipeline).close()
        results = cls(engine_of(into.url), into, pipeline, {})
        with results._opening(), changing_tables(results._engine) as connection:
            upgrade(connection)
            own = typed.owned(connection, pipeline)
            for name, schema in schemas.items():
                made = own.get(typed.table_name(pipeline, into, schema))
                table = typed.declared(pipeline, into, schema, None if made is None else made.type)
                if made is not None:  # a run makes it, and fills it with what is done already
                    typed.ensure(connection, pipeline, table)
                    results._tables = {**results._tables, name: table}
            results._own = typed.owned(connection, pipeline)
        results.mark_opened()
        return results

    def decisions(self, documents: Iterable[str]) -> Decisions:
        """Give the decisions on these documents, those on earlier contents too."""
        found: defaultdict[str, list[Decision]] = defaultdict(list)
        asked = list(documents)
        for some in chunks(asked):
            for row in self._rows(_decisions(self._pipeline, some)):
                found[row.document_id].append(_decision(row))
        return found

    def every_decision(self) -> Iterator[Decision]:
        """Give all decisions of the pipeline, in the order they were made."""
        with self._failing(), self._engine.connect() as connection:
            if not present(connection, DECISIONS):  # results of an earlier version
                return iter(())
        return map(_decision, self._rows(_decisions(self._pipeline)))

    def waiting(self, run_id: str | None = None) -> Waiting:
        """Count the documents in review that wait for a person, and those of them that a run made."""
        own = case((OUTCOMES.c.run_id == run_id, 1))
        row = next(self._rows(select(func.count(own), func.count()).where(*self._waits())))
        return Waiting(of_run=row[0], in_all=row[1])

    def waiting_rows(self, run_id: str | None = None) -> list[Row]:
        """Give the outcomes of the documents that wait, of this run where one is named, by document_id."""
        own = [] if run_id is None else [OUTCOMES.c.run_id == run_id]
        query = select(OUTCOMES).where(*self._waits(), *own).order_by(OUTCOMES.c.document_id)
        return [row._mapping for row in self._rows(query)]

    def outcome(self, document_id: str) -> Row:
        """Give a document's outcome; raises ConfigError where it has none."""
        row = next(self._rows(_outcome(self._pipeline, document_id)), None)
        return _found(row, document_id, self.url)

    @contextmanager
    def deciding(self) -> Iterator["Deciding"]:
        """Open a transaction in which documents are decided: all that it does, or nothing."""
        with self._writing() as connection:
            yield Deciding(self, connection)

    def keep_examples(self, chosen: Sequence[Chosen]) -> None:
        """Keep the examples that the steps of a run take from reviews."""
        with self._writing() as connection:
            keep(connection, self._pipeline, chosen)

    def has_decisions(self) -> bool:
        """Say whether anything of the pipeline was decided; asked until it was."""
        if not self._decided:
            query = select(exists().where(DECISIONS.c.pipeline == self._pipeline))
            self._decided = bool(next(self._rows(query))[0])
        return self._decided

    def write(self, outcomes: Sequence[Outcome], run_id: str, pipeline_sha256: str) -> None:
        """Write outcomes as Results do; again where that ended by a deadlock with another writer."""
        write = super().write
        again(lambda: write(outcomes, run_id, pipeline_sha256))

    def _current(self, connection: Connection, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Leave out those of documents that a person has decided since: that stands, for the next run too."""
        ids = sorted(outcome.document_id for outcome in outcomes)
        held = OUTCOMES.c.pipeline == self._pipeline, OUTCOMES.c.document_id.in_(ids)
        connection.execute(holding(connection, select(OUTCOMES.c.document_id).where(*held)))
        of_them = DECISIONS.c.pipeline == self._pipeline, DECISIONS.c.document_id.in_(ids)
        query = select(DECISIONS.c.document_id, func.count()).where(*of_them)
        made = {row[0]: row[1] for row in connection.execute(query.group_by(DECISIONS.c.document_id))}
        return [each for each in outcomes if made.get(each.document_id, 0) <= each.decisions]

    def _stored(
        self,
        connection: Connection,
        rows: Sequence[Row],
        outcomes: Sequence[Outcome] = (),  # noqa: ARG002
    ) -> None:
        """Put notices of outcomes into the outbox."""
        put_notices(connection, self._pipeline, self.notify, rows)

    def divided(self, connection: Connection, bundle: Bundle) -> None:
        """Write what else follows where a file turns out to hold several documents."""

    def outbox(self) -> Outbox:
        """Give the notices that wait."""
        return Outbox(self._engine, self._pipeline, self.url)

    def _waits(self) -> tuple[Any, ...]:
        waits = OUTCOMES.c.status == "review", OUTCOMES.c.reviewed_at.is_(None)
        return (OUTCOMES.c.pipeline == self._pipeline, *waits)


class Deciding:
    """A transaction over documents: each that is read is held until it ends."""

    def __init__(self, results: ReviewedResults, connection: Connection) -> None:
        self._results = results
        self._connection = connection

    def outcome(self, document_id: str) -> Row:
        """Give a document's outcome; raises ConfigError where it has none."""
        query = _outcome(self._results._pipeline, document_id).with_for_update()
        return _found(self._connection.execute(query).one_or_none(), document_id, self._results.url)

    def decisions(self, document_id: str) -> list[Decision]:
        """Give the decisions on a document."""
        query = _decisions(self._results._pipeline, [document_id])
        return [_decision(row) for row in self._connection.execute(query)]

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions, in their order."""
        rows = [{"pipeline": self._results._pipeline, **each.model_dump()} for each in decisions]
        if rows:
            self._connection.execute(DECISIONS.insert(), rows)

    def change(self, document_id: str, values: Row) -> None:
        """Change columns of a document's outcome, whose earlier form is kept."""
        row = {"document_id": document_id, **values}
        keep_earlier(self._connection, self._results._pipeline, [row], datetime.now(UTC))
        self._connection.execute(update(OUTCOMES).where(*self._of(document_id)).values(dict(values)))
        if self._results.notify is not None:
            changed = self._connection.execute(select(OUTCOMES).where(*self._of(document_id))).one()
            self._results._stored(self._connection, [dict(changed._mapping)])

    def fill(self, document: Outcome, run_id: str) -> None:
        """Write the typed rows of a document that is done."""
        if lacking := document.typed.keys() - self._results._tables.keys():
            raise ConfigError(f"there is no table of {min(lacking)} yet: `docmill run` it first")
        if said := self._results.unheld(document):
            raise ConfigError(said)
        replace_rows(self._connection, self._results._tables, self._results._own, [document], run_id)

    def empty(self, document_id: str, content_sha256: str | None) -> None:
        """Remove the typed rows that were made of this content of a document, and those of their items."""
        remove_rows(self._connection, self._results._own, document_id, content_sha256)

    def _of(self, document_id: str) -> tuple[Any, ...]:
        return OUTCOMES.c.pipeline == self._results._pipeline, OUTCOMES.c.document_id == document_id


def _outcome(pipeline: str, document_id: str) -> Select[Any]:
    return select(OUTCOMES).where(OUTCOMES.c.pipeline == pipeline, OUTCOMES.c.document_id == document_id)


def _found(row: Any, document_id: str, url: str) -> Row:
    if row is None:
        raise ConfigError(f"there is no document {document_id!r} in {url}")
    return cast("Row", row._mapping)


def _decisions(pipeline: str, documents: Iterable[str] | None = None) -> Select[Any]:
    query = select(DECISIONS).where(DECISIONS.c.pipeline == pipeline).order_by(DECISIONS.c.id)
    return query if documents is None else query.where(DECISIONS.c.document_id.in_(list(documents)))


def _decision(row: Any) -> Decision:
    told = {name: value for name, value in row._mapping.items() if name in Decision.model_fields}
    if told["at"].tzinfo is None:  # SQLite keeps no zone
        told["at"] = told["at"].replace(tzinfo=UTC)
    return Decision.model_validate(told)
