"""The evidence of a record: where each of its values stands in the document's text."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmill.schemas.document import Recognized
from docmill.tasks.checks.evidence.alike import Alike, Recognition, in_doubt
from docmill.tasks.checks.evidence.folding import Span
from docmill.tasks.checks.evidence.search import Sought, Text, sought
from docmill.tasks.checks.evidence.values import Value, values
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.subschemas import Schema

# Part of the hash of every step whose record is checked. To raise it takes up every document of every user
# again: what is in the cache costs time, what is not is paid for anew.
VERSION = 1


@dataclass(frozen=True)
class Grounding:
    """A record's evidence, an entry a value, and the fields of those that are not surely in the document.

    `missing` names no key that the schema does not: it may be logged. `similar` are those of them that were
    read on a picture of which the text only looks like them.
    """

    evidence: list[dict[str, Any]]
    missing: list[str]
    similar: list[str] = field(default_factory=list)

    def add(self, value: Value, entry: Mapping[str, Any]) -> None:
        """Note the evidence of one more value."""
        self.evidence.append({"path": place(value.path), **entry})
        if in_doubt(entry):
            self.missing.append(place(value.named))
            if entry["start"] is not None:
                self.similar.append(place(value.named))


class Grounds:
    """A document that records are held against; `page_starts` are offsets in its text, from `first_page` on.

    In what was `recognized` on pictures letters may have been taken for others that look alike.
    """

    def __init__(
        self,
        text: str,
        page_starts: Sequence[int] = (),
        recognized: Sequence[Recognized] = (),
        first_page: int = 1,
    ) -> None:
        self.original = text
        self._first_page = first_page
        self._page_starts = page_starts
        self._text = Text(text)
        self._recognition = Recognition(text, recognized)

    def of(self, record: dict[str, Any], schema: Schema) -> Grounding:
        """Find each value that needs evidence: the n-th of equal ones at the n-th place of as many."""
        needed = [(each, what) for each in values(record, schema) if (what := sought(each))]
        counts = Counter(what for _, what in needed)
        found = self._text.find(counts)
        alike = self.alike(what for what, spans in found.items() if not spans)
        passed: Counter[Any] = Counter()
        grounding = Grounding([], [])
        for value, what in needed:
            spans = found[what]
            span = spans[passed[what] if len(spans) >= counts[what] else 0] if spans else None
            passed[what] += 1
            grounding.add(value, self.entry(span, alike.get(what)))
        return grounding

    def places(self, wanted: Mapping[Sought, int]) -> dict[Sought, list[Span]]:
        """Find each as often as it is wanted, in the text's order."""
        return self._text.find(wanted)

    def alike(self, wanted: Iterable[Sought]) -> dict[Sought, Alike]:
        """Find what looks like each in what was recognized."""
        return self._recognition.find(wanted)

    def entry(self, span: Span | None, alike: Alike | None = None) -> dict[str, Any]:
        """Write a place as evidence: all null where there is none; what is but `alike` says so."""
        if span is None and alike:
            return {**self.entry(alike.span), "similar": alike.confidence}
        if span is None:
            return dict.fromkeys(("page", "start", "end", "quote"))
        start, end = span
        before = max(1, bisect_right(self._page_starts, start)) - 1
        page = self._first_page + before if self._page_starts else None
        return {"page": page, "start": start, "end": end, "quote": self.original[start:end]}
