"""`docmill runs`: what runs came to and what they cost, the newest first; makes no call."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt
from rich.table import Table
from rich.text import Text

from docmill.flows.cli.options import IntoUrl, Json
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.pipeline.ends import into_of
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.report.spent import By, Spent, spent
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import dollars, money
from docmill.schemas.outcome import many
from docmill.tasks.sinks.database import shown
from docmill.tasks.sinks.rows import Row
from docmill.tasks.sinks.runs import StoredRuns, stored_runs

RUN_CHARS = 8
RECENT = timedelta(days=300)  # what is older is told with its year
STYLES = {"complete": "green", "incomplete": "yellow", "stopped": "red", "failed": "red"}
UNITS = (("G", 10**9), ("M", 10**6), ("k", 10**3))
DEARER, CHEAPER = 1.1, 0.9  # beyond which a trend is drawn
NUMBERS = ("docs", "done", "review", "not done", "calls", "cached", "tokens", "USD", "min")
OptionalPipeline = Annotated[str | None, Parameter(help="A pipeline's file or name", show_default=False)]


def runs(
    pipeline: OptionalPipeline = None,
    /,
    *,
    by: Annotated[By | None, Parameter(help="Sum the runs up by day, by model or by pipeline")] = None,
    last: Annotated[PositiveInt, Parameter(help="The newest N, of the runs or of the sums")] = 20,
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Print the runs of a pipeline, or with --into of all pipelines of a results database.

    Documents are those that a run took up. The trend is what one cost, beside the median of up to ten runs
    before. Makes no call.
    """
    url, name = _where(pipeline, into)
    stored = stored_runs(url, name, of_models=by == "model")
    found = spent(stored.rows, by)
    if json:
        listed = [{**each.model_dump(), "usd_per_document": each.usd_per_document} for each in found[:last]]
        open_ = {"waiting": stored.waiting, "quarantined": stored.quarantined}
        print_json({"runs" if by is None else by: listed, **open_})
        return 0
    out = console()
    out.print(_table(found[:last], by))
    if (more := len(found) - last) > 0:
        out.print(Text(f"… and {more:,} more: --last {len(found)}", style="dim"))
    out.print(_total(stored.rows, url), soft_wrap=True)
    for line in _left(stored):
        out.print(plain(line), soft_wrap=True)
    return 0


def _left(stored: StoredRuns) -> Iterator[str]:
    """Say what is left for a person."""
    for each, count in stored.waiting.items():
        waits = "1 document waits" if count == 1 else f"{count:,} documents wait"
        yield f"{waits} in review: docmill review {each}"
    for each, count in stored.quarantined.items():
        held = "1 document is" if count == 1 else f"{count:,} documents are"
        yield f"{held} in quarantine: docmill retry {each} --quarantined"


def _where(pipeline: str | None, into: str | None) -> tuple[str, str | None]:
    """Give the database's URL, and the pipeline's name where one is named."""
    if pipeline is not None:
        declared = load(pipeline_file(pipeline)).pipeline
        return into_of(declared, RunOptions(into=into)).url, declared.name
    if url := into or os.environ.get("DOCMILL_INTO"):
        return url, None
    raise ConfigError("name a pipeline, or the results database of all of them: --into URL")


def _table(found: Sequence[Spent], by: By | None) -> Table:
    several = by in (None, "day") and len({each.pipeline for each in found}) > 1
    heads = ["run", "when (UTC)", "state"] if by is None else [by, "runs"]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for head in [*heads, *(["pipeline"] if several else [])]:
        table.add_column(head, no_wrap=True, max_width=28, overflow="ellipsis")
    for head in (*NUMBERS, *(["trend"] if by in (None, "day") else [])):
        table.add_column(head, justify="right", no_wrap=True)
    for each in found:
        begin = _begin(each) if by is None else [plain(each.name), Text(f"{each.runs:,}", justify="right")]
        table.add_row(
            *begin,
            *([plain(each.pipeline)] if several else []),
            *_numbers(each),
            *([_trend(each.trend)] if by in (None, "day") else []),
        )
    return table


def _begin(each: Spent) -> list[Text]:
    state = each.state or ""
    recent = datetime.now(UTC) - each.started_at < RECENT
    when = f"{each.started_at:%m-%d %H:%M}" if recent else f"{each.started_at:%Y-%m-%d}"
    return [plain(each.name[:RUN_CHARS]), Text(when), plain(state, STYLES.get(state, ""))]


def _numbers(each: Spent) -> Iterator[Text]:
    for count in (each.documents, each.done, each.review, each.not_done, each.calls, each.cached_calls):
        yield Text(f"{count:,}" if count else "·", style="" if count else "dim")
    yield Text(_short(each.prompt_tokens + each.completion_tokens))
    yield Text(_usd(each))
    yield Text(f"{each.minutes:,.1f}")


def _usd(each: Spent) -> str:
    if each.cost_usd is None:
        return "?"
    return f"{'~' * each.cost_estimated}{dollars(each.cost_usd).removeprefix('$')}"


def _trend(trend: float | None) -> Text:
    if trend is None:
        return Text("")
    style = "yellow" if trend > DEARER else "green" if trend < CHEAPER else "dim"
    return Text(f"{100 * (trend - 1):+,.0f} %" if trend < 100 else f"{trend:,.0f} ×", style=style)


def _short(count: int) -> str:
    """Write a number of tokens in five characters or so."""
    if count < 10_000:
        return f"{count:,}"
    unit, size = next((unit, size) for unit, size in UNITS if count >= size)
    return f"{count / size:,.1f}{unit}"


def _total(rows: Sequence[Row], url: str) -> Text:
    """Say what all runs came to; one of several models may stand in several rows."""
    found, runs = spent(rows, None), len({row["run_id"] for row in rows})
    costs = [each.cost_usd for each in found]
    cost = money(None if None in costs else sum(each or 0 for each in costs), estimated=False)
    documents = sum(each.documents for each in found)
    calls = sum(each.calls for each in found)
    counted = ", ".join((many(documents, "document"), f"{many(calls, 'call')} paid", cost))
    return plain(f"{many(runs, 'run')} in {shown(url)}: {counted}", "bold")
