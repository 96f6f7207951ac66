"""What a cell says, as its row's form writes it: quotes, escapes and marks taken away."""

import json
import re

from docmill.tasks.checks.completeness.groups import Group
from docmill.tasks.checks.completeness.lists import FURNITURE
from docmill.tasks.checks.completeness.rows import Row

EMPHASIS = re.compile(r"(\*\*|__|\*|_|`)(?=\S)(.+)(?<=\S)\1", re.DOTALL)
MARKUP = re.compile(r"\]\(|<[a-zA-Z/!]|[*_`]{2}|!\[")
ESCAPED = re.compile(r"\\([!#()*+\-.<>\[\]\\_`{|}~])")
LONGEST = 1_000


def said(group: Group, row: Row, column: int) -> str | None:
    """Give what a cell says; None where that is not for code to say.

    Such are links and other marks within a cell of Markdown, and quotes at the end of a quoted text.
    """
    if column >= len(row.cells):
        return ""
    start, end = row.cells[column]
    text, cell = group.sheet.text, group.sheet.said(row.cells[column])
    if len(cell) > LONGEST:
        return None
    if group.form in ("pipes", "separated") and _has_odd_quote(text, start, end):
        return None
    match group.form:
        case "pipes":
            return _of_markdown(cell)
        case "separated":
            if cell and '""' in (text[end : end + 2], text[max(0, start - 2) : start]):
                return None
            return cell.replace('""', '"')
        case "objects":
            return _of_json(cell, quoted=text[start - 1 : start] == '"')
    return cell


def _has_odd_quote(text: str, start: int, end: int) -> bool:
    """Say whether a quotation mark on one side was taken off a cell: inches, or a sign for the same again."""
    if start == end:
        rest = text[start : start + LONGEST].lstrip(" ")
        return rest.startswith('"') and not rest.startswith('""')
    return (text[start - 1 : start] == '"') != (text[end : end + 1] == '"')


def goes_on(group: Group, row: Row) -> bool:
    """Say whether more belongs to a row than its cells: lines on which one goes on, no page's number."""
    lines = group.sheet.text[row.end : row.reach].split("\n")
    return any(line.strip() and not FURNITURE.fullmatch(line.strip()) for line in lines)


def is_whole(group: Group, row: Row, usual: int) -> bool:
    """Say whether a row has as many cells as is usual; of tabs, those at the end may be left out."""
    if len(row.cells) == usual:
        return True
    tabs = "\t" in group.sheet.text[row.start : row.reach]
    return group.form == "separated" and tabs and 1 < len(row.cells) < usual


def _of_markdown(cell: str) -> str | None:
    if emphasis := EMPHASIS.fullmatch(cell):
        cell = emphasis[2].strip()
    return None if MARKUP.search(cell) else ESCAPED.sub(r"\1", cell)


def _of_json(cell: str, *, quoted: bool) -> str | None:
    if not quoted:
        return "" if cell == "null" else cell
    try:
        value = json.loads(f'"{cell}"')
    except ValueError:
        return None
    return value if isinstance(value, str) else None
