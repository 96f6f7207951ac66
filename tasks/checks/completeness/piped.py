"""Tables whose cells stand between bars, as Markdown has them."""

import re
from collections.abc import Iterator, Sequence

from docmill.tasks.checks.completeness.rows import Row, Sheet, Span, Table, trimmed

BAR = re.compile(r"(?<!\\)[|│┃║]")
RULE = re.compile(r"[\s|│┃║:+=─━┼╋├┤┌┐└┘┬┴-]+")


def tables(sheet: Sheet) -> Iterator[Table]:
    """Give the tables whose rows follow each other; a line of rules ends a header."""
    for run in sheet.runs(
        lambda text: BAR.search(text) or (text.strip()[:1] == "+" and RULE.fullmatch(text))
    ):
        if len(run) == 1 and not sheet.lines[run[0]].text.lstrip().startswith("|"):
            continue
        if found := _table(sheet, run):
            sheet.take(run)
            yield found


def _table(sheet: Sheet, run: Sequence[int]) -> Table | None:
    rows: list[Row] = []
    header: tuple[str, ...] = ()
    for number in run:
        start, text = sheet.lines[number]
        if not RULE.fullmatch(text):
            rows.append(sheet.row(number, list(_cells(text, start))))
        elif len(rows) == 1 and not header:
            header = tuple(map(sheet.said, rows.pop().cells))
    many = max((len(row.cells) for row in rows), default=len(header))
    return Table("pipes", sheet.lines[run[0]].start, header, rows) if many > 1 or header else None


def _cells(text: str, origin: int) -> Iterator[Span]:
    edges = [match.start() for match in BAR.finditer(text)]
    begin = 0 if text[: edges[0]].strip() else edges.pop(0) + 1
    for edge in edges:
        yield trimmed(text, begin, edge, origin)
        begin = edge + 1
    if text[begin:].strip():
        yield trimmed(text, begin, len(text), origin)
