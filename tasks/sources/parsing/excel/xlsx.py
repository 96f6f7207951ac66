"""Excel workbooks as text: each sheet's name, and its rows with a tab between cells.

Values are those that the program saved: no formula is computed, no link is followed, no macro is read.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.excel.cells import shown
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.package import Package, usual
from docmill.tasks.sources.parsing.picture import is_page
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES, Reason
from docmill.tasks.sources.parsing.word.drawn import paragraphs

EMBEDDED = ("oleObject", "package")
MOST_NAMED = 5


def sheets(content: bytes, missed: Missed) -> Iterator[str]:
    """Give the text of each sheet; nothing for a sheet without values."""
    import openpyxl

    content = usual(content)
    workbook = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
    if len(workbook.worksheets) > MAX_PAGES:
        raise Unreadable(Reason.PAGES)
    package = Package(content)
    for sheet in workbook.worksheets:
        title = shown(sheet.title, "")
        if sheet.sheet_state != "visible":
            yield f"## {title}\n\n(hidden sheet, left out)"
            continue
        lines = list(_lines(workbook, sheet, title, missed))
        lines += _drawn(package, sheet._worksheet_path, title, missed, bare=not lines)
        yield "\n".join([f"## {title}\n", *lines]) if lines else ""


def _lines(workbook: Any, given: Any, title: str, missed: Missed) -> Iterator[str]:
    from docmill.tasks.sources.parsing.excel.sheet import Sheet

    room = MAX_TEXT_BYTES
    with given._get_source() as source:
        sheet = Sheet(source, workbook, given._shared_strings)
        for _, cells in sheet.rows():
            if line := "\t".join(cells).rstrip("\t"):
                room -= len(line)
                if room < 0:
                    raise Unreadable(Reason.LONG)
                yield line
    for what in sorted(sheet.left_out):
        yield f"\n(hidden {what}, left out)"
    if sheet.unsaved:
        named, more = ", ".join(sheet.unsaved[:MOST_NAMED]), len(sheet.unsaved) > MOST_NAMED
        missed.add(f"sheet {title}, {named}{' and more' if more else ''}", Why.UNSAVED)


def _drawn(package: Package, part: str, title: str, missed: Missed, *, bare: bool) -> list[str]:
    """Give the text of boxes and pictures on a sheet; files on it are told, and pictures nobody reads."""
    texts: list[str] = []
    read: list[str] = []
    for relation in package.relations(part).values():
        if relation.kind in EMBEDDED:
            missed.add(f"sheet {title}, an embedded file", Why.EMBEDDED)
        tree = package.tree(relation.target) if relation.kind == "drawing" else None
        if tree is None:
            continue
        texts += (" ".join(text.split()) for text in paragraphs(tree))
        read += _pictures(package, relation.target, title, missed, bare=bare)
    return [*(["", *texts] if texts else []), *(line for text in read for line in ("", text))]


def _pictures(package: Package, drawing: str, title: str, missed: Missed, *, bare: bool) -> Iterator[str]:
    """Give the text of each picture as large as a page, or of any on a sheet that has nothing else."""
    found = (each.target for each in package.relations(drawing).values() if each.kind == "image")
    for target in dict.fromkeys(found):
        content = package.content(target) or b""
        if bare or is_page(content):
            named = f"sheet {title}, picture {target.rpartition('/')[2]}"
            if text := missed.picture(named, content):
                yield text
