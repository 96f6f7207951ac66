"""What is doubtful of a record, as points that a person can decide one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from docmill.schemas.decision import LENGTH, MISSING, RECORD, REPEATED, RULE, VALUE, Doubt
from docmill.schemas.outcome import MissingRow
from docmill.schemas.rule import BrokenRule
from docmill.tasks.checks.evidence.alike import in_doubt
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.pointers import nodes, path_in, pointer

Row = Mapping[str, Any]
UNFOUND = "not found in the document"
SIMILAR = "only similar to what was read on a picture"


def doubts(
    record: Any,
    evidence: Iterable[Mapping[str, Any]],
    missing: Iterable[MissingRow],
    broken: Iterable[BrokenRule],
    *,
    repeated: Mapping[str, int] | None = None,
    is_cut: bool = False,
) -> tuple[Doubt, ...]:
    """List what is doubtful of a record, each point once: values first, what is about the whole last."""
    pointers = Pointers(record)
    found = [
        *(
            Doubt(
                path=pointers.of(each["path"]),
                about=VALUE,
                wrong=UNFOUND if each["start"] is None else SIMILAR,
            )
            for each in evidence
            if in_doubt(each)
        ),
        *_left_out(pointers, missing),
        *_repeated(pointers, repeated or {}),
        *broken_doubts(broken),
    ]
    if is_cut:
        found.append(Doubt(path="", about=LENGTH, wrong="it has more lines than are looked through for rows"))
    return tuple({(each.path, each.about): each for each in reversed(found)}.values())[::-1]


def broken_doubts(broken: Iterable[BrokenRule]) -> list[Doubt]:
    """Make a point of each rule that a record breaks."""
    return [Doubt(path="", about=f"{RULE} {each.name}", wrong=each.message) for each in broken]


def stored_doubts(row: Row, step: str) -> tuple[Doubt, ...]:
    """Give the doubts of a stored outcome's step; an earlier version's are read off the outcome's columns."""
    told = row["steps"][step]
    if told.get("doubts"):
        return tuple(Doubt.model_validate(each) for each in told["doubts"])
    if told["status"] != "review":
        return ()
    if step != record_step(row):
        return (Doubt(path="", about=RECORD, wrong=row["error"] or "in review"),)
    missing = [MissingRow.model_validate(each) for each in row.get("missing") or ()]
    broken = [BrokenRule.model_validate(each) for each in row.get("broken_rules") or ()]
    found = doubts(told["output"], row["evidence"] or (), missing, broken)
    return found or (Doubt(path="", about=RECORD, wrong=row["error"] or "in review"),)


def record_step(row: Row) -> str | None:
    """Name the step whose record is the outcome's; None where it has none."""
    return _step_of(row, "record")


def label_step(row: Row) -> str | None:
    """Name the step whose label is the outcome's; None where it has none."""
    return _step_of(row, "label")


def _step_of(row: Row, column: str) -> str | None:
    if row[column] is None:
        return None
    named = [step for step, told in row["steps"].items() if told["output"] == row[column]]
    return named[-1] if named else None


class Pointers:
    """Turns places such as `lines[0].price` into pointers into a record."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self._known: dict[str, str] = {}
        for path, _ in nodes(record):
            self._known.setdefault(place(path), pointer(path))

    def of(self, named: str) -> str:
        """Give the pointer of a place; one that the record does not have is read as it is written."""
        if named in self._known:
            return self._known[named]
        try:
            return pointer(path_in(self._record, named))
        except ValueError:  # a key that was cut, or one that may not be named
            return ""


def _left_out(pointers: Pointers, missing: Iterable[MissingRow]) -> Iterator[Doubt]:
    for named, many in Counter(row.path for row in missing).items():
        rows = "1 row of the document stands" if many == 1 else f"{many:,} rows of the document stand"
        yield Doubt(path=pointers.of(named), about=MISSING, wrong=f"{rows} for no item of it", rows=many)


def _repeated(pointers: Pointers, repeated: Mapping[str, int]) -> Iterator[Doubt]:
    for named, many in repeated.items():
        items = "1 item stands" if many == 1 else f"{many:,} items stand"
        yield Doubt(path=pointers.of(named), about=REPEATED, wrong=f"{items} for another's row")
