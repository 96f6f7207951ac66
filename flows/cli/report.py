"""`docmill report`: what a run has come to, and every document that is not done with its reason."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.cli.options import IntoUrl, Json, PipelineName, Statuses
from flows.cli.output import console, plain, print_json
from flows.cli.results import stored
from flows.wording import money
from schemas.errors import ConfigError
from schemas.outcome import STATUSES
from tasks.sinks.results import Results

NOT_DONE = tuple(status for status in STATUSES if status not in ("done", "unchanged"))
MOST = 5
Row = Mapping[str, Any]
RunId = Annotated[str | None, Parameter(name="--run", help="Report this run, not the last one")]


def report(
    pipeline: PipelineName,
    /,
    *,
    run: RunId = None,
    status: Statuses = (),
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Report the last run and the outcomes as they stand; makes no call.

    With --run that run, and those outcomes that are still its own.
    """
    with stored(pipeline, into) as (_, results):
        row = _run(results, run)
        documents = results.outcomes(status or NOT_DONE, run)
        slowest, dearest = (results.highest(name, MOST, run) for name in ("seconds", "cost_usd"))
        if json:
            listed = {"documents": documents, "slowest": slowest, "dearest": dearest}
            print_json({"run": dict(row), **{name: [*map(dict, rows)] for name, rows in listed.items()}})
            return 0
        out = console()
        out.print(_head(row), soft_wrap=True)
        _print_highest(out, "slowest", [(each, f"{each['seconds']:.1f} s") for each in slowest])
        _print_highest(out, "dearest", [(each, _cost(each)) for each in dearest])
        _print_documents(out, documents)
    return 0


def _run(results: Results, run_id: str | None) -> Row:
    row = results.run(run_id) if run_id else results.last_run()
    if row is None:
        raise ConfigError(f"--run: there is no run {run_id!r} in {results.url}")
    return row


def _head(row: Row) -> Text:
    counts = ", ".join(f"{row[status]:,} {status}" for status in STATUSES if row[status])
    ended = f"{row['ended_at'] - row['started_at']}".partition(".")[0] if row["ended_at"] else "not ended"
    lines = [
        f"{row['pipeline']}: run {row['run_id']} of {row['started_at']:%Y-%m-%d %H:%M:%S} UTC, {ended}",
        f"{row['state']}: {row['documents_in']:,} documents: {counts or 'none'}",
        f"{row['attempts']:,} attempts, {row['calls']:,} calls paid, {row['cached_calls']:,} from the cache",
        f"{row['prompt_tokens']:,} tokens read, {row['completion_tokens']:,} written, {_cost(row)}",
        f"endpoint {row['endpoint']}, model {row['model']}",
    ]
    return Text("\n").join(plain(line, "bold" if number == 1 else "") for number, line in enumerate(lines))


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


def _print_documents(out: Console, rows: Iterable[Row]) -> None:
    """Print a line a document: there may be thousands, so no table that is laid out as a whole."""
    for number, row in enumerate(rows):
        if number == 0:
            out.print(Text("\ndocuments", style="bold"))
        reason = row["error"] or row["summary"] or ""
        line = Text(f"{row['status']:<9} ").append(plain(row["document_id"])).append("  ")
        out.print(line.append(plain(reason, "dim")), soft_wrap=True)
