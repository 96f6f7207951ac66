"""Objects of JSON, one after the other, however they are laid out."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import groupby, islice

from docmill.tasks.checks.completeness.rows import Row, Sheet, Span, Table

OBJECT = re.compile(r"\{[^{}]{1,10000}\}")
PAIR = re.compile(r'"([^"\\\n]{1,60})"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"{}\[\]]+))')
Pairs = dict[str, Span]


def tables(sheet: Sheet) -> Iterator[Table]:
    """Give the flat objects that have the same first key."""
    found = [
        (match, pairs)
        for match in islice(OBJECT.finditer(sheet.text), sheet.most)
        if (pairs := _pairs(match))
    ]
    starts = [line.start for line in sheet.lines] if found else []
    for _, same in groupby(found, key=lambda each: next(iter(each[1]))):
        objects = list(same)
        keys = list(dict.fromkeys(key for _, pairs in objects for key in pairs))
        rows = []
        for match, pairs in objects:
            start, end = match.span()
            sheet.take(range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)))
            rows.append(Row(start, end, tuple(pairs.get(key, (start, start)) for key in keys), end))
        yield Table("objects", rows[0].start, tuple(keys), rows)


def _pairs(match: re.Match[str]) -> Pairs:
    found = (
        (pair[1], pair.span(2) if pair[2] is not None else pair.span(3)) for pair in PAIR.finditer(match[0])
    )
    return {key: (match.start() + start, match.start() + end) for key, (start, end) in found}
