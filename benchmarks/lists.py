"""`python -m benchmarks.lists`: a list of 2,000 rows by columns, in parts, and in one reply; prints a table.

The provider is a stand-in: it copies rows out of the request that it gets, makes no mistakes, and stops at
max_tokens, as models do; four characters are a token. What it shows is what is sent and what comes back, not
how well a model reads. The numbers of docs/pipelines.md come from here.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from docmill.tasks.checks.completeness.groups import Tables
from docmill.tasks.checks.completeness.missing import completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.lists.evidence import grounded
from docmill.tasks.checks.lists.filling import filling
from docmill.tasks.checks.lists.found import long_lists
from tests.support.connection import Reply, Request
from tests.support.longlists import (
    DECLARED,
    MEANS,
    TOOL,
    Sold,
    aligned,
    bullets,
    document,
    honest,
    piped,
    sold,
    sort_of,
    whole,
)
from tests.support.provider import serving
from tests.support.shapes import completion, written

MANY = 2_000
CHARS_A_TOKEN = 4
PIPELINE = """\
name: notes
documents: in/*.txt
endpoint: {{base_url: "{url}", context_tokens: 200000, max_output_tokens: 8192}}
model: bench
steps:
  - extract: {{schema: note, max_tokens: 8192, {lists}}}
into: sqlite:///notes.db
"""


def limited(request: Request) -> Reply:
    """Answer honestly, but for what comes after max_tokens."""
    if sort_of(request) != "whole":
        return honest(request)
    answer = json.dumps(whole(request))
    most = CHARS_A_TOKEN * request.parsed["max_tokens"]
    reply = completion(request, answer[:most])
    if len(answer) > most:
        reply["choices"][0]["finish_reason"] = "length"
    return written(reply)


def brief(request: Request) -> Reply:
    """Answer in as many rows as there is room for, and call that the whole."""
    if sort_of(request) != "whole":
        return honest(request)
    record = whole(request)
    most = CHARS_A_TOKEN * request.parsed["max_tokens"] - 200
    while len(json.dumps(record)) > most:
        del record["lines"][-10:]
    return written(completion(request, json.dumps(record)))


def ran(rows: Sequence[Sold], write: Any, lists: str, answer: Any) -> dict[str, Any]:
    """Run one document; gives its row."""
    text = document(rows, write)
    with tempfile.TemporaryDirectory() as folder, serving() as provider:
        root = Path(folder)
        (root / "in").mkdir()
        (root / "in" / "note.txt").write_text(text)
        (root / "schemas").mkdir()
        (root / "schemas" / "note.json").write_text(json.dumps(DECLARED))
        (root / "p.yaml").write_text(PIPELINE.format(url=provider.url, lists=lists))
        provider.always(answer)
        subprocess.run(
            [sys.executable, "-m", "docmill", "run", "p.yaml"],
            cwd=root,
            env={**os.environ, "DOCMILL_CACHE": str(root / "cache")},
            capture_output=True,
            check=False,
        )
        names = ("status", "record", "missing", "calls", "prompt_tokens", "completion_tokens", "seconds")
        with closing(sqlite3.connect(root / "notes.db")) as database:
            [row] = database.execute(f"select {', '.join(names)} from docmill_outcomes").fetchall()
        return dict(zip(names, row, strict=True))


def tell(*cells: Any) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


def recall(row: dict[str, Any], rows: Sequence[Sold]) -> float:
    """Give the share of the rows that are in the record as they are."""
    found = {json.dumps(line, sort_keys=True) for line in json.loads(row["record"] or "{}").get("lines", [])}
    return sum(json.dumps(each.record, sort_keys=True) in found for each in rows) / len(rows)


def asked() -> None:
    """Print what 2,000 rows cost in each way."""
    rows = sold(MANY)
    tell("", "status", "calls", "tokens read", "tokens written", "rows right", "told missing", "seconds")
    for name, write, lists, answer in (
        ("by columns", piped, "lists: auto", limited),
        ("in parts", bullets, "lists: auto", limited),
        ("one reply, cut at max_tokens", piped, "lists: model", limited),
        ("one reply that ends early", piped, "lists: model", brief),
    ):
        row = ran(rows, write, lists, answer)
        told = len(json.loads(row["missing"] or "[]"))
        tokens = [f"{row[key]:,}" for key in ("prompt_tokens", "completion_tokens")]
        tell(
            name,
            row["status"],
            row["calls"],
            *tokens,
            f"{recall(row, rows):.1%}",
            told,
            f"{row['seconds']:.1f}",
        )


def computed() -> None:
    """Print what the code takes to find and read the rows, and for their evidence and completeness."""
    tell("rows", "form", "found", "read", "evidence", "completeness of a model's record")
    for many in (MANY, 10 * MANY):
        rows = sold(many)
        for name, write in (("pipes", piped), ("aligned", aligned)):
            tell(f"{many:,}", name, *(f"{seconds:.2f} s" for seconds in _timed(rows, document(rows, write))))


def _timed(rows: Sequence[Sold], text: str) -> Iterator[float]:
    at = time.perf_counter()
    [found] = long_lists(Tables(text), TOOL)
    yield time.perf_counter() - at
    labels = [each.casefold() for each in found.group.header]
    columns = {name: n for name, words in MEANS.items() for n, label in enumerate(labels) if label in words}
    at = time.perf_counter()
    read = filling(found, columns)
    yield time.perf_counter() - at
    at = time.perf_counter()
    grounded(Grounds(text), "lines", read.items, TOOL.marked)
    yield time.perf_counter() - at
    lines = [each.item for each in read.items]
    assert lines == [each.record for each in rows]
    at = time.perf_counter()
    completeness(Grounds(text), {"number": "LW-4711", "lines": lines}, TOOL.marked)
    yield time.perf_counter() - at


if __name__ == "__main__":
    computed()
    asked()
