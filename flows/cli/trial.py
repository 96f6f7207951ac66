"""`docmill run --try`: results in a database of their own, shown with their requests, and not kept."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.text import Text

from docmill.flows.cli.output import plain
from docmill.flows.cli.show import known, print_steps
from docmill.flows.cli.summary import STYLES
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.document import Document
from docmill.schemas.errors import DocmillError
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.selected import Selected

DOCUMENTS = 3  # where no --limit says how many


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a results database that is removed in the end."""
    with TemporaryDirectory(prefix="docmill-try-") as folder:
        yield f"sqlite:///{folder}/results.db"


def tell(out: Console, plan: Plan) -> None:
    """Print what became of each document, with its requests and what its record rests on."""
    results = Results.read(plan.into, plan.name)
    try:
        rows = list(results.outcomes())
    finally:
        results.close()
    documents = dict(_read(plan, [row["document_id"] for row in rows]))
    for row in rows:
        if document := documents.get(row["document_id"]):
            _show(plan, document)
        out.print()
        out.print(plain(f"{row['document_id']}: {row['status']}", STYLES.get(row["status"], "red")))
        for line in _outcome(row):
            out.print(Text("  ").append_text(plain(line)), soft_wrap=True)


def _read(plan: Plan, ids: list[str]) -> Iterator[tuple[str, Document]]:
    if not ids:
        return
    with Selected(plan.source, tuple(ids)).opened() as refs:
        for ref in refs:
            try:
                yield ref.document_id, ref.read()
            except DocmillError:  # which its outcome tells
                continue


def _show(plan: Plan, document: Document) -> None:
    from docmill.flows.run.replay import replayed

    kept = known(plan, document)
    print_steps(document, asyncio.run(replayed(plan, document, kept.decisions)), kept)


def _outcome(row: Mapping[str, Any]) -> Iterator[str]:
    """Say what a document came to: its values with their evidence, and what is wrong."""
    for name in ("summary", "label"):
        if row[name]:
            yield f"{name}: {row[name]}"
    for found in row["evidence"] or ():
        place = "not in the document" if found["start"] is None else f"{found['start']}: {found['quote']}"
        yield f"{found['path']}: {place}"
    for missing in row["missing"] or ():
        yield f"{missing['path']}: left out: {missing['quote']}"
    for broken in row["broken_rules"] or ():
        yield f"broken rule {broken['name']}: {broken['message']}"
    if row["error"]:
        yield f"{row['error']}"
