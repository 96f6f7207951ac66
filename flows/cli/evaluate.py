"""`docmill evaluate`: how often the stored results are right."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from docmill.flows.cli.options import IntoUrl, Json, PipelineName
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.cli.results import fields, stored
from docmill.flows.evaluate.evaluation import Evaluation, Score, compare

Least = Annotated[
    float | None,
    Parameter(name="--min", validator=Number(gte=0, lte=1), help="Exit 1 below this label accuracy, 0 to 1"),
]


def evaluate(
    pipeline: PipelineName,
    /,
    *,
    labels: Annotated[Path, Parameter(help="CSV: document, label, and fields of the records")],
    least: Least = None,
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Compare the stored results with a file of labels; makes no call.

    Says the accuracy of each label and the exact matches of each field; documents without a good
    outcome are counted as missing, not as wrong.
    """
    with stored(pipeline, into) as (declared, results):
        found = compare(results.outcomes(), labels, fields(declared))
    if json:
        print_json(found.as_json())
    else:
        console().print(_table(found))
    return int(least is not None and (found.label.accuracy or 0.0) < least)


def _table(found: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("", "right", "wrong", "missing", "accuracy"):
        table.add_column(name, justify="left" if not name else "right")
    for name, score in found.labels.items():
        table.add_row(plain(f"label {name}"), *_cells(score))
    table.add_row(plain("all labels", "bold"), *_cells(found.label), end_section=True)
    for name, score in found.fields.items():
        table.add_row(plain(f"field {name}"), *_cells(score))
    if found.fields:
        table.add_row(plain("all fields", "bold"), *_cells(sum(found.fields.values(), Score())))
    return table


def _cells(score: Score) -> list[str]:
    accuracy = "-" if score.accuracy is None else f"{100 * score.accuracy:.0f} %"
    return [str(score.right), str(score.wrong), str(score.missing), accuracy]
