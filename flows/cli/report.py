"""`docmill report`: what a run has come to, and every document that is not done with its reason."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table
from rich.text import Text

from docmill.flows.cli.document_report import report_document
from docmill.flows.cli.html_report import write
from docmill.flows.cli.options import Documents, IntoUrl, Json, PipelineName, Statuses
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.cli.results import stored
from docmill.flows.evaluate.kept import evaluation
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.report.reasons import grouped, holding
from docmill.schemas.document import Unread
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import money, tokens_of
from docmill.schemas.outcome import NOT_DONE, STATUSES, Status, counted, many
from docmill.schemas.timeline import Timeline, held_back
from docmill.tasks.sinks.looking import runs_named
from docmill.tasks.sinks.results import Results

MOST = 5
MOST_PAGES = 20
MOST_CHARS = 300  # of an invalid reply, in a line: --json and `show` have the whole
Row = Mapping[str, Any]
Listed = Callable[[], Iterator[Row]]
Html = Annotated[
    Path | None,
    Parameter(help="Write a page instead: every outcome, with its text and the evidence beside its record"),
]
Pages = Annotated[
    int,
    Parameter(
        validator=Number(gte=0),
        help="With --html: so many pages of PDFs and scans, at most, as pictures with boxes of evidence",
    ),
]
DocumentId = Annotated[
    str | None, Parameter(name="--document", help="Tell how this document's outcome came to be")
]
RunId = Annotated[
    str | None, Parameter(name="--run", help="Report this run, not the last one; its id's beginning will do")
]
Reason = Annotated[str | None, Parameter(help="Only documents whose reason holds this text")]


def report(
    pipeline: PipelineName,
    /,
    *,
    run: RunId = None,
    status: Statuses = (),
    reason: Reason = None,
    html: Html = None,
    pages: Pages = MOST_PAGES,
    document: DocumentId = None,
    documents: Documents = None,
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Report the last run and the outcomes as they stand; makes no call.

    The slowest and the dearest are the run's own. With --run that run, and those outcomes that are still
    its own. With --html the texts are read from the source again, or from --documents where the run took
    those. With --document that document's outcome alone: what it was before, and each call that it took.
    """
    if document is not None and (run or status or html):
        raise ConfigError("--document: it is told on its own: leave --run, --status and --html out")
    if documents is not None and html is None:
        raise ConfigError("--documents: only a page shows documents: add --html FILE")
    with stored(pipeline, into) as (declared, results):
        if document is not None:
            report_document(results, document, json=json)
            return 0
        row = _run(results, run)

        def listed(statuses: Sequence[Status] = status or NOT_DONE) -> Iterator[Row]:
            return holding(results.outcomes(statuses, row["run_id"] if run else None), reason)

        if html is not None:
            rows, runs, time = listed(status), results.history.runs(), _timeline(results, row)
            options = RunOptions(documents=documents, into=into)
            write(html, declared, options, row, rows, status, runs, time, _confused(results, row), pages)
        if json:
            _print_json(results, row, listed)
        elif html is not None:
            console().print(str(html), markup=False, soft_wrap=True)
        else:
            _print(console(), results, row, listed)
    return 0


def _highest(results: Results, row: Row) -> dict[str, list[Row]]:
    """Give the run's own: as they stand, outcomes are those of many runs."""
    columns = {"slowest": "seconds", "dearest": "cost_usd"}
    return {name: results.highest(column, MOST, row["run_id"]) for name, column in columns.items()}


def _print_json(results: Results, row: Row, listed: Listed) -> None:
    rows = {"documents": listed(), **_highest(results, row)}
    reasons = [dict(zip(("status", "reason", "documents"), each, strict=True)) for each in grouped(listed())]
    told = {name: [*map(dict, found)] for name, found in rows.items()}
    time = timeline.model_dump() if (timeline := _timeline(results, row)) else None
    print_json({"run": dict(row), "timeline": time, "reasons": reasons, **told})


def _print(out: Console, results: Results, row: Row, listed: Listed) -> None:
    highest = _highest(results, row)
    out.print(_head(row), soft_wrap=True)
    if held := _held_back(_timeline(results, row), row):
        out.print(held)
    _print_highest(out, "slowest", [(each, f"{each['seconds']:.1f} s") for each in highest["slowest"]])
    _print_highest(out, "dearest", [(each, _cost(each)) for each in highest["dearest"]])
    _print_reasons(out, grouped(listed()))
    _print_documents(out, listed())


