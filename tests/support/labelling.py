"""Letters that a run has labelled, and perhaps read a record of, as their pipeline's results hold them."""

from datetime import UTC, datetime
from typing import Any

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.review import opened
from docmill.flows.review.settling import Decided
from docmill.schemas.decision import Decision, Doubt
from docmill.schemas.outcome import Outcome, Run, StepOutcome
from docmill.tasks.sinks.decisions import ReviewedResults
from tests.support.project import Project
from tests.support.reviewing import BILL

ADA = Person("ada", datetime(2026, 5, 4, 12, tzinfo=UTC))
A, NAME = "in/a.txt", "classify:label"
CLASSIFY = "  - classify: {labels: {bill: asks for money, offer: offers, other: anything else}}\n"
BY = f"{CLASSIFY}  - extract: {{by: classify, schemas: {{bill: bill, offer: bill}}}}\n"
SPLIT = Doubt(path="", about="votes", wrong='the votes differ: 2 for "bill", 1 for "offer"')
RECORD = {"name": "Ada Ltd", "total": 60}


class Letters:
    """A pipeline whose results hold one document, as a run left it."""

    def __init__(self, project: Project, steps: str = CLASSIFY, url: str = "sqlite:///results.db") -> None:
        project.schema("bill", BILL)
        project.documents(a="Ada Ltd, 60")
        self.project = project
        self.file = project.pipeline("http://127.0.0.1:9/v1", steps, into=f"'{url}'")
        self.plan: Plan = resolve(load(self.file))

    @property
    def declared(self) -> CheckedPipeline:
        """The pipeline as it is declared."""
        return load(self.file)

    def plant(
        self,
        label: str = "bill",
        record: Any = None,
        doubts: tuple[Doubt, ...] = (SPLIT,),
        content_sha256: str = "c",
    ) -> None:
        """Store what a run has made of it; without doubts it is done."""
        status: Any = "review" if doubts else "done"
        steps = {"classify": StepOutcome(status=status, sha256="s", output=label, doubts=doubts or None)}
        if "extract" in [step.id for step in self.plan.steps]:
            done: Any = "done" if record else "skipped"
            steps["extract"] = StepOutcome(status=done, sha256="s", output=record)
        about = {"document_id": A, "uri": A, "content_sha256": content_sha256, "status": status}
        typed = {"bill": record} if record and not doubts else {}
        outcome = Outcome(**about, label=label, record=record, steps=steps, typed=typed)
        told = {"pipeline": "p", "pipeline_sha256": "h", "endpoint": "e", "model": "m"}
        run = Run(run_id="r", started_at=datetime.now(UTC), **told)
        results = ReviewedResults.open(self.plan.into, "p", self.plan.typed())
        results.begin(run)
        results.write([outcome], "r", "h")
        results.end(run.model_copy(update={"state": "complete", "ended_at": datetime.now(UTC)}))
        results.close()

    def decide(self, *said: Said) -> Decided:
        """Decide what is said of it."""
        with opened(self.declared, None) as review:
            [decided] = review.decide({A: said}, ADA)
            return decided

    def results(self) -> tuple[dict[str, Any], list[Decision]]:
        """Give its outcome, and all decisions."""
        results = ReviewedResults.reopen(self.plan.into, "p", self.plan.typed())
        found = dict(results.outcome(A)), list(results.every_decision())
        results.close()
        return found
