"""`python -m benchmarks.planning`: `docmill plan` over a table of unchanged rows; prints time and memory.

What an earlier run would have stored is written to the results directly, so nothing is asked.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.processes import measured
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.outcome import Outcome, Run
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import Row, outcome_row
from docmill.tasks.sinks.tables import OUTCOMES

BATCH = 10_000
ROWS = '{url: "sqlite:///source.db", query: "select id, body from t", key: id, text: "{{ body }}"}'
PIPELINE = f"""\
name: bench
rows: {ROWS}
endpoint: {{base_url: "http://127.0.0.1:9/v1"}}
model: bench
into: sqlite:///results.db
steps:
  - summarize: {{max_words: 20}}
"""


def main() -> None:
    """Make the table and its results, plan, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as directory, chdir(directory):
        os.environ["DOCMILL_CACHE"] = f"{directory}/cache"
        _write_table(rows)
        Path("bench.yaml").write_text(PIPELINE)
        _plant(resolve(load(Path("bench.yaml")), RunOptions()), rows)
        begun = time.monotonic()
        done = measured([sys.executable, "-m", "docmill", "plan", "bench.yaml", "--json"])
        seconds = time.monotonic() - begun
        planned = json.loads(done.printed)
    if (planned["unchanged"], planned["calls"]) != (rows, 0):
        raise SystemExit(f"not all are unchanged: {planned}")
    print(f"{rows:,} rows unchanged: {seconds:.0f} s, {done.cpu_s:.0f} s of CPU, {done.peak_mb:.0f} MB")  # noqa: T201


def _write_table(rows: int) -> None:
    with closing(sqlite3.connect("source.db")) as connection, connection:
        connection.execute("create table t (id integer primary key, body text)")
        bodies = ((number, f"Protocol {number}. " + "It rained. " * 20) for number in range(rows))
        connection.executemany("insert into t values (?, ?)", bodies)


def _plant(plan: Plan, rows: int) -> None:
    """Write the outcome of each row, as of a run that has done all."""
    now = datetime.now(UTC)
    run = Run(
        run_id="before",
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint="bench",
        model="bench",
        started_at=now,
        ended_at=now,
        state="complete",
        documents_in=rows,
        counts={"done": rows},
    )
    results = Results.open(plan.into, plan.name, {})
    results.begin(run)
    results.close()
    common = {"pipeline": plan.name, "pipeline_sha256": plan.sha256, "run_id": "before", "updated_at": now}
    engine, outcomes = engine_of(plan.into.url), _outcomes(plan)
    with engine.begin() as connection:
        while batch := [{**each, **common} for each in islice(outcomes, BATCH)]:
            connection.execute(OUTCOMES.insert(), batch)
    engine.dispose()


def _outcomes(plan: Plan) -> Iterator[Row]:
    with plan.source.opened() as refs:
        for ref in refs:
            done = Outcome(
                document_id=ref.document_id, uri=ref.uri, content_sha256=ref.sha256(), status="done"
            )
            yield outcome_row(done)


if __name__ == "__main__":
    main()
