"""Blocks of labelled lines that come again with the same labels."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmill.tasks.checks.completeness.rows import Row, Sheet, Span, Table, together, trimmed

LABEL = re.compile(
    r"[\s>]*(?:[-*•] +)?[*_\"'-]{0,4}([^\W\d_][\w ./#()-]{0,40}?)[*_\"']{0,3} ?[:=][*_]{0,3}[ \t]*(?=\S)"
)
FARTHEST = 4  # lines from one label of a block to the next


class Labelled(NamedTuple):
    """A line with a label: its number, the label, and the place of what follows it."""

    number: int
    label: str
    value: Span


def tables(sheet: Sheet) -> Iterator[Table]:
    """Give the blocks that begin with the first label that comes again."""
    for near in together(_labelled(sheet), lambda each: each.number, FARTHEST):
        counts = Counter(each.label for each in near)
        first = next((each.label for each in near if counts[each.label] > 1), None)
        if first is None:
            continue
        begins = [at for at, each in enumerate(near) if each.label == first]
        blocks = [near[a:b] for a, b in zip(begins, [*begins[1:], len(near)], strict=True)]
        labels = list(dict.fromkeys(each.label for block in blocks[:-1] for each in block))
        blocks[-1] = [each for each in blocks[-1] if each.label in labels]
        if len(labels) > 1:
            sheet.take([each.number for block in blocks for each in block])
            rows = [_row(sheet, block, labels) for block in blocks]
            yield Table("blocks", rows[0].start, tuple(labels), rows)


def _labelled(sheet: Sheet) -> Iterator[Labelled]:
    for number, (start, text) in enumerate(sheet.lines):
        if sheet.free[number] and (match := LABEL.match(text)):
            value = trimmed(text.rstrip(" ,"), match.end(), len(text.rstrip(" ,")), start)
            yield Labelled(number, match[1].strip().casefold(), value)


def _row(sheet: Sheet, block: Sequence[Labelled], labels: Sequence[str]) -> Row:
    first, last = sheet.row(block[0].number, ()), sheet.row(block[-1].number, ())
    values = {each.label: each.value for each in block}
    return Row(
        first.start, last.end, tuple(values.get(name, (first.start,) * 2) for name in labels), last.reach
    )
