"""The review as a CSV file: a row a point that is open, and what people wrote into it, all or nothing."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from docmill.flows.review.case import Case
from docmill.flows.review.deciding import VERDICTS, Person, Said, decide, written
from docmill.flows.review.review import Review
from docmill.flows.review.settling import Decided
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import regular
from docmill.tasks.checks.spelling import meant as near
from docmill.tasks.sinks.cells import meant, safe

COLUMNS = ("document", "path", "value", "quote", "decision", "corrected", "note")
NEEDED = ("document", "path", "decision")
MAX_FAULTS = 20
MOST_CHARS = 20_000_000
Line = tuple[int, Mapping[str, str]]


def write(file: TextIO, cases: Iterable[Case]) -> int:
    """Write a row for each point that is open; gives how many there are."""
    table = csv.writer(file, quoting=csv.QUOTE_ALL)
    table.writerow(COLUMNS)
    count = 0
    for each in cases:
        for point in each.points:
            said = [each.document_id, point.name, written(point.value), point.quote or point.wrong]
            table.writerow([*map(safe, said), "", "", ""])
            count += 1
    return count


def imported(review: Review, file: Path, person: Person) -> list[Decided]:
    """Carry out what a file says, all of it or nothing: a row without a decision asks nothing.

    Raises ConfigError with each fault on a line of its own, by the file's lines.
    """
    wrong: list[str] = []
    said: dict[str, list[tuple[int, Said]]] = {}
    for line, row in _rows(file):
        try:
            if told := _said(row):
                said.setdefault(review.document(row["document"]), []).append((line, told))
        except ConfigError as error:
            wrong.append(f"{file}:{line}: {error}")
    for of in said.values():
        verdicts = {each.verdict for _, each in of}
        if "reject" in verdicts and len(verdicts) > 1:
            line = next(line for line, each in of if each.verdict == "reject")
            wrong.append(f"{file}:{line}: its document is rejected here, and decided on other lines")
    if not wrong:
        wrong = list(_faults(review, file, said, person))
    if wrong:
        more = [f"{len(wrong) - MAX_FAULTS} more"] if len(wrong) > MAX_FAULTS else []
        raise ConfigError("\n".join([*wrong[:MAX_FAULTS], *more, "nothing of the file was carried out"]))
    return review.decide({document: [each for _, each in of] for document, of in said.items()}, person)


def _faults(
    review: Review, file: Path, said: Mapping[str, list[tuple[int, Said]]], person: Person
) -> Iterator[str]:
    """Try each document's rows, without a trace, so that every fault is told at once and by its line."""
    for document, rows in said.items():
        try:
            decide(review.case(document), [each for _, each in rows], person)
        except ConfigError as error:
            yield f"{file}:{rows[error.at][0]}: {error}"


def _rows(file: Path) -> list[Line]:
    csv.field_size_limit(MOST_CHARS)  # a list is one cell
    try:
        with TextIOWrapper(regular.opened(file), encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            columns = list(reader.fieldnames or ())
            rows: list[tuple[int, dict[str | None, str | None]]] = [
                (reader.line_num, dict(row)) for row in reader
            ]
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a CSV file in UTF-8: {error}") from None
    for column in (each for each in NEEDED if each not in columns):
        raise ConfigError(f"{file}:1: there is no column {column!r}: columns are {', '.join(columns)}")
    for column in columns:
        if column not in COLUMNS or columns.count(column) > 1:
            raise ConfigError(f"{file}:1: {column!r} is no column of a review{near(column, COLUMNS)}")
    for line, row in rows:
        if None in row or None in row.values():
            raise ConfigError(f"{file}:{line}: the row has not {len(columns)} cells")
    return [(line, {str(name): meant(str(cell)) for name, cell in row.items()}) for line, row in rows]


def _said(row: Mapping[str, str]) -> Said | None:
    """Read a row's decision; None where it has none."""
    verdict = row["decision"].strip().lower()
    corrected = row.get("corrected", "")
    if not verdict:
        if corrected:
            raise ConfigError("there is a corrected value and no decision: write correct")
        return None
    seen = row.get("value")
    note = row.get("note", "").strip()
    match verdict:
        case "accept":
            if corrected:
                raise ConfigError("what is accepted has no corrected value: write correct, or empty the cell")
            return Said("accept", row["path"], note=note, seen=seen, why=row.get("quote"))
        case "correct":
            if not row["path"]:
                raise ConfigError("what is corrected needs a path")
            if row["path"].endswith("/-"):
                raise ConfigError("write the item's number for -: the file may be imported again")
            if not corrected:
                raise ConfigError('there is no corrected value: write "" for an empty text')
            return Said("correct", row["path"], text=corrected, note=note, seen=seen)
        case "reject":
            return Said("reject", note=note)
    raise ConfigError(
        f"decision: must be one of {', '.join(VERDICTS)}, not {verdict!r}{near(verdict, VERDICTS)}"
    )
