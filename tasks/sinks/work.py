"""The work of a sharded run in the results database: its documents, and what the shards have come to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, tuple_, update

from docmill.schemas.bundle import Bundle
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.outcome import Outcome, Run, Status
from docmill.schemas.pipeline import Into
from docmill.schemas.shard import Part, Shard, place, ranges
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.listed import Listed, Paging
from docmill.tasks.sinks.of_models import take_back_deferred
from docmill.tasks.sinks.rows import MOST_IN_QUERY, Row, chunks, run_row
from docmill.tasks.sinks.tables import OUTCOMES, RUNS
from docmill.tasks.sinks.work_tables import SHARDS, WORK

TAKEN_OVER = "another attempt has taken this shard over, or its run has ended"


class ShardedResults(ReviewedResults):
    """The results of a run whose documents shards do, as the run sees them."""

    def begin(self, run: Run) -> None:
        """Write the run's row; one that takes up what it began earlier has it already."""
        if self.run(run.run_id) is None:
            super().begin(run)
            return
        with self._writing() as connection:
            own = RUNS.c.run_id == run.run_id
            connection.execute(update(RUNS).where(own).values(flow_run_id=run.flow_run_id))

    def begun(self, pipeline_sha256: str, selection: str) -> list[Row]:
        """Give the rows of this pipeline's runs over these documents that have shards, the newest first."""
        going_on = RUNS.c.pipeline == self._pipeline, RUNS.c.state == "running"
        dealt = select(SHARDS.c.run_id).where(SHARDS.c.selection == selection)
        same = RUNS.c.pipeline_sha256 == pipeline_sha256, RUNS.c.run_id.in_(dealt)
        query = select(RUNS).where(*going_on, *same).order_by(RUNS.c.started_at.desc())
        return [dict(row._mapping) for row in self._rows(query)]

    def add_work(self, run_id: str, listed: Sequence[Listed]) -> None:
        """Write documents down that the shards are to do."""
        with self._writing() as connection:
            connection.execute(insert(WORK), [{"run_id": run_id, **each._asdict()} for each in listed])

    def deal(self, run: Run, selection: str) -> None:
        """Divide what is written down among the run's shards, and keep its counts until then."""
        with self._writing() as connection:
            for shard, (first, beyond) in enumerate(ranges(run.shards), 1):
                within = _within(run.run_id, first, beyond)
                documents = connection.execute(select(func.count()).select_from(WORK).where(*within)).scalar()
                made = Shard(shard=shard, first=first, beyond=beyond, documents=documents or 0)
                row = {"run_id": run.run_id, "selection": selection, **made.model_dump()}
                connection.execute(insert(SHARDS).values(row))
            connection.execute(update(RUNS).where(RUNS.c.run_id == run.run_id).values(dict(run_row(run))))

    def shards(self, run_id: str) -> list[Shard]:
        """Give what the shards of a run have come to."""
        query = select(SHARDS).where(SHARDS.c.run_id == run_id).order_by(SHARDS.c.shard)
        return [_shard(row._mapping) for row in self._rows(query)]

    def attempted(self, run_id: str, shard: Shard) -> Shard:
        """Begin another attempt of a shard: what the one before still writes is refused from now on."""
        changed = {"attempt": shard.attempt + 1, "state": "waiting", "flow_run_id": None}
        self._change(run_id, shard.shard, **changed, error=None, error_kind=None)
        return shard.model_copy(update=changed)

    def started(self, run_id: str, shard: int, flow_run_id: str) -> None:
        """Write down which flow run is to do a shard."""
        self._change(run_id, shard, flow_run_id=flow_run_id)

    def given_up(self, run_id: str, shard: Shard) -> Shard:
        """Stop a shard that does not end: what it still writes is refused from now on."""
        self._change(run_id, shard.shard, state="stopped")
        return shard.model_copy(update={"state": "stopped"})

    def worked(self, run_id: str) -> tuple[int, dict[Status, int]]:
        """Count a run's documents that shards are to do, and those that have an outcome by its status."""
        query = select(WORK.c.status, func.count()).where(WORK.c.run_id == run_id).group_by(WORK.c.status)
        counts = {row[0]: row[1] for row in self._rows(query)}
        return sum(counts.values()), {status: each for status, each in counts.items() if status}

    def first(self, statuses: Iterable[str], run_id: str, count: int) -> list[Row]:
        """Give so many of a run's outcomes that have one of these statuses."""
        query = self._outcomes(run_id).where(OUTCOMES.c.status.in_(list(statuses))).limit(count)
        return [row._mapping for row in self._rows(query)]

    def _ended(self, connection: Connection, run: Run) -> None:
        """Drop what was written down for the shards: texts of rows stand there."""
        super()._ended(connection, run)
        connection.execute(delete(WORK).where(WORK.c.run_id == run.run_id))

    def _change(self, run_id: str, shard: int, **values: object) -> None:
        own = SHARDS.c.run_id == run_id, SHARDS.c.shard == shard
        with self._writing() as connection:
            connection.execute(update(SHARDS).where(*own).values(values))


