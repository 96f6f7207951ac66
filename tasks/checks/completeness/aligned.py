"""Tables whose columns are aligned by blanks, and lines that end in numbers, as PDFs have them."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from docmill.tasks.checks.completeness.headers import headed
from docmill.tasks.checks.completeness.rows import Row, Sheet, Span, Table, together

CELL = re.compile(r"\S+(?: \S+)*")
WIDE = re.compile(r"\S {2,}\S")
AMOUNT = re.compile(r"[€$£¥₹]?[(+−-]?[€$£¥₹]?\d[\d.,'’]*\)?-?[€$£¥₹%]?|[€$£¥₹]|[A-Z]{3}")
RULE = re.compile(r"[\s=_─━.*-]+")
MOST_BETWEEN = 3  # lines between two rows of text and numbers
MOST_BESIDE = 2  # lines of one cell that follow a row and belong to it


def tables(sheet: Sheet) -> Iterator[Table]:
    """Give the tables whose cells stand apart by two blanks or more."""
    for run in _runs(sheet):
        sheet.take(run)
        lines = {number: _spans(sheet, number) for number in run}
        columns = _columns(lines)
        rows: list[Row] = []
        for number, spans in lines.items():
            if len(spans) > 1:
                origin = sheet.lines[number].start
                rows.append(sheet.row(number, _placed(spans, columns, origin)))
            elif rows:
                start, text = sheet.lines[number]
                rows[-1] = rows[-1]._replace(reach=start + len(text))
        yield from headed(sheet, "aligned", rows)


def _runs(sheet: Sheet) -> Iterator[list[int]]:
    """Give lines of some cells, with the lines of one that stand among them."""
    beside = 0
    run: list[int] = []
    for number, (_, text) in enumerate(sheet.lines):
        wide = sheet.free[number] and WIDE.search(text.strip()) is not None and not RULE.fullmatch(text)
        if wide:
            beside = 0
        elif run and text.strip() and sheet.free[number] and beside < MOST_BESIDE:
            beside += 1
        else:
            if run:
                yield run
            run, beside = [], 0
            continue
        run.append(number)
    if run:
        yield run


def _spans(sheet: Sheet, number: int) -> list[Span]:
    text = sheet.lines[number].text
    return [] if RULE.fullmatch(text) else [match.span() for match in CELL.finditer(text)]


def _columns(lines: dict[int, list[Span]]) -> list[Span]:
    """Give the columns, of the lines that have as many cells as most of them, in characters of a line."""
    counts = Counter(len(spans) for spans in lines.values() if len(spans) > 1)
    most = max(counts, key=lambda count: (counts[count], count))
    usual = [spans for spans in lines.values() if len(spans) == most]
    return [(min(s[n][0] for s in usual), max(s[n][1] for s in usual)) for n in range(most)]


def _placed(spans: Sequence[Span], columns: Sequence[Span], origin: int) -> list[Span]:
    """Put each cell below the column that it overlaps most, or else stands nearest to."""
    if len(spans) == len(columns):
        return [(origin + start, origin + end) for start, end in spans]
    cells: list[Span] = [(origin, origin)] * len(columns)
    for start, end in spans:
        n = max(range(len(columns)), key=lambda n: min(end, columns[n][1]) - max(start, columns[n][0]))
        before = cells[n]
        cells[n] = (before[0] if before[0] < before[1] else origin + start, origin + end)
    return cells


def loose(sheet: Sheet) -> Iterator[Table]:
    """Give lines of a text and of numbers that follow it, each after one blank."""
    rows: dict[int, list[tuple[int, Row]]] = {}
    for number, (start, text) in enumerate(sheet.lines):
        if sheet.free[number] and (cells := _ending(text, start)):
            rows.setdefault(len(cells), []).append((number, sheet.row(number, cells)))
    for many, found in rows.items():
        numbers = [number for number, _ in found]
        kept = [(n, row) for n, row in found if many > 2 or _is_beside(n, numbers)]
        for near in together(kept, lambda each: each[0], MOST_BETWEEN + 1):
            first, row = near[0]
            header, start = _head(sheet, first, many) or ((), row.start)
            yield Table("loose", start, header, [row for _, row in near])


def _head(sheet: Sheet, number: int, many: int) -> tuple[tuple[str, ...], int] | None:
    """Give the line above the first row as its header, where it has a word for each column and no digit."""
    start, text = sheet.lines[number - 1] if number else (0, "")
    words = text.split()
    is_header = len(words) == many and sheet.free[number - 1] and not any(map(str.isdecimal, text))
    return (tuple(words), start) if is_header else None


def _is_beside(number: int, numbers: Sequence[int]) -> bool:
    at = bisect_right(numbers, number)
    return numbers[at : at + 1] == [number + 1] or numbers[max(0, at - 2) : at - 1] == [number - 1]


def _ending(text: str, origin: int) -> list[Span] | None:
    tokens = [match.span() for match in re.finditer(r"\S+", text)]
    first = len(tokens)
    while first and AMOUNT.fullmatch(text[slice(*tokens[first - 1])]):
        first -= 1
    amounts = [span for span in tokens[first:] if any(map(str.isdecimal, text[slice(*span)]))]
    if not first or not amounts or not any(map(str.isalpha, text[: tokens[first - 1][1]])):
        return None
    return [(origin + a, origin + b) for a, b in [(tokens[0][0], tokens[first - 1][1]), *amounts]]
