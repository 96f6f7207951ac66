"""A page as a picture, and where quotes stand on it: for a person who looks at it beside a record."""

import json

from docmill.tasks.sources.parsing.ocr import marked
from docmill.tasks.sources.parsing.pdf import shown

MOST_QUOTES, MOST_BOXES = 200, 20


def drawn(asked: bytes) -> bytes:
    """Draw what is asked for: a line of JSON (pages, boxes), and the picture; raises Unreadable."""
    head, _, content = asked.partition(b"\n")
    number, quotes, kind, read = json.loads(head)
    quotes = quotes[:MOST_QUOTES]
    found = marked.marked(content, kind, number, quotes) if read else shown.shown(content, number, quotes)
    boxes = [of[:MOST_BOXES] for of in found.boxes]
    return json.dumps([found.pages, boxes]).encode() + b"\n" + found.image