class PartResults(ReviewedResults):
    """The results as one shard writes them: each outcome counts in the transaction that stores it."""

    part: Part
    dealt: Shard  # as it is stored
    _begun_with: Shard  # as earlier attempts have left it
    _counting: Shard  # as it is, once the transaction is through

    @classmethod
    def of(cls, part: Part, into: Into, pipeline: str, schemas: Mapping[str, ToolSchema]) -> Self:
        """Open what the run has opened before; raises ConfigError where that is not there."""
        results = cls.reopen(into, pipeline, schemas)
        results.part = part
        return results

    def begin(self, run: Run) -> None:
        """Claim the shard; what was deferred by an earlier attempt is taken up again.

        Raises ConfigError where there is no such run, or another attempt has it.
        """
        with self._writing() as connection:
            if not self._is_own(connection, state="running", flow_run_id=run.flow_run_id):
                raise ConfigError(
                    f"{self.url} holds no run {run.run_id} whose shard {self.part.shard} waits for attempt "
                    f"{self.part.attempt}: the results of this worker must be those of the run (into, "
                    "DOCMILL_INTO)"
                )
            query = select(SHARDS).where(*self._own_row())
            self._begun_with = found = _shard(connection.execute(query).one()._mapping)
            within = _within(run.run_id, found.first, found.beyond)
            deferred = *within, WORK.c.status == "deferred"
            take_back_deferred(connection, run.run_id, select(WORK.c.document_id).where(*deferred))
            connection.execute(update(WORK).where(*deferred).values(status=None))
            counted = select(WORK.c.status, func.count()).where(*within, WORK.c.status.is_not(None))
            counts = {row[0]: row[1] for row in connection.execute(counted.group_by(WORK.c.status))}
            self.dealt = found.model_copy(update={"counts": counts})
            self._require_own(connection, counts=counts)

    def end(self, run: Run, error: Exception | None = None) -> None:
        """Write that the shard has come to its end; one that failed has paid for more than it has stored."""
        told = {"error": str(error), "error_kind": type(error).__name__} if error else {}
        if run.state == "failed":
            told |= (self._begun_with.tally() + run.tally()).model_dump()
        with self._writing() as connection:
            self._require_own(connection, state=run.state, cost_booked=self._is_booked(run), **told)

    def beat(self) -> None:
        """Say that the shard lives; raises StorageError where it is no longer wanted."""
        with self._writing() as connection:
            self._require_own(connection, beats=SHARDS.c.beats + 1)

    def waiting_documents(self, many: int) -> Iterator[list[Listed]]:
        """Give the documents that have no outcome yet, so many at a time, fewer where they are large."""
        within = _within(self.part.run_id, self.dealt.first, self.dealt.beyond)
        columns = [WORK.c[name] for name in Listed._fields]
        key = tuple_(WORK.c.place, WORK.c.document_id)
        query = select(*columns).where(*within, WORK.c.status.is_(None))
        query = query.order_by(WORK.c.place, WORK.c.document_id)
        page, file, paging = query, "", Paging(many)
        while listed := [Listed(*row) for row in self._rows(page.limit(paging.size))]:
            paging.saw(listed)
            # What the last file of a page was found to hold meanwhile comes after it, and is under way.
            if given := [each for each in listed if each.text is not None or each.file != file]:
                yield given
            last = listed[-1]
            page = query.where(key > (last.place, last.document_id))
            file = last.document_id if last.file is None else file

    def write(self, outcomes: Sequence[Outcome], run_id: str, pipeline_sha256: str) -> None:
        """Write outcomes, and count them; all in one transaction. Raises StorageError."""
        super().write(outcomes, run_id, pipeline_sha256)
        self.dealt = self._counting

    def divided(self, connection: Connection, bundle: Bundle) -> None:
        """Put what a file holds in its place, for this attempt and those that may follow."""
        own, at = WORK.c.run_id == self.part.run_id, place(bundle.document_id)
        whole = WORK.c.place == at, WORK.c.document_id == bundle.document_id
        uri = connection.execute(select(WORK.c.uri).where(own, *whole)).scalar_one()
        connection.execute(delete(WORK).where(own, *whole))
        listed = [
            Listed(at, each, uri, file=bundle.document_id)._asdict() | {"run_id": self.part.run_id}
            for each in dict.fromkeys(bundle.ids())
        ]
        connection.execute(insert(WORK), listed)
        self._require_own(connection, documents=SHARDS.c.documents + len(listed) - 1)

    def _stored(self, connection: Connection, rows: Sequence[Row], outcomes: Sequence[Outcome] = ()) -> None:
        super()._stored(connection, rows)
        counts = Counter(self.dealt.counts)
        counts.update(outcome.status for outcome in outcomes)
        marked = sum(
            self._mark(connection, outcomes, status) for status in {each.status for each in outcomes}
        )
        tally = sum((outcome.tally() for outcome in outcomes), self.dealt.tally())
        counted = {"counts": dict(counts), **tally.model_dump()}
        self._require_own(connection, **counted)
        if marked != len(outcomes):
            raise StorageError("a document of this shard has two outcomes: the counts would not add up")
        self._counting = self.dealt.model_copy(update=counted)

    def _mark(self, connection: Connection, outcomes: Sequence[Outcome], status: Status) -> int:
        """Write a status to the documents that came to it and had none; says how many that were."""
        ids = [each.document_id for each in outcomes if each.status == status]
        marked = 0
        for some in chunks(ids, MOST_IN_QUERY // 2):
            keys = [(place(each), each) for each in some]
            own = WORK.c.run_id == self.part.run_id, WORK.c.status.is_(None)
            these = tuple_(WORK.c.place, WORK.c.document_id).in_(keys)
            marked += connection.execute(update(WORK).where(*own, these).values(status=status)).rowcount
        return marked

    def _is_booked(self, run: Run) -> bool | None:
        """Say whether all that the attempts have paid was booked: of one that died it is not known."""
        before = bool(self._begun_with.cost_booked) if self._begun_with.calls else None
        known = [each for each in (before, run.cost_booked) if each is not None]
        return all(known) if known else None

    def _require_own(self, connection: Connection, **values: object) -> None:
        if not self._is_own(connection, **values):
            raise StorageError(TAKEN_OVER)

    def _is_own(self, connection: Connection, **values: object) -> bool:
        """Change the shard's row; says whether it is still this attempt's and wanted, and its run goes on."""
        run = select(RUNS.c.run_id).where(RUNS.c.run_id == self.part.run_id, RUNS.c.state == "running")
        wanted = SHARDS.c.attempt == self.part.attempt, SHARDS.c.state != "stopped", run.exists()
        change = update(SHARDS).where(*self._own_row(), *wanted)
        return connection.execute(change.values(values)).rowcount == 1

    def _own_row(self) -> tuple[ColumnElement[bool], ...]:
        return SHARDS.c.run_id == self.part.run_id, SHARDS.c.shard == self.part.shard


def _within(run_id: str, first: int, beyond: int) -> tuple[ColumnElement[bool], ...]:
    return WORK.c.run_id == run_id, WORK.c.place >= first, WORK.c.place < beyond


def _shard(row: RowMapping) -> Shard:
    return Shard.model_validate({name: row[name] for name in Shard.model_fields})
