"""The page: one file that opens from disk, loads nothing, and runs no script but its own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined

from docmill.flows.report import confusion
from docmill.flows.report.entries import Entry, entry
from docmill.flows.report.history import picture
from docmill.flows.report.inline import embedded, inline, policy
from docmill.flows.report.pictures import Album
from docmill.flows.report.texts import texts
from docmill.flows.report.timeline import drawn
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import money, tokens_of
from docmill.schemas.outcome import STATUSES
from docmill.schemas.timeline import Timeline
from docmill.tasks.sinks.replaced import replaced
from docmill.tasks.sources.source import Source

Row = Mapping[str, Any]
Tell = Callable[[int, int], None]
BAR_WIDTH = 1000


def write(
    file: Path,
    run: Row,
    rows: Iterable[Row],
    source: Source | str,
    *,
    listed: bool,
    only: Sequence[str] = (),
    runs: Sequence[Row] = (),
    timeline: Timeline | None = None,
    confused: Mapping[str, Mapping[str, int]] | None = None,
    pages: int = 0,
    tell: Tell,
) -> None:
    """Write a run and its outcomes to a file, as one step; raises ConfigError where it cannot be written.

    `source` is where the texts are read again, or why they cannot be; `listed` says that costs are by
    list prices; `only` names the statuses that were asked for. `runs` are the pipeline's, the newest
    first, `timeline` is the run's own, and `confused` says how often a label was taken for which. `pages`
    are shown as pictures at most. `tell` hears how many documents have been read, of how many.
    """
    with _replacing(file) as out:
        entries = [entry(number, row) for number, row in enumerate(rows)]
        by_id = {each.document_id: each for each in entries}
        page = (
            _environment()
            .get_template("report.html.jinja")
            .generate(
                run=run,
                cost=_cost(run, listed=listed),
                took=_took(run),
                tokens=tokens_of(run).replace(" tokens", "", 1),
                counts=[(status, run[status]) for status in STATUSES if run[status]],
                bar=_bar(entries),
                labels=_labels(entries),
                missing=sum(each.row["missing"] for each in entries),
                unread=sum(each.row["unread"] for each in entries),
                left_out=sum(each.row["left_out"] for each in entries),
                entries=entries,
                texts=_told(texts(source, by_id, Album(entries, pages)), len(entries), tell),
                only=only,
                history=picture(runs),
                confusion=confusion.picture(confused or {}),
                time=drawn(timeline, _seconds(run)),
                written=datetime.now(UTC),
            )
        )
        out.writelines(page)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("docmill.flows.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = inline("report.css"), inline("view.js") + inline("report.js")
    environment.globals |= {"style": style, "script": script, "policy": policy(style, script)}
    environment.filters |= {"embedded": embedded}
    return environment


def _took(run: Row) -> str:
    return str(run["ended_at"] - run["started_at"]).partition(".")[0] if run["ended_at"] else "not ended"


def _seconds(run: Row) -> float | None:
    took = run["ended_at"] - run["started_at"] if run["ended_at"] else None
    return took and float(took.total_seconds())


def _cost(run: Row, *, listed: bool) -> dict[str, str]:
    """Give the cost, and beside it by which prices."""
    said = money(run["cost_usd"], estimated=run["cost_estimated"], listed=listed)
    if run["cost_usd"] is None:
        amount, _, note = said.partition(": ")
        return {"amount": amount.removeprefix("cost "), "note": note}
    amount, by, note = said.partition(" by ")
    said = "as its server booked it" if run.get("cost_booked") else "by the endpoint's own prices"
    own = said if run["cost_usd"] else ""
    return {"amount": amount, "note": f"{by.strip()} {note}" if by else own}


def _bar(entries: Sequence[Entry]) -> list[tuple[str, int, float, float]]:
    """Give each status its count, and its place and width in a bar of BAR_WIDTH."""
    counts = Counter(each.row["status"] for each in entries)
    bar: list[tuple[str, int, float, float]] = []
    at = 0.0
    for status in STATUSES:
        if count := counts[status]:
            width = BAR_WIDTH * count / len(entries)
            bar.append((status, count, round(at, 1), round(width, 1)))
            at += width
    return bar


def _labels(entries: Sequence[Entry]) -> dict[str, int]:
    """Number the labels, in the order of their names."""
    names = sorted({each.row["label"] for each in entries if each.row["label"] is not None})
    return {name: number for number, name in enumerate(names)}


def _told(
    found: Iterator[tuple[Entry, dict[str, Any]]], total: int, tell: Tell
) -> Iterator[tuple[int, dict[str, Any]]]:
    for read, (each, text) in enumerate(found, 1):
        yield each.number, text
        tell(read, total)


@contextmanager
def _replacing(file: Path) -> Iterator[TextIO]:
    """Open a file that takes this one's place once it is whole."""
    try:
        # What is no character, such as half of a surrogate pair, is written as JSON escapes it.
        with (
            replaced(file, "--html") as draft,
            draft.open("w", encoding="utf-8", errors="backslashreplace") as out,
        ):
            yield out
    except OSError as error:
        raise ConfigError(f"--html: {str(file)!r} cannot be written: {error.strerror}") from None
