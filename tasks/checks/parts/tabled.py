"""What is missing of a merged record by the tables of its document, of which parts may show but a piece."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import accumulate
from typing import Any

from docmill.tasks.checks.completeness.groups import HEADING_CHARS, Group, Tables
from docmill.tasks.checks.completeness.missing import NONE_READ, Completeness, completeness
from docmill.tasks.checks.completeness.rows import MAX_LINES, Span
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.subschemas import Schema

MOST_LINES = 200_000  # of a document; of a longer one the parts alone are looked at
NEAR = 1_000  # characters: what stands between two tables tells whether one goes on with the other
APART = "\n" * 10  # more lines than a table goes on over


def of_tables(
    text: str, record: dict[str, Any], schema: Schema, read: Mapping[str, Set[int]] = NONE_READ
) -> Completeness | None:
    """Hold a record against a document's tables; None where these have more lines than are looked through.

    Arrays that code has `read`, and their tables, are not looked at: where their rows begin.
    """
    if text.count("\n") >= MOST_LINES:
        return None
    found = Tables(text).groups(most=MOST_LINES)
    spans = list(_joined(sorted(span for group in found for span in _spans(text, group))))
    said = APART.join(text[slice(*span)] for span in spans)
    if said.count("\n") > MAX_LINES:
        return None
    here, there = _begins(spans), [start for start, _ in spans]
    known = {name: {at + _by(at, there, here) for at in starts} for name, starts in read.items()}
    told = completeness(Grounds(said), record, schema, read=known)
    moved = [(row, _by(row.start, here, there)) for row in told.rows]
    rows = [row.model_copy(update={"start": row.start + by, "end": row.end + by}) for row, by in moved]
    return replace(told, rows=tuple(rows))


def _spans(text: str, group: Group) -> Iterator[Span]:
    """Give where a table stands, in whole lines, with what stands above each piece."""
    rows = sorted((row.start, row.reach) for row in group.rows)
    starts = [start for start, _ in rows]
    for head in group.heads:
        first = bisect_right(starts, head - 1)
        end = rows[first][1] if first < len(rows) else head
        yield _lines(text, max(0, head - HEADING_CHARS), end)
    for start, end in rows:
        yield _lines(text, start, end)


def _lines(text: str, start: int, end: int) -> Span:
    ends = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if ends < 0 else ends


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Join what stands near each other, with all that is between."""
    last: Span | None = None
    for start, end in spans:
        if last and start - last[1] <= NEAR:
            last = (last[0], max(last[1], end))
            continue
        if last:
            yield last
        last = (start, end)
    if last:
        yield last


def _begins(spans: Sequence[Span]) -> list[int]:
    """Say where each stretch begins once they are put together."""
    return [0, *accumulate(end - start + len(APART) for start, end in spans)][: len(spans)]


def _by(at: int, begins: Sequence[int], others: Sequence[int]) -> int:
    """Say by how much a place moves with the stretch that it stands in."""
    number = max(0, bisect_right(begins, at) - 1)
    return others[number] - begins[number]
