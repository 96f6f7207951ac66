"""The process that parses documents, told what to do by pipes.

`python -I -m docmill.tasks.sources.parsing.child`; its limits are the kernel's. It reads no file and
opens no connection, and has no key to give away.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import attached, drawn, inside, limits, office, wire
from docmill.tasks.sources.parsing.excel import xlsx
from docmill.tasks.sources.parsing.excel.rows import Rows
from docmill.tasks.sources.parsing.html import markdown
from docmill.tasks.sources.parsing.mail import eml
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.ocr import asked
from docmill.tasks.sources.parsing.ocr.reader import Reader
from docmill.tasks.sources.parsing.pdf import pdf
from docmill.tasks.sources.parsing.reasons import (
    MAX_PAGES,
    MAX_TEXT_BYTES,
    MEMORY_MB,
    OCR_MEMORY_MB,
    OCR_WALL_S,
    ROWS_MEMORY_MB,
    ROWS_WALL_S,
    WALL_S,
    Reason,
)
from docmill.tasks.sources.parsing.text import cleaned
from docmill.tasks.sources.parsing.word import docx

BYTES: dict[str, Callable[[bytes], bytes]] = {
    "drawn": drawn.drawn,
    "inside": inside.listed,
    "member": inside.member,
}


def main() -> None:
    """Parse one document after the other until the parent closes the pipe."""
    sees, memory_mb, wall_s, most = False, MEMORY_MB, WALL_S, wire.MAX_BYTES
    if wire.SEES in sys.argv:
        sees, memory_mb, wall_s = True, OCR_MEMORY_MB, OCR_WALL_S
    elif wire.ROWS in sys.argv:
        memory_mb, wall_s, most = ROWS_MEMORY_MB, ROWS_WALL_S, wire.MAX_BYTES + wire.MAX_WORKBOOK_BYTES
    limits.restrict(memory_mb)
    limits.rest()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    rows = Rows()
    while message := wire.receive(sys.stdin.buffer, most):
        limits.begin(wall_s)
        tag, body = _reply(*message, Missed(Reader()) if sees else Missed(), rows)
        del message  # a workbook is large, and its rows are asked for by other messages
        wire.send(replies, tag, body)
        limits.rest()


def _reply(kind: str, content: bytes, missed: Missed, rows: Rows) -> tuple[str, bytes]:
    try:
        if kind in BYTES:
            return kind, BYTES[kind](content)
        if kind in ("rows", "more"):
            return rows.begun(content) if kind == "rows" else rows.more()
        tag, parts = _parsed(kind, content, missed)
        text = wire.BETWEEN.encode().join(_bounded(parts))
        return tag, missed.written().encode() + wire.MISSED_END.encode() + text
    except Unreadable as error:
        reason = error.args[0]
    except MemoryError:
        reason = Reason.MEMORY
    except RecursionError:
        reason = Reason.NESTED
    except Exception:  # noqa: BLE001  the parsers raise anything at what is no document
        reason = Reason.DAMAGED
    assert isinstance(reason, Reason)
    return wire.REASON, reason.name.encode()


def _parsed(kind: str, content: bytes, missed: Missed) -> tuple[str, Iterable[str]]:
    if kind == "office":
        kind = office.office_kind(content)
    match kind:
        case "frames" | "frame" | "page" | "look" | "view":
            return wire.TEXT, [asked.answer(kind, content, missed)]
        case "pdf":
            return wire.PAGES, pdf.pages(content, missed)
        case "xlsx":
            return wire.PAGES, xlsx.sheets(content, missed)
        case "letter":
            return wire.TEXT, [eml.letter(content, missed)]
        case "docx":
            return wire.TEXT, [docx.text(content, missed)]
        case "eml":
            return wire.TEXT, [eml.text(content, missed, attached.text)]
        case _:
            return wire.TEXT, [markdown.markdown_of(content.decode(), missed)]


def _bounded(parts: Iterable[str]) -> Iterator[bytes]:
    room = MAX_TEXT_BYTES
    for number, part in enumerate(parts, start=1):
        encoded = cleaned(part).strip().encode()
        room -= len(encoded)
        if room < 0:
            raise Unreadable(Reason.LONG)
        if number > MAX_PAGES:
            raise Unreadable(Reason.PAGES)
        yield encoded


if __name__ == "__main__":
    main()
