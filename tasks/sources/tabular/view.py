"""The view `rows`: all files as one table, by their columns' names."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.tabular.broken import Broken, uncomputed
from docmill.tasks.sources.tabular.located import TableFile
from docmill.tasks.sources.tabular.separated import Header, header_of
from docmill.tasks.sources.tabular.structure import columns_of
from docmill.tasks.sources.tabular.workbook import write_lines

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_LINE_BYTES = 5_000_000  # of JSON lines: DuckDB's buffers are some times as large


def define(
    connection: "DuckDBPyConnection", files: Sequence[TableFile], sheet: str | None, folder: Path
) -> list[Broken]:
    """Define the view, and give the rows that are not in it; `folder` takes the sheets of Excel.

    Raises ConfigError where no file has columns.
    """
    kinds: defaultdict[str, list[TableFile]] = defaultdict(list)
    for file in files:
        kinds[file.kind].append(file)
    lines = {file.path: file.shown for file in kinds["lines"]}
    heads = []
    broken: list[Broken] = []
    for number, file in enumerate(kinds["workbook"]):
        path = folder / f"sheet-{number}.jsonl"
        names, unsaved = write_lines(file.path, sheet, file.shown, path)
        broken += (uncomputed(file.shown, row, cell) for row, cell in unsaved)
        heads.append((json.dumps(dict.fromkeys(names, "NULL")), file.shown))
        lines[path] = file.shown
    parts = [*_parquet(kinds["parquet"]), *_separated(kinds["csv"]), *_lines(connection, lines, heads)]
    if not parts:
        raise ConfigError("rows.files: none of the files has a column")
    connection.execute(f"CREATE TEMP VIEW rows AS {' UNION ALL BY NAME '.join(parts)}")
    return broken


def _parquet(files: Iterable[TableFile]) -> Iterator[str]:
    if paths := [file.path for file in files]:
        yield f"SELECT * FROM read_parquet({_list(paths)}, union_by_name = true)"


def _separated(files: Iterable[TableFile]) -> Iterator[str]:
    """Read every value as the text that stands there; files with the same header are read together."""
    alike: defaultdict[Header, list[Path]] = defaultdict(list)
    for file in files:
        if header := header_of(file.path, file.shown):
            alike[header].append(file.path)
    for header, paths in alike.items():
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header.columns)
        yield (
            f"SELECT * FROM read_csv({_list(paths)}, auto_detect = false, header = true, "
            f"delim = {quoted(header.sign)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
            "store_rejects = true, rejects_limit = 0)"
        )


def _lines(
    connection: "DuckDBPyConnection", files: Mapping[Path, str], heads: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Read JSON lines by what all of them have: no text is taken for a date; a broken line is NULLs.

    `heads` are structures that are known besides, each with the name of its file.
    """
    if not files:
        return
    lines = (
        f"read_ndjson_objects({_list(files)}, ignore_errors = true, filename = true, "
        f"maximum_object_size = {MAX_LINE_BYTES})"
    )
    found = connection.execute(
        f"SELECT DISTINCT json_structure(json), filename FROM {lines} WHERE json_type(json) = 'OBJECT'"
    )
    structures = [(structure, files[Path(path)]) for structure, path in found.fetchall()]
    if columns := columns_of([*heads, *structures]):
        form = quoted(json.dumps(columns, ensure_ascii=False))
        yield f"SELECT unnest(json_transform(json, {form})) FROM {lines}"


def quoted(text: str) -> str:
    """Write a text as SQL does."""
    return "'" + text.replace("'", "''") + "'"


def _list(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"
