"""What a step or a document that is not done is called, and what is said of it."""

from collections.abc import Iterator, Sequence
from typing import Any

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.held import Held
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
from docmill.tasks.checks.completeness.rows import MAX_LINES
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.pointers import path_in

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


def doubted(step: StepPlan, held: Held) -> str | None:
    """Say what is doubtful of a record, without its values: logs and events show it."""
    doubts = [*_split(held), *_ungrounded(held), *_differing(held), *_incomplete(held), *_breaking(held)]
    return f"{step.id}: {'; '.join(doubts)}" if doubts else None


def _split(held: Held) -> Iterator[str]:
    if held.split:
        yield f"the votes differ on {_named([_field(held.record, each.path) for each in held.split])}"


def _field(record: Any, at: str) -> str:
    """Name a place of a record; a label is a whole."""
    try:
        return place(path_in(record, at)) or ("the whole" if isinstance(record, dict) else "the label")
    except ValueError:  # of a record that was put together and is not kept
        return at


def _ungrounded(held: Held) -> Iterator[str]:
    found = held.grounding
    names = list(dict.fromkeys(found.missing)) if found else []
    similar = [name for name in names if found and name in found.similar]
    if absent := [name for name in names if name not in similar]:
        yield f"not found in the document: {_named(absent)}"
    if similar:
        yield f"only similar to what was read on a picture: {_named(similar)}"


def _differing(held: Held) -> Iterator[str]:
    if held.conflicts:
        names = list(dict.fromkeys(each.name for each in held.conflicts))
        yield f"parts of the document differ on {_named(names)}"


def _incomplete(held: Held) -> Iterator[str]:
    found = held.completeness
    said = [
        f"{many:,} row{'s' * (many != 1)} of the document stand{'s' * (many == 1)} for no item of {name}"
        for name, many in (found.missing if found else {}).items()
    ] + [
        f"{many:,} item{'s' * (many != 1)} of {name} stand{'s' * (many == 1)} for another's row"
        for name, many in (found.repeated if found else {}).items()
    ]
    yield from said[:MOST_NAMED]
    if found and found.is_cut:
        yield f"it has more than {MAX_LINES:,} lines: what its rows are was looked up in those alone"


def _breaking(held: Held) -> Iterator[str]:
    if held.broken:
        names = list(dict.fromkeys(each.name for each in held.broken))
        yield f"breaks the rule{'s' * (len(names) > 1)} {_named(names)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def not_read(unread: Sequence[Unread]) -> str | None:
    """Say that parts of a document were not read, and why, without their names: logs and events show it."""
    doubts = [each for each in unread if each.is_boundary]
    parts = [each for each in unread if not each.is_boundary]
    many = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
    told = [f"{many} of the document could not be read: {_whys(parts)}"] if parts else []
    told += [f"where the document begins or ends is in doubt: {_whys(doubts)}"] if doubts else []
    return "; ".join(told) or None


def _whys(unread: Sequence[Unread]) -> str:
    whys = list(dict.fromkeys(each.why for each in unread))
    more = f"; and {len(whys) - MOST_NAMED} more reasons" if len(whys) > MOST_NAMED else ""
    return f"{'; '.join(whys[:MOST_NAMED])}{more}"
