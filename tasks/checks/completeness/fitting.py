"""Which tables an array might be taken from that has no item: their columns fit its properties."""

from docmill.tasks.checks.completeness.arrays import Array
from docmill.tasks.checks.completeness.groups import Group
from docmill.tasks.checks.completeness.words import alike, same, words

FEWEST_TYPES, FEWEST_FIGURES, FEWEST_ROWS = 3, 2, 2  # where names tell nothing
FEWEST_NAMED = 2
LONGEST_HEADING = 6  # words; a longer line above a table is a sentence
WHOLE = 3  # properties: so many named columns are no accident


def fitting(array: Array, group: Group) -> dict[int, str] | None:
    """Give the columns that fit an array's properties, each with the property; None where the table does not.

    An array of strings fits a column or a list of its own name.
    """
    lines = (line for heading in group.headings for line in heading.split("\n"))
    headed = any(same(array.name, line) for line in lines if len(line.split()) <= LONGEST_HEADING)
    if not array.properties:
        return _of_strings(array, group, headed=headed)
    named = _named(array, group)
    columns = dict(named)
    many, figures = len(columns), sum(sort == "n" for sort in array.properties.values())
    _typed(array, group, columns)
    whole = len(columns) == len(array.properties)
    figure = figures and any(
        array.properties[name] == "n" or same(name, group.header[n]) for n, name in named.items()
    )
    if group.form in ("objects", "blocks") and len(group.rows) < FEWEST_ROWS:
        return None
    if many >= min(FEWEST_NAMED, len(array.properties)) or (whole and (figure or headed)):
        return columns
    typed = whole and len(columns) >= FEWEST_TYPES and figures >= FEWEST_FIGURES
    if typed and not group.header and len(group.rows) >= FEWEST_ROWS:
        return columns
    return _of_list(array, group, figures)


def names_all(array: Array, group: Group) -> bool:
    """Say whether a table's header names each of an array's properties."""
    many = len(_named(array, group))
    return many == len(array.properties) and many >= WHOLE


def is_meant(array: Array, group: Group) -> bool:
    """Say whether a table may be the array's: where the schema names headings, it stands below one."""
    if not array.headings:
        return True
    above = [" ".join(words(heading)) for heading in group.headings]
    return any(" ".join(words(wanted)) in said for wanted in array.headings for said in above)


def _of_strings(array: Array, group: Group, *, headed: bool) -> dict[int, str] | None:
    named = [n for n, label in enumerate(group.header) if same(array.name, label)]
    if named and group.form != "blocks":
        return {named[0]: array.name}
    return {0: array.name} if headed and group.form == "list" else None


def _named(array: Array, group: Group) -> dict[int, str]:
    found: dict[int, str] = {}
    for means in (same, alike):
        for name, sort in array.properties.items():
            if name in found.values():
                continue
            fits = (
                n
                for n, label in enumerate(group.header)
                if n not in found and means(name, label) and (sort != "n" or group.sorts[n] in ("n", ""))
            )
            if (n := next(fits, None)) is not None:
                found[n] = name
    return found


def _typed(array: Array, group: Group, found: dict[int, str]) -> None:
    """Add columns whose cells are of the sort of a property that no column has yet."""
    for name, sort in array.properties.items():
        if name in found.values():
            continue
        n = next((n for n, each in enumerate(group.sorts) if n not in found and each == sort), None)
        if n is not None:
            found[n] = name


def _of_list(array: Array, group: Group, figures: int) -> dict[int, str] | None:
    """Take a list whose items all have a text and as many numbers as the array's items."""
    if group.form != "list" or figures < FEWEST_FIGURES or len(group.rows) < FEWEST_ROWS:
        return None
    said = [group.said(row, 0) for row in group.rows]
    return {0: array.name} if all(_figures(each) >= figures for each in said) else None


def _figures(said: str) -> int:
    return sum(any(map(str.isdecimal, word)) for word in said.split())
