"""A page as a picture, and where quotes stand on it: for a person who looks at it beside a record."""

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from docmill.tasks.sources.parsing.ocr import marked
from docmill.tasks.sources.parsing.pdf import shown
from docmill.tasks.sources.parsing.quotes import Quote

MOST_QUOTES, MOST_BOXES = 200, 20


class Wanted(NamedTuple):
    """Which page, from 0, and which quotes; `read` says that its text was recognized on its picture."""

    number: int
    quotes: Sequence[Quote]
    kind: Literal["pdf", "image"]
    read: bool


def asking(wanted: Wanted, content: bytes) -> bytes:
    """Write what is wanted, and the document."""
    return json.dumps(wanted).encode() + b"\n" + content


def drawn(asked: bytes) -> bytes:
    """Draw what is asked for: a line of JSON (pages, boxes), and the picture; raises Unreadable."""
    head, _, content = asked.partition(b"\n")
    number, quotes, kind, read = json.loads(head)
    quotes = quotes[:MOST_QUOTES]
    found = marked.marked(content, kind, number, quotes) if read else shown.shown(content, number, quotes)
    boxes = [of[:MOST_BOXES] for of in found.boxes]
    return json.dumps([found.pages, boxes]).encode() + b"\n" + found.image