def _run(results: Results, run_id: str | None) -> Row:
    found = runs_named(results, run_id) if run_id else [results.last_run()]
    if len(found) > 1:
        raise ConfigError(f"--run: several runs begin with {run_id!r}: give more of its id")
    if not found or found[0] is None:
        raise ConfigError(f"--run: there is no run {run_id!r} in {results.url}")
    return found[0]


def _head(row: Row) -> Text:
    ended = f"{row['ended_at'] - row['started_at']}".partition(".")[0] if row["ended_at"] else "not ended"
    lines = [
        f"{row['pipeline']}: run {row['run_id']} of {row['started_at']:%Y-%m-%d %H:%M:%S} UTC, {ended}",
        f"{row['state']}: {counted(row['documents_in'], {status: row[status] for status in STATUSES})}",
        f"{many(row['attempts'], 'attempt')}, {many(row['calls'], 'call')} paid, "
        f"{row['cached_calls']:,} from the cache",
        f"{tokens_of(row)}, {_cost(row)}",
        f"endpoint {row['endpoint']}, model {row['model']}",
    ]
    return Text("\n").join(plain(line, "bold" if number == 1 else "") for number, line in enumerate(lines))


def _timeline(results: Results, row: Row) -> Timeline | None:
    return results.timelines.of_run(row["run_id"])


def _confused(results: Results, row: Row) -> Mapping[str, Mapping[str, int]]:
    """Give how often the run's labels were taken for which, where its pipeline evaluates it."""
    kept = results.evaluations.of_run(row["run_id"])
    return evaluation(kept).matrix() if kept else {}


def _held_back(timeline: Timeline | None, row: Row) -> str:
    if timeline is None or not row["ended_at"]:
        return ""
    return held_back(timeline.held_back, (row["ended_at"] - row["started_at"]).total_seconds())


def _cost(row: Row) -> str:
    return money(row["cost_usd"], estimated=row["cost_estimated"])


def _print_highest(out: Console, title: str, rows: list[tuple[Row, str]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for row, value in rows:
        table.add_row(plain(value), plain(row["document_id"]))
    out.print(Text(f"\n{title}", style="bold"))
    out.print(table)


def _print_reasons(out: Console, reasons: Iterable[tuple[str, str, int]]) -> None:
    for number, (status, reason, count) in enumerate(reasons):
        if number == 0:
            out.print(Text("\nreasons", style="bold"))
        out.print(Text(f"{count:>6,} × {status}: ").append(plain(reason)), soft_wrap=True)


def _print_documents(out: Console, rows: Iterable[Row]) -> None:
    """Print a line a document: there may be thousands, so no table that is laid out as a whole."""
    for number, row in enumerate(rows):
        if number == 0:
            out.print(Text("\ndocuments", style="bold"))
        reason = row["error"] or row["summary"] or ""
        line = Text(f"{row['status']:<9} ").append(plain(row["document_id"])).append("  ")
        out.print(line.append(plain(reason, "dim")), soft_wrap=True)
        for told in _told(row):
            out.print(Text(" " * 10).append(plain(told, "dim")), soft_wrap=True)


def _told(row: Row) -> Iterator[str]:
    """Give what a person has to look at, a line each; an earlier version's outcomes have no such columns."""
    yield from (Unread.model_validate(each).line() for each in row.get("unread") or ())
    if seen := row.get("recognized"):
        others = f" and {len(seen) - 1} more" if len(seen) > 1 else ""
        least = min(each["confidence"] for each in seen)
        yield f"read by pictures: {seen[0]['part']}{others}, {least:.0%} sure at least"
    yield from (f"rule {each['name']}: {each['message']}" for each in row.get("broken_rules") or ())
    for name, step in row["steps"].items():
        if reply := step.get("reply"):
            line = " ".join(reply[: 2 * MOST_CHARS].split())
            yield f"{name} replied: {line[:MOST_CHARS]}{'…' * (len(line) > MOST_CHARS)}"
    left_out = row.get("missing") or ()
    yield from (f"left out of {each['path']}: {each['quote']}" for each in left_out[:MOST])
    if (more := len(left_out) - MOST) > 0:
        yield f"left out: {more:,} more"
