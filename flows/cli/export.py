"""`docmill export`: the outcomes on stdout, for other tools."""

import csv
import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from docmill.flows.cli.options import IntoUrl, PipelineName, Statuses
from docmill.flows.cli.output import written
from docmill.flows.cli.results import fields, stored

COLUMNS = ("document_id", "status", "label", "summary")


def export(
    pipeline: PipelineName,
    /,
    *,
    to: Annotated[Literal["csv", "jsonl"], Parameter(help="csv: a column a field; jsonl: the whole row")],
    status: Statuses = (),
    into: IntoUrl = None,
) -> int:
    """Write the stored outcomes to stdout, by document_id; makes no call."""
    with stored(pipeline, into) as (declared, results):
        rows = results.outcomes(status)
        if to == "jsonl":
            for row in rows:
                sys.stdout.write(json.dumps(dict(row), ensure_ascii=False, default=written) + "\n")
            return 0
        names = [name for name in fields(declared) if name not in COLUMNS]
        table = csv.writer(sys.stdout)
        table.writerow([*COLUMNS, *names])
        for row in rows:
            record: Mapping[str, Any] = row["record"] or {}
            table.writerow([*(row[name] for name in COLUMNS), *(_cell(record.get(name)) for name in names)])
    return 0


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
