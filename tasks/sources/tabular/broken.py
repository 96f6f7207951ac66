"""What stands in a file of rows and cannot be read as one: it is told, and is no document that is done."""

from dataclasses import dataclass

from docmill.tasks.sources.parsing.missed import Why

FAULTS = {
    "CAST": "a value is not of the type that the query gives it",
    "MISSING COLUMNS": "it has fewer columns than the header",
    "TOO MANY COLUMNS": "it has more columns than the header",
    "UNQUOTED VALUE": "a quote in it is not closed: what follows in the file is not read",
    "LINE SIZE OVER MAXIMUM": "it is too long",
    "INVALID ENCODING": "it is not UTF-8: save the file so",
}


@dataclass(frozen=True)
class Broken:
    """A row that stands in a file and cannot be read: the key that it is told by, and why."""

    key: str
    fault: str


def rejected(shown: str, line: int, kind: str) -> Broken:
    """Tell of a record of a CSV file that DuckDB refuses, by the kind of its error."""
    fault = FAULTS.get(kind, "it cannot be read")
    return Broken(f"{shown}#{line}", f"record {line} of {shown} is no row: {fault}")


def uncomputed(shown: str, row: int, cell: str) -> Broken:
    """Tell of a row of a sheet with a formula that no program has computed: its value is not known."""
    return Broken(f"{shown}#{row}", f"row {row} of {shown} is not read: {cell} holds {Why.UNSAVED}")
