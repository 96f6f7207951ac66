"""The picture of a run's labels: how many documents of each label were taken for which."""

from collections.abc import Mapping
from dataclasses import dataclass

from docmill.schemas.evaluate import NO_LABEL

STEPS = 5  # of shade


@dataclass(frozen=True)
class Cell:
    """So many documents of a label; `kind` says whether that is right, and how much of the label it is."""

    documents: int
    kind: str
    said: str


@dataclass(frozen=True)
class Picture:
    """The names of the columns, and for each label its cells."""

    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


def picture(counted: Mapping[str, Mapping[str, int]]) -> Picture | None:
    """Draw, for each label, how often it was taken for which, '' for none; None where there are no labels."""
    if not counted:
        return None
    columns = [name or NO_LABEL for name in next(iter(counted.values()))]
    return Picture(columns, [(wanted, _row(wanted, row)) for wanted, row in counted.items()])


def _row(wanted: str, row: Mapping[str, int]) -> list[Cell]:
    of = sum(row.values())
    return [_cell(wanted, name, many, of) for name, many in row.items()]


def _cell(wanted: str, name: str, many: int, of: int) -> Cell:
    side = "right" if name == wanted else "wrong"
    shade = -(-many * STEPS // of) if many else 0  # a single one of many is seen too
    taken = f"taken for {name}" if name else "given no label"
    return Cell(many, f"{side} shade{shade}", f"{wanted}: {many:,} of {of:,} {taken}")
