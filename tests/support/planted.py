"""A finished run over files that no model has read: documents, outcomes and evidence as a test wants them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from docmill.schemas.outcome import Outcome, Run, Status, StepOutcome
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from tests.support.project import Project

STARTED = datetime(2026, 5, 4, 12, tzinfo=UTC)


def evidence(text: str, **quotes: str | None) -> list[dict[str, Any]]:
    """Give the evidence of fields by what they quote; None is a value that the text does not have."""
    found = []
    for path, quote in quotes.items():
        start = None if quote is None else text.index(quote)
        end = None if start is None or quote is None else start + len(quote)
        found.append({"path": path, "page": None, "start": start, "end": end, "quote": quote})
    return found


def outcome(file: Path, status: Status = "done", **values: Any) -> Outcome:
    """Give the outcome of a file below the working directory, as it is now."""
    step = StepOutcome(status="done", sha256="s", calls=1, prompt_tokens=100, cost_usd=0.001, seconds=0.5)
    whole: dict[str, Any] = {
        "document_id": str(file),
        "uri": file.absolute().as_uri(),
        "content_sha256": sha256(file.read_bytes()).hexdigest(),
        "steps": {"extract": step},
        "cost_usd": 0.001,
        "seconds": 0.5,
    }
    return Outcome(status=status, **whole | values)


def plant(
    outcomes: Iterable[Outcome], run_id: str = "r1", started: datetime = STARTED, *, name: str = "p"
) -> None:
    """Store a run with these outcomes in results.db."""
    found = list(outcomes)
    counts: dict[Status, int] = {
        each.status: sum(one.status == each.status for one in found) for each in found
    }
    run = Run(
        run_id=run_id,
        pipeline=name,
        pipeline_sha256="h",
        endpoint="http://127.0.0.1:9/v1",
        model="m",
        started_at=started,
    )
    ended = {
        "ended_at": started + timedelta(seconds=5),
        "state": "complete",
        "documents_in": len(found),
        "counts": counts,
    }
    results = Results.open(Into(url="sqlite:///results.db"), name, {})
    results.begin(run)
    results.write(found, run_id, "h")
    results.end(run.model_copy(update=ended))
    results.close()


def plant_texts(project: Project, texts: Mapping[str, str], **values: Any) -> None:
    """Write documents and the pipeline, and plant an outcome of each."""
    project.documents(**texts)
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n")
    plant(outcome(Path("in", f"{name}.txt"), **values) for name in texts)
