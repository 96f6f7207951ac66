"""What of a document is shown beside a point: the lines around the place that it is most likely about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from docmill.flows.review.case import Case, left_out
from docmill.flows.review.step_records import Row
from docmill.schemas.decision import MISSING, OpenPoint

Kind = Literal["", "evidence", "row"]
LINES_AROUND = 4
MOST_CHARS = 1600


@dataclass(frozen=True)
class Mark:
    """A stretch of a document's text: evidence of the record, or a row that stands for no item."""

    start: int
    end: int
    kind: Kind
    path: str


def marks(case: Case, text: str) -> list[Mark]:
    """List what stands in a text where it stood when the outcome was made, in the text's order."""
    evidence = [
        Mark(each["start"], each["end"], "evidence", each["path"])
        for each in case.row["evidence"] or ()
        if _stands(each, text)
    ]
    rows = case.row.get("missing") or ()
    left = [Mark(each["start"], each["end"], "row", each["path"]) for each in rows if _stands(each, text)]
    return sorted([*evidence, *left], key=lambda each: (each.start, -each.end))


def excerpt(case: Case, point: OpenPoint, text: str) -> Iterator[tuple[str, Kind]]:
    """Give the lines around a point's place in runs, each with what it is marked as."""
    found = marks(case, text)
    start, end = _window(text, focus(case, point, found))
    at = start
    for mark in found:
        left, right = max(mark.start, at), min(mark.end, end)
        if left < right:
            yield from (((text[at:left], ""),) if at < left else ())
            yield text[left:right], mark.kind
            at = right
    if at < end:
        yield text[at:end], ""


def focus(case: Case, point: OpenPoint, found: Sequence[Mark]) -> Mark | None:
    """Choose the place that is looked at: the first row left out, else evidence of the nearest field."""
    if point.about == MISSING:
        wanted = {each["start"] for each in left_out(case.row, point)}
        rows = [mark for mark in found if mark.kind == "row"]
        return next((mark for mark in rows if mark.start in wanted), rows[0] if rows else None)
    return _nearest(case, case.field_of(point), [mark for mark in found if mark.kind == "evidence"])


def _nearest(case: Case, near: str, found: Sequence[Mark]) -> Mark | None:
    """Choose the evidence of the field that is nearest in the record, of two a sibling's; else the first."""
    evidence = list(enumerate(case.row["evidence"] or ()))
    places = {each["path"]: place for place, each in reversed(evidence)}  # where each stands first
    at, within = places.get(near, 0), near.rpartition(".")[0]
    return min(
        found,
        key=lambda mark: (abs(places[mark.path] - at), mark.path.rpartition(".")[0] != within),
        default=None,
    )


def _window(text: str, focus: Mark | None) -> tuple[int, int]:
    start, end = (focus.start, focus.end) if focus else (0, 0)
    lines = LINES_AROUND if focus else 2 * LINES_AROUND
    for _ in range(lines):
        start = text.rfind("\n", 0, max(start - 1, 0)) + 1 if start else 0
        end = _line_end(text, min(end + 1, len(text)))
    return max(start, min(end, focus.start if focus else 0) - MOST_CHARS), min(end, start + 2 * MOST_CHARS)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _stands(each: Row, text: str) -> bool:
    start, end = each["start"], each["end"]
    return start is not None and bool(each["quote"]) and text[start:end] == each["quote"]
