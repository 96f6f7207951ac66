"""Pages of documents as pictures beside their records, with the boxes of their evidence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from docmill.flows.report.entries import Entry
from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.pages import page_span, picture

MOST_SPANS = 200  # of evidence, whose boxes are looked for on a page
MOST_BYTES = 15_000_000  # of a report's pictures: a page of photographs may take three million


class Shown(NamedTuple):
    """Evidence of a field: characters of the text, `end` exclusive."""

    path: str
    start: int
    end: int


def drawn(content: bytes, document: Document, number: int, evidence: Iterable[Shown]) -> dict[str, Any]:
    """Give a page, from 1, as a picture with the boxes of what stands there; nothing where it has none."""
    try:
        begin, end = page_span(document, number)
        on_page = [each for each in evidence if begin <= each.start < each.end <= end][:MOST_SPANS]
        found = picture(content, document, number, [(each.start, each.end) for each in on_page])
    except Unreadable:  # its text can be read all the same
        return {}
    pairs = zip(on_page, found.boxes, strict=False)
    boxes = [{"path": each.path, "box": box} for each, boxes in pairs for box in boxes]
    return {"page": number, "pages": found.pages, "image": found.url(), "boxes": boxes}


class Album:
    """The pages that a report shows: a few of those with evidence, documents in review first."""

    def __init__(self, entries: Sequence[Entry], most: int) -> None:
        self._pages: dict[int, tuple[int, ...]] = {}
        self._room = MOST_BYTES
        for each in sorted(entries, key=lambda each: each.row["status"] != "review"):
            taken = each.pages[:most]
            self._pages[each.number] = taken
            most -= len(taken)

    def of(self, entry: Entry, document: Document, content: bytes) -> Iterator[dict[str, Any]]:
        """Draw the pages of a document that are shown."""
        fields = entry.detail["fields"]
        evidence = [
            Shown(fields[span.field]["path"], span.start, span.end)
            for span, quote in entry.evidence
            if span.field >= 0 and quote and document.text[span.start : span.end] == quote
        ]
        for number in self._pages[entry.number]:
            found = drawn(content, document, number, evidence) if self._room > 0 else {}
            if found:
                self._room -= len(found["image"])
                yield found

    def wants(self, entry: Entry) -> bool:
        """Say whether any page of a document is shown."""
        return bool(self._pages[entry.number])
