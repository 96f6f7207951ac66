"""What stands in a file of rows and cannot be read as one: it is told, and is no document that is done."""

from dataclasses import dataclass

from docmill.tasks.sources.parsing.missed import Why


@dataclass(frozen=True)
class Broken:
    """A row that stands in a file and cannot be read: the key that it is told by, and why."""

    key: str
    fault: str


def uncomputed(shown: str, row: int, cell: str) -> Broken:
    """Tell of a row of a sheet with a formula that no program has computed: its value is not known."""
    return Broken(f"{shown}#{row}", f"row {row} of {shown} is not read: {cell} holds {Why.UNSAVED}")
