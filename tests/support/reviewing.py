"""Bills in review, as runs leave them: held against their documents by docmill's own checks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.review.documents import documents
from docmill.flows.review.review import opened, source_of
from docmill.flows.review.server import ReviewServer
from docmill.flows.run.basis import Basis
from docmill.flows.run.held import held
from docmill.schemas.document import Unread
from docmill.schemas.outcome import Outcome, Run, StepOutcome
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sources.files import listed
from tests.support.project import Project

if TYPE_CHECKING:  # which stands on this module
    from tests.support.labelling import Letters

ROWS = ["| Oak board | 7 |", "| Ash beam | 44 |"]
HEAD = ["Invoice of Ada Ltd, 31 January 2024", "", "| Item | Price |", "|---|---|"]
TEXT = "\n".join([*HEAD, *ROWS, "", "Net 51", "Tax 9", "Total due 60", ""])
LINES = [{"item": "Oak board", "price": 7}, {"item": "Ash beam", "price": 44}]
TRUE = {"name": "Ada Ltd", "on": "2024-01-31", "net": 51, "tax": 9, "total": 60, "lines": LINES}
LINE = {"type": "object", "properties": {"item": {"type": "string"}, "price": {"type": "number"}}}
BILL: dict[str, Any] = {
    "name": "record_bill",
    "description": "Record a bill",
    "parameters": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "on": {"type": "string", "format": "date"},
            "net": {"type": "number"},
            "tax": {"type": "number"},
            "total": {"type": "number"},
            "lines": {"type": "array", "items": LINE},
        },
        "required": ["name", "total"],
    },
}
RULE = "{name: sum, that: net + tax == total, message: net and tax make the total}"
STEPS = f"  - extract: {{schema: bill, rules: [{RULE}]}}\n"
SHA = "pipeline"


class Bills:
    """The project, its pipeline and what is planted in it; `url` is the results database."""

    def __init__(self, project: Project, url: str = "sqlite:///results.db", steps: str = STEPS) -> None:
        self.project = project
        project.schema("bill", BILL)
        self.file = project.pipeline("http://127.0.0.1:9/v1", steps, into=f"'{url}'")
        self.plan: Plan = resolve(load(self.file))
        self._planted = 0

    @property
    def declared(self) -> CheckedPipeline:
        """The pipeline as it is declared."""
        return load(self.file)

    def outcome(
        self, file: str, /, text: str | bytes = TEXT, unread: tuple[Unread, ...] = (), **changes: Any
    ) -> Outcome:
        """Write a document, and make the outcome of a record that is true but for the changes."""
        if isinstance(text, bytes):
            self.project.documents(**{file: ""})
            Path("in", f"{file}.txt").write_bytes(text)
        else:
            self.project.documents(**{file: text})
        [ref] = listed((f"in/{file}.txt",))
        document = ref.read()
        record = {key: value for key, value in (TRUE | changes).items() if value is not ...}
        [step] = self.plan.steps
        now = held(Basis(document), step, record, self.plan.tools["bill"])
        doubts = now.doubts()
        status: Any = "review" if doubts or unread else "done"
        told = StepOutcome(
            status="review" if doubts else "done", sha256="s", output=record, doubts=doubts or None
        )
        assert now.grounding is not None
        return Outcome(
            document_id=document.document_id,
            uri=document.uri,
            content_sha256=document.content_sha256,
            status=status,
            record=record,
            evidence=now.grounding.evidence,
            steps={step.id: told},
            unread=unread,
            missing=now.missing,
            broken_rules=now.broken,
            error="doubtful" if status == "review" else None,
            typed={"bill": record} if status == "done" else {},
        )

    def plant(self, *outcomes: Outcome) -> None:
        """Store a run with these outcomes."""
        self._planted += 1
        run_id = f"r{self._planted}"
        run = Run(
            run_id=run_id,
            pipeline="p",
            pipeline_sha256=SHA,
            endpoint="e",
            model="m",
            started_at=datetime.now(UTC),
        )
        results = ReviewedResults.open(self.plan.into, "p", self.plan.typed())
        results.begin(run)
        results.write(outcomes, run_id, SHA)
        results.end(run.model_copy(update={"state": "complete", "ended_at": datetime.now(UTC)}))
        results.close()

    def results(self) -> ReviewedResults:
        """Open the results."""
        return ReviewedResults.reopen(self.plan.into, "p", self.plan.typed())

    def row(self, name: str = "a") -> dict[str, Any]:
        """Give the outcome of a document."""
        results = self.results()
        row = dict(results.outcome(f"in/{name}.txt"))
        results.close()
        return row

    def review(self, *arguments: str) -> int:
        """Run `docmill review` on it."""
        return self.project.run("review", str(Path(self.file)), *arguments)


@contextmanager
def served(bills: "Bills | Letters") -> Iterator[ReviewServer]:
    """Serve the page of their review."""
    with (
        opened(bills.declared, None) as review,
        documents(source_of(bills.declared, None)) as texts,
        ReviewServer(review, texts, "ada") as server,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
