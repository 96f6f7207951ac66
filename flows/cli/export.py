"""`docmill export`: outcomes, typed tables and changes, for other tools."""

import sys
from pathlib import Path
from typing import Annotated, Literal, TextIO

from cyclopts import Parameter

from docmill.flows.cli.export_target import BINARY, require_target, written
from docmill.flows.cli.exported import Asked, chosen
from docmill.flows.cli.options import FLAG, IntoUrl, PipelineName, Statuses
from docmill.flows.cli.results import stored
from docmill.tasks.sinks.formats.export import Export
from docmill.tasks.sinks.formats.lines import write_csv, write_jsonl
from docmill.tasks.sinks.formats.parquet import write_parquet
from docmill.tasks.sinks.formats.sheet import write_sheet

Format = Literal["csv", "jsonl", "parquet", "xlsx"]


def export(
    pipeline: PipelineName,
    /,
    *,
    to: Annotated[Format, Parameter(help="csv, xlsx: a column a field; jsonl, parquet: the whole row")],
    table: Annotated[
        str | None, Parameter(help="Write this schema's typed table instead; SCHEMA__FIELD: a table of items")
    ] = None,
    changes_since: Annotated[
        str | None, Parameter(help="Write every form of an outcome that began after this run; its id")
    ] = None,
    output: Annotated[
        str | None, Parameter(help="Write to this file or URL, such as s3://bucket/out.parquet")
    ] = None,
    status: Statuses = (),
    into: IntoUrl = None,
    raw: Annotated[
        bool, FLAG, Parameter(help="csv: texts as they are, also those that spreadsheets compute")
    ] = False,
) -> int:
    """Write the stored outcomes to stdout, by document_id; makes no call.

    In csv a text that a spreadsheet would compute, such as =1+1, has an apostrophe before it, and
    control characters are blanks; in xlsx no cell is a formula.
    """
    require_target(output, to)
    with stored(pipeline, into) as (declared, results):
        asked = Asked(
            table=table, changes_since=changes_since, statuses=status, whole=to in ("jsonl", "parquet")
        )
        rows = chosen(declared, results, into, asked)
        if output is None and to not in BINARY:
            _write_text(rows, to, sys.stdout, raw=raw)
            return 0
        with written(output) as file:
            _write(rows, to, file, table or declared.pipeline.name, raw=raw)
    return 0


def _write_text(rows: Export, to: Format, onto: TextIO, *, raw: bool) -> None:
    if to == "jsonl":
        write_jsonl(rows, onto)
    else:
        write_csv(rows, onto, raw=raw)


def _write(rows: Export, to: Format, file: Path, title: str, *, raw: bool) -> None:
    if to == "parquet":
        write_parquet(rows, file)
    elif to == "xlsx":
        write_sheet(rows, file, title)
    else:
        with file.open("w", encoding="utf-8", newline="") as onto:
            _write_text(rows, to, onto, raw=raw)
