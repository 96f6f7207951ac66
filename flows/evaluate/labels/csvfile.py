"""Labels in a CSV file: a row a document, its columns `document`, `label` and fields."""

import csv
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path

from docmill.flows.evaluate.comparing import Written
from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels.truth import DOCUMENT, LABEL, Truth, keys_of, nested
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import regular


def read(file: Path, fields: Field) -> list[Truth]:
    """Read a file of labels; an empty cell asks nothing. Raises ConfigError with the line."""
    columns, rows = _read(file)
    require_columns(columns, fields, f"{file}:1")
    for line, row in rows:
        if None in row or None in row.values():
            raise ConfigError(f"{file}:{line}: the row has not {len(columns)} cells")
    return [truth(row, fields, f"{file}:{line}") for line, row in rows]


def require_columns(columns: Sequence[str], fields: Field, place: str) -> None:
    """Raise ConfigError where a table's columns are not those of labels."""
    if DOCUMENT not in columns:
        raise ConfigError(f"{place}: there is no column {DOCUMENT!r}: columns are {', '.join(columns)}")
    for column in columns:
        if columns.count(column) > 1:
            raise ConfigError(f"{place}: the column {column!r} stands twice")
        if column not in (DOCUMENT, LABEL):
            keys_of(column, fields, place)


def truth(row: Mapping[str, str], fields: Field, place: str) -> Truth:
    """Read a row of a table whose columns are those of labels."""
    cells = {name: Written(cell.strip()) for name, cell in row.items()}
    named = {name: cell for name, cell in cells.items() if cell and name not in (DOCUMENT, LABEL)}
    values = nested(((keys_of(name, fields, place), cell) for name, cell in named.items()), fields, place)
    return Truth(str(cells[DOCUMENT]), place, str(cells.get(LABEL, "")) or None, values)


def _read(file: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        with TextIOWrapper(regular.opened(file), encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            columns = list(reader.fieldnames or ())
            return columns, [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a CSV file in UTF-8: {error}") from None
