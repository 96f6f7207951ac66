"""`docmill export`: the outcomes on stdout, for other tools."""

import csv
import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from docmill.flows.cli.options import FLAG, IntoUrl, PipelineName, Statuses
from docmill.flows.cli.output import written
from docmill.flows.cli.results import fields, stored

COLUMNS = ("document_id", "status", "label", "summary")
# What spreadsheets take for a formula, in both widths (OWASP, CSV Injection).
COMPUTED = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def export(
    pipeline: PipelineName,
    /,
    *,
    to: Annotated[Literal["csv", "jsonl"], Parameter(help="csv: a column a field; jsonl: the whole row")],
    status: Statuses = (),
    into: IntoUrl = None,
    raw: Annotated[
        bool, FLAG, Parameter(help="csv: texts as they are, also those that spreadsheets compute")
    ] = False,
) -> int:
    """Write the stored outcomes to stdout, by document_id; makes no call.

    In csv a text that a spreadsheet would compute, such as =1+1, has an apostrophe before it, and
    control characters are blanks.
    """
    with stored(pipeline, into) as (declared, results):
        rows = results.outcomes(status)
        if to == "jsonl":
            for row in rows:
                sys.stdout.write(json.dumps(dict(row), ensure_ascii=False, default=written) + "\n")
            return 0
        names = [name for name in fields(declared) if name not in COLUMNS]
        table = csv.writer(sys.stdout, quoting=csv.QUOTE_MINIMAL if raw else csv.QUOTE_ALL)
        shown = _raw if raw else _safe
        table.writerow(map(shown, [*COLUMNS, *names]))
        for row in rows:
            record: Mapping[str, Any] = row["record"] or {}
            values = [*(row[name] for name in COLUMNS), *(record.get(name) for name in names)]
            table.writerow(map(shown, values))
    return 0


def _raw(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _safe(value: Any) -> Any:
    """Write a cell that spreadsheets show and do not compute; a negative number is one."""
    if not isinstance(value, str):
        return _raw(value)
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(" " if _control(char) else char for char in lines)
    return f"'{text}" if text.lstrip().startswith(COMPUTED) or value[:1] in ("\t", "\r", "\n") else text


def _control(char: str) -> bool:
    return unicodedata.category(char) == "Cc" and char not in "\n\t"
