"""Why documents are not done: the reasons, with how many documents each has."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
REQUEST = re.compile(r" \[request [^\]]*\]")  # the server's own name for one request: no other has it
MOST_CHARS = 200


def grouped(rows: Iterable[Row]) -> list[tuple[str, str, int]]:
    """Count the documents by status and reason, the most frequent first, but for those that have none."""
    counts = Counter((row["status"], reason(row)) for row in rows if row["error"])
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [(status, said, count) for (status, said), count in ordered]


def reason(row: Row) -> str:
    """Give a document's reason as others may share it: on one line, without what names its own request."""
    line = " ".join(REQUEST.sub("", row["error"]).split())
    return line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]}…"


def holding(rows: Iterable[Row], text: str | None) -> Iterator[Row]:
    """Give those whose reason holds a text, in whatever case."""
    for row in rows:
        if text is None or text.casefold() in (row["error"] or "").casefold():
            yield row
