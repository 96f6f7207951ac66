"""The evidence of items whose rows are known: in the row, else anywhere in the document."""

from collections.abc import Iterator, Sequence

from docmill.tasks.checks.completeness.rows import Span
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.evidence.search import Sought, Text, sought
from docmill.tasks.checks.evidence.values import Value, values
from docmill.tasks.checks.lists.filling import Filled
from docmill.tasks.checks.subschemas import Schema

Found = tuple[Value, Sought, Span | None]


def grounded(grounds: Grounds, name: str, items: Sequence[Filled], schema: Schema) -> Grounding:
    """Give the evidence of an array's items: of what code has read its cell, of all else what is found."""
    found = [
        each for index, item in enumerate(items) for each in _of_item(grounds, name, index, item, schema)
    ]
    elsewhere = grounds.places({what: 1 for _, what, span in found if span is None})
    alike = grounds.alike(what for what, spans in elsewhere.items() if not spans)
    grounding = Grounding([], [])
    for value, what, span in found:
        at = span or next(iter(elsewhere[what]), None)
        grounding.add(value, grounds.entry(at, alike.get(what)))
    return grounding


def _of_item(grounds: Grounds, name: str, index: int, item: Filled, schema: Schema) -> Iterator[Found]:
    row, begin = None, item.row.start
    for each in values({name: [item.item]}, schema):
        what = sought(each) if item.cells is None else Sought()
        if what is None:
            continue
        path, named = (name, index, *each.path[2:]), (name, index, *each.named[2:])
        value = Value(path, named, each.value, each.format)
        if item.cells is not None:
            yield value, what, item.cells[str(path[-1]) if path[2:] else name]
            continue
        row = row or Text(grounds.original[begin : item.row.reach])
        spans = row.find({what: 1})[what]
        yield value, what, (begin + spans[0][0], begin + spans[0][1]) if spans else None
