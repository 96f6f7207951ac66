"""`docmill report --html`: where the page's texts are read, and how far that has come."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docmill.flows.cli.output import console, printable
from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.ends import ends
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import resolve
from docmill.flows.report import page
from docmill.schemas.errors import ConfigError
from docmill.schemas.timeline import Timeline
from docmill.tasks.sources.source import Source

TELL_EVERY_S = 2.0
Row = Mapping[str, Any]


def write(
    file: Path,
    checked: CheckedPipeline,
    options: RunOptions,
    run: Row,
    rows: Iterable[Row],
    only: Sequence[str],
    runs: Sequence[Row],
    timeline: Timeline | None,
    confused: Mapping[str, Mapping[str, int]],
    pages: int,
) -> None:
    """Write the page of a run's outcomes, with its timeline, its labels, the pipeline's runs and pictures.

    There are so many `pages` at most. Raises ConfigError where the file cannot be written.
    """
    if str(file) == "-":
        raise ConfigError("--html: name a file: a page is opened from disk, not piped")
    source, listed = _source(checked, options, run)
    page.write(
        file,
        run,
        rows,
        source,
        listed=listed,
        only=only,
        runs=runs,
        timeline=timeline,
        confused=confused,
        pages=pages,
        tell=_Progress(),
    )


def _source(checked: CheckedPipeline, options: RunOptions, run: Row) -> tuple[Source | str, bool]:
    """Give the source, or why there is none, and whether the run's costs are by list prices."""
    booked = run.get("cost_booked") is True
    try:
        plan = resolve(checked, options)
        source, _ = ends(checked.pipeline, options)  # files as they were divided, whichever model did it
    except ConfigError as error:  # the outcomes are there to be seen all the same
        return str(error), not booked
    own = plan.target.name == run["endpoint"] and plan.target.endpoint.prices is not None
    return source, not (own or booked)


class _Progress:
    """Tells, now and then, how many documents have been read."""

    def __init__(self) -> None:
        self._out = console(stderr=True)
        self._told = time.monotonic()

    def __call__(self, read: int, total: int) -> None:
        if time.monotonic() - self._told > TELL_EVERY_S:
            self._told = time.monotonic()
            self._out.print(printable(f"reading the documents again: {read:,} of {total:,}"), markup=False)
