"""What is known of a merged record: the evidence of its values, and the rows that stand for no item."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from docmill.schemas.outcome import MissingRow
from docmill.tasks.checks.completeness.missing import MAX_MISSING, Completeness
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.evidence.search import sought
from docmill.tasks.checks.evidence.values import values
from docmill.tasks.checks.faults import Path, place
from docmill.tasks.checks.parts.dividing import Part
from docmill.tasks.checks.parts.merging import Entry, Merged, PartRecord
from docmill.tasks.checks.subschemas import Schema

NOWHERE = dict.fromkeys(("page", "start", "end", "quote"))


def in_whole(grounds: Grounds, part: Part, found: Grounding) -> dict[str, list[Entry]]:
    """Give a part's evidence with its places in the whole document, by the places in the part's record."""
    evidence: dict[str, list[Entry]] = {}
    for each in found.evidence:
        is_found = each["start"] is not None
        span = (part.start + each["start"], part.start + each["end"]) if is_found else None
        alike = {"similar": each["similar"]} if "similar" in each else {}
        evidence.setdefault(each["path"], []).append({**grounds.entry(span), **alike})
    return evidence


def grounding(parts: Sequence[PartRecord], found: Merged, schema: Schema) -> Grounding:
    """Give the evidence of a merged record: each value's is that of the part that it comes from."""
    passed: Counter[tuple[int, str]] = Counter()
    result = Grounding([], [])
    for value in values(found.record, schema):
        if not sought(value):
            continue
        number, at = _source(found, value.path)
        entries = parts[number].evidence.get(at, ())
        entry = entries[passed[number, at]] if passed[number, at] < len(entries) else NOWHERE
        passed[number, at] += 1
        result.add(value, entry)
    return result


def _source(found: Merged, path: Path) -> tuple[int, str]:
    """Say of which part a value is, and its place there."""
    for length in range(len(path), 0, -1):
        if said := found.sources.get(path[:length]):
            return said.number, place((*said.path, *path[length:]))
    return 0, place(path)


def missing(
    parts: Sequence[PartRecord], found: Merged, completed: Sequence[Completeness | None]
) -> Completeness:
    """Say what is missing of a merged record: rows that no part that shows them has an item for."""
    items = {(said.number, place(said.path)): place(path) for path, said in found.sources.items()}
    known = [(number, each) for number, each in enumerate(completed) if each]
    starts = _starts_of_items(parts)
    rows: dict[int, MissingRow] = {}
    given: Counter[str] = Counter()
    for number, each in known:
        for row in each.rows:
            told = _in_whole(row, parts[number].part, _moved(items, number, row.path))
            if told.start in rows or (_is_shown_twice(parts, told.start) and _is_given(starts, told)):
                given[row.path if row.path in each.missing else next(iter(each.missing))] += 1
            else:
                rows[told.start] = told
    counts = sum((Counter(each.missing) for _, each in known), Counter[str]()) - given
    repeated = sum((Counter(each.repeated) for _, each in known), Counter[str]())
    listed = tuple(rows[at] for at in sorted(rows)[:MAX_MISSING])
    return Completeness(listed, dict(counts), dict(repeated), any(each.is_cut for _, each in known))


def by_whole(of_parts: Completeness, whole: Completeness | None, read: Collection[str]) -> Completeness:
    """Give what is missing by the whole, where that is known; of arrays that code has read by the parts."""
    if whole is None:
        return of_parts

    def those(each: Completeness, *, are_read: bool) -> Completeness:
        rows = tuple(row for row in each.rows if _is_of(row.path, read) is are_read)
        missing = {path: many for path, many in each.missing.items() if _is_of(path, read) is are_read}
        repeated = {path: many for path, many in each.repeated.items() if _is_of(path, read) is are_read}
        return Completeness(rows, missing, repeated)

    own, others = those(of_parts, are_read=True), those(whole, are_read=False)
    rows = sorted((*own.rows, *others.rows), key=lambda row: row.start)[:MAX_MISSING]
    return Completeness(tuple(rows), own.missing | others.missing, own.repeated | others.repeated)


def _is_of(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith((f"{name}[", f"{name}.")) for name in names)


def _in_whole(row: MissingRow, part: Part, path: str) -> MissingRow:
    return row.model_copy(update={"path": path, "start": part.start + row.start, "end": part.start + row.end})


def _is_shown_twice(parts: Sequence[PartRecord], at: int) -> bool:
    return sum(each.part.start <= at < each.part.end for each in parts) > 1


def _moved(items: dict[tuple[int, str], str], number: int, path: str) -> str:
    """Give the place in the whole record of an array within a part's item."""
    for at in range(len(path), 0, -1):
        if whole := items.get((number, path[:at])):
            return whole + path[at:]
    return path


def _is_given(starts: Sequence[int], row: MissingRow) -> bool:
    """Say whether a value of some part's item stands in a row."""
    at = bisect_left(starts, row.start)
    return at < len(starts) and starts[at] < row.end


def _starts_of_items(parts: Sequence[PartRecord]) -> list[int]:
    """List where the values of all parts' items stand."""
    entries = (entry for each in parts for at, found in each.evidence.items() if "[" in at for entry in found)
    return sorted(entry["start"] for entry in entries if entry["start"] is not None)


def differing(found: Merged, parts: Sequence[PartRecord]) -> list[tuple[Path, list[tuple[Any, int | None]]]]:
    """List the places for which parts give different values, each value with its page."""
    return [
        (each.path, [(said.value, _page(parts[said.number], said.path)) for said in each.said])
        for each in found.conflicts
    ]


def _page(part: PartRecord, path: Path) -> int | None:
    entries = part.evidence.get(place(path), ())
    return next((entry["page"] for entry in entries), None)
