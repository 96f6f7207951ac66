"""A pipeline's review: what of its results waits for a person, and deciding it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import PurePath

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.ends import ends, into_of
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.tables import typed_schemas
from docmill.flows.review.case import Case, case
from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.settling import Decided, Ready, ready, taken_back
from docmill.schemas.decision import Decision, Waiting
from docmill.schemas.errors import ConfigError, Deadlock
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sources.source import Source

TRIES = 5  # at computing what nobody else changes meanwhile


class Review:
    """The stored results of a pipeline, open to be decided."""

    def __init__(self, declared: CheckedPipeline, results: ReviewedResults) -> None:
        self.declared = declared
        self._results = results
        self._ids: list[str] | None = None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.declared.pipeline.name

    def waiting(self, run_id: str | None = None) -> list[Case]:
        """Give the cases of all documents that wait, of this run where one is named, by document_id."""
        rows = self._results.waiting_rows(run_id)
        decisions = self._results.decisions([row["document_id"] for row in rows])
        return [case(row, decisions.get(row["document_id"], ()), self.declared) for row in rows]

    def count(self, run_id: str) -> Waiting:
        """Count the documents that wait, and those of them that a run made."""
        return self._results.waiting(run_id)

    def document(self, said: str) -> str:
        """Find the document_id that is meant: itself, or a file name that no two documents share.

        Raises ConfigError where there is none.
        """
        if self._ids is None:
            self._ids = self._results.document_ids()
        if said in self._ids:
            return said
        named = [each for each in self._ids if PurePath(each).name == said]
        if len(named) > 1:
            raise ConfigError(f"{said!r} may be {' or '.join(named[:3])}: write the document_id")
        if not named:
            near = meant(said, self._ids)
            raise ConfigError(f"there is no document {said!r} in {self._results.url}{near}")
        return named[0]

    def case(self, document_id: str) -> Case:
        """Give the case of a document."""
        row = self._results.outcome(document_id)
        decisions = self._results.decisions([document_id])
        return case(row, decisions.get(document_id, ()), self.declared)

    def decide(self, said: Mapping[str, Sequence[Said]], person: Person) -> list[Decided]:
        """Decide what is said of documents, all of it or, where it raises ConfigError, nothing."""
        return self._carried_out(lambda: [ready(self.case(each), of, person) for each, of in said.items()])

    def take_back(self, last: Decision, person: Person) -> Decided:
        """Take back a decision on a document that still waits."""
        return self._carried_out(lambda: [taken_back(self.case(last.document_id), last, person)])[0]

    def _carried_out(self, compute: Callable[[], list[Ready]]) -> list[Decided]:
        """Compute, then write in one short transaction; anew where what it was computed of has changed.

        SQLite has one writer at a time: a run would wait for what takes seconds to compute.
        """
        for _ in range(TRIES):
            computed = compute()
            with suppress(Deadlock), self._results.deciding() as transaction:
                # Held in the order in which runs write them: else one of the two would wait for ever.
                if all(each.stands(transaction) for each in sorted(computed, key=_document)):
                    return [each.carry_out(transaction) for each in computed]
        raise ConfigError("others write the same documents at the same time: nothing was decided, try again")


def _document(ready: Ready) -> str:
    return ready.before.document_id


@contextmanager
def opened(declared: CheckedPipeline, into: str | None) -> Iterator[Review]:
    """Open the results of a pipeline to be decided; raises ConfigError where there are none."""
    pipeline = declared.pipeline
    schemas = {name: declared.tools[name] for _, _, name in typed_schemas(pipeline)}
    where = into_of(pipeline, RunOptions(into=into))
    results = ReviewedResults.reopen(where, pipeline.name, schemas)
    results.notify = pipeline.notify  # the next run delivers what a decision has put into the outbox
    try:
        yield Review(declared, results)
    finally:
        results.close()


def source_of(declared: CheckedPipeline, documents: str | None, into: str | None = None) -> Source | str:
    """Give where the documents' texts are read, or why they cannot be; files are divided as `into` has it."""
    try:
        return ends(declared.pipeline, RunOptions(documents=documents, into=into))[0]
    except ConfigError as error:
        return str(error)
