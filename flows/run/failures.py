"""What a step or a document that is not done is called, and what is said of it."""

from collections.abc import Sequence

from docmill.flows.pipeline.plan import StepPlan
from docmill.schemas.document import Unread
from docmill.schemas.errors import (
    ChatError,
    CutShort,
    DocmillError,
    InvalidReply,
    Permanent,
    Refused,
    Unreadable,
)
from docmill.schemas.outcome import StepStatus
from docmill.tasks.chat.errors import EXCERPT_CHARS
from docmill.tasks.checks.completeness.missing import Completeness
from docmill.tasks.checks.evidence.grounding import Grounding

FAILURES: dict[type[Exception], StepStatus] = {
    Refused: "refused",
    InvalidReply: "invalid",
    CutShort: "invalid",
    Permanent: "failed",
    Unreadable: "failed",
}
MOST_NAMED = 10


def status(failure: Exception) -> StepStatus:
    """Choose the status of a step that failed so."""
    known = (status for kind, status in FAILURES.items() if isinstance(failure, kind))
    # The other errors of the wire are no fault of the document's.
    return next(known, "deferred" if isinstance(failure, ChatError) else "failed")


def reason(step: StepPlan, failure: Exception) -> str:
    """Say what failed in our own words: of an error that is not docmill's, its kind alone."""
    said = str(failure) if isinstance(failure, DocmillError) else type(failure).__name__
    return f"{step.id}: {said or type(failure).__name__}"


def described(step: StepPlan, failure: Exception) -> str:
    """Say what failed, with what the server said of it."""
    said = str(failure) or type(failure).__name__
    body = getattr(failure, "body", "")[:EXCERPT_CHARS]
    request_id = getattr(failure, "request_id", None)
    named = f"{step.id}: {said}" + (f" [request {request_id}]" if request_id else "")
    return f"{named}: {body}" if body else named


def ungrounded(step: StepPlan, grounding: Grounding | None) -> str | None:
    """Say which fields are not in the document, without their values: logs and events show it."""
    if grounding is None or not grounding.missing:
        return None
    fields = list(dict.fromkeys(grounding.missing))
    more = f" and {len(fields) - MOST_NAMED} more" if len(fields) > MOST_NAMED else ""
    return f"{step.id}: not found in the document: {', '.join(fields[:MOST_NAMED])}{more}"


def incomplete(step: StepPlan, completeness: Completeness | None) -> str | None:
    """Say of which arrays rows are missing, and how many, without the rows: logs and events show it."""
    if completeness is None:
        return None
    said = [
        f"{many:,} row{'s' * (many != 1)} of the document stand{'s' * (many == 1)} for no item of {name}"
        for name, many in completeness.missing.items()
    ] + [
        f"{many:,} item{'s' * (many != 1)} of {name} stand{'s' * (many == 1)} for another's row"
        for name, many in completeness.repeated.items()
    ]
    return f"{step.id}: {'; '.join(said[:MOST_NAMED])}" if said else None


def not_read(unread: Sequence[Unread]) -> str | None:
    """Say that parts of a document were not read, and why, without their names: logs and events show it."""
    if not unread:
        return None
    parts = "1 part" if len(unread) == 1 else f"{len(unread)} parts"
    whys = list(dict.fromkeys(each.why for each in unread))
    more = f"; and {len(whys) - MOST_NAMED} more reasons" if len(whys) > MOST_NAMED else ""
    return f"{parts} of the document could not be read: {'; '.join(whys[:MOST_NAMED])}{more}"
