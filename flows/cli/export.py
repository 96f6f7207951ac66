"""`docmill export`: the outcomes on stdout, for other tools."""

import csv
import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from docmill.flows.cli.options import FLAG, IntoUrl, PipelineName, Statuses
from docmill.flows.cli.output import written
from docmill.flows.cli.results import fields, stored
from docmill.tasks.sinks import cells

COLUMNS = ("document_id", "status", "label", "summary")


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
        shown = cells.raw if raw else cells.safe
        table.writerow(map(shown, [*COLUMNS, *names]))
        for row in rows:
            record: Mapping[str, Any] = row["record"] or {}
            values = [*(row[name] for name in COLUMNS), *(record.get(name) for name in names)]
            table.writerow(map(shown, values))
    return 0
