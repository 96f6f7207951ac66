"""`docmill report --document`: how a document's outcome came to be, form by form and call by call."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from docmill.flows.cli.output import console, plain, print_json
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import money
from docmill.tasks.sinks.results import Results

Row = Mapping[str, Any]
COLUMNS = {"step": "left", "call": "left", "at (UTC)": "left", "model": "left"} | dict.fromkeys(
    ("read", "cached", "written", "cost"), "right"
)
RUN_CHARS = 8  # of a run's id: they are told apart by fewer


def report_document(results: Results, document_id: str, *, json: bool) -> None:
    """Print the forms of a document's outcome, the oldest first; raises ConfigError where it has none."""
    forms = results.history.forms(document_id)
    if not forms:
        raise ConfigError(f"--document: there is no outcome of {document_id!r} in {results.url}")
    if json:
        print_json({"document": document_id, "forms": [dict(form) for form in forms]})
        return
    out = console()
    out.print(plain(document_id, "bold"), soft_wrap=True)
    for form in forms:
        _print_form(out, form)


def _print_form(out: Console, form: Row) -> None:
    """Print what an outcome was, or is, and its calls."""
    until = form.get("replaced_at")
    begin = f"\n{form['status']}, {_moment(form['updated_at'])}"
    span = f"{begin} until {_moment(until)}" if until else begin
    out.print(Text(f"{span} UTC, run {form['run_id'][:RUN_CHARS]}", style="" if until else "bold"))
    for said in _said(form):
        out.print(Text("  ").append(said), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, side in COLUMNS.items():
        table.add_column(name, justify="left" if side == "left" else "right", no_wrap=True)
    for row in _rows(form["steps"]):
        table.add_row(*row)
    if table.row_count:
        out.print(table)
    for said in _rejected(form["steps"]):
        out.print(Text("  ").append(said), soft_wrap=True)


def _said(form: Row) -> Iterator[Text]:
    """Say what the form answers, and what is wrong with it."""
    for name in ("label", "summary", "error"):
        if form[name]:
            yield plain(f"{name}: {form[name]}", "dim" if name != "error" else "")
    unknown = [name for name, step in form["steps"].items() if step.get("keys") is None and step["calls"]]
    if unknown:
        yield plain(f"calls not known of {', '.join(unknown)}: an earlier version made them", "dim")


def _rows(steps: Mapping[str, Row]) -> Iterator[Sequence[Text]]:
    """Give a line a call, the name of the step once."""
    for name, step in steps.items():
        calls = step.get("made") or ()
        for number, call in enumerate(calls):
            yield (plain(name if number == 0 else ""), *_call(call))
        replies = step["calls"] + step["cached_calls"]
        if (more := replies - sum(call["kind"] != "failed" for call in calls)) > 0 and calls:
            yield (plain(""), plain(f"… and {more:,} more", "dim"), *[Text("")] * (len(COLUMNS) - 2))


def _rejected(steps: Mapping[str, Row]) -> Iterator[Text]:
    """Give the replies that would not do, as they came."""
    for name, step in steps.items():
        replies = [*(step.get("rejected") or ()), *filter(None, [step.get("reply")])]
        for number, reply in enumerate(replies, start=1):
            yield plain(f"{name}, rejected reply {number}: ", "dim").append(plain(reply))


def _call(call: Row) -> Iterator[Text]:
    cost = "" if call["kind"] == "cached" else money(call["cost_usd"], estimated=False).partition(":")[0]
    at = datetime.fromisoformat(call["at"])
    yield from (plain(call["kind"]), Text(f"{at:%Y-%m-%d %H:%M:%S}"), plain(call["model"]))
    for name in ("prompt_tokens", "cached_tokens", "completion_tokens"):
        yield Text(f"{call[name]:,}")
    yield plain(cost)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
