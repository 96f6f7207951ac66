"""Parquet with the columns' types, by DuckDB: rows are loaded into a temporary database and copied out."""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.column_types import is_held
from docmill.tasks.sinks.duckdb_rows import SOURCE, kind_of
from docmill.tasks.sinks.formats.export import Export, as_json

BATCH = 500


def write_parquet(export: Export, onto: Path) -> None:
    """Write a file; raises ConfigError where DuckDB is missing, and for decimals that it would round."""
    try:
        import duckdb
    except ImportError:
        raise ConfigError("--to parquet: needs the package duckdb: pip install 'docmill[duckdb]'") from None
    kinds = {name: kind_of(kind) for name, kind in export.columns.items()}
    exact = {name for name, kind in kinds.items() if kind.startswith("DECIMAL")}
    database = onto.with_suffix(".duckdb")
    try:
        with duckdb.connect(str(database), config={"threads": "1", "memory_limit": "512MB"}) as connection:
            columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in kinds.items())
            connection.execute(f"CREATE TABLE rows ({columns})")
            for batch in _batches(export, exact):
                connection.execute(f"INSERT INTO rows {SOURCE}", [batch, json.dumps([kinds])])
            target = str(onto).replace("'", "''")
            connection.execute(f"COPY rows TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    finally:
        database.unlink(missing_ok=True)


def _batches(export: Export, exact: set[str]) -> Iterator[str]:
    rows = iter(export.rows)
    while batch := list(islice(rows, BATCH)):
        told = [{name: row.get(name) for name in export.columns} for row in batch]
        for row in told:
            row.update({name: _decimal(row[name], name) for name in exact})
        yield json.dumps(told, ensure_ascii=False, default=as_json)


def _decimal(value: Any, name: str) -> str | None:
    """Write a decimal's digits."""
    if value is None:
        return None
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not is_held(number):
        raise ConfigError(f"--to parquet: {name} has a number that its decimals do not hold: export csv")
    return format(number, "f")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
