"""`python -m benchmarks.many`: a run over very many documents on two workers; prints what each process holds.

The provider answers at once. Every document is accounted for, or it ends with an error.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from benchmarks.bench import ONE_STEP, Project, prefect, seconds, stored
from benchmarks.beside import workers
from benchmarks.processes import docmill, provider

MARKS = (
    ("shard", "prefect.engine"),
    ("shard", "flow_run execute"),
    ("worker", "worker start"),
    ("server", "prefect.server"),
    ("server", "prefect server"),
    ("run", "docmill run"),
)
EVERY_S = 5.0
Samples = dict[int, dict[tuple[str, int], float]]  # by documents done: resident MB of each process


def sampled(file: Path, samples: Samples, ended: threading.Event) -> None:
    """Sample the memory of docmill's and Prefect's processes until the run has ended."""
    while not ended.wait(EVERY_S):
        samples[stored(file)] = resident()


def resident() -> dict[tuple[str, int], float]:
    """Read the resident memory of this process's descendants that have a name here, in MB."""
    listing = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in listing.stdout.splitlines()[1:]]
    ours = {os.getpid()}
    for _ in range(8):  # as deep as processes start each other here
        ours |= {int(pid) for pid, parent, *_ in rows if int(parent) in ours}
    found = {}
    for pid, _, kilobytes, arguments in rows:
        name = next((name for name, mark in MARKS if mark in arguments), None)
        if int(pid) in ours and name:
            found[name, int(pid)] = int(kilobytes) / 1024
    return found


def recorded(home: Path) -> tuple[int, int]:
    """Count the task runs that have ended, and the events, of Prefect's database."""
    queries = ("SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'", "SELECT count(*) FROM events")
    with closing(sqlite3.connect(f"file:{next(home.glob('*.db'))}?mode=ro", uri=True)) as database:
        final, events = (int(database.execute(query).fetchone()[0]) for query in queries)
    return final, events


def told(samples: Samples, count: int) -> str:
    """Write the memory of each process at a tenth, at the half and at the end, as a table of Markdown."""
    rows: defaultdict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for done, processes in samples.items():
        for process, mb in processes.items():
            rows[process][done] = mb
    lines = ["| process | at a tenth | at the half | at the end | most |", "| --- | --- | --- | --- | --- |"]
    for (name, _), mbs in sorted(rows.items()):
        near = [min(mbs, key=lambda done: abs(done - at)) for at in (count / 10, count / 2, count)]
        at_each = " | ".join(f"{mbs[done]:.0f} MB" for done in near)
        lines.append(f"| {name} | {at_each} | {max(mbs.values()):.0f} MB |")
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=2)
    asked = parser.parse_args()
    count = asked.documents
    with tempfile.TemporaryDirectory(prefix="docmill-many-") as folder:
        project = Project(Path(folder, "project"))
        project.documents(count, "many")
        project.cache("many")
        os.environ["DOCMILL_HOSTS"] = "127.0.0.1"
        pipeline = project.pipeline("many", "many", ONE_STEP)
        home, samples, ended = Path(folder, "home"), Samples(), threading.Event()
        sampler = threading.Thread(target=sampled, args=(project.root / "many.db", samples, ended))
        with prefect(home), provider(0.0) as whom, workers(project.root):
            sampler.start()
            whole = (pipeline, "--endpoint", whom.url, "--model", "bench", "--shards", str(asked.shards))
            row, cost = docmill(*whole)
            ended.set()
            requests = whom.taken()["requests"]
            assert (row["documents_in"], row["done"], requests) == (count, count, count), row
            began = time.monotonic()
            again, _ = docmill(*whole)
            assert again["unchanged"] == count, again
        print(f"{count:,} documents, {asked.shards} shards: {count / seconds(row):.0f} documents/s")  # noqa: T201
        print(told(samples, count))  # noqa: T201
        print(f"the run's own process: at most {cost.peak_mb:.0f} MB")  # noqa: T201
        size = sum(file.stat().st_size for file in home.rglob("*.db*"))
        print(f"Prefect's database: {size / count / 1000:.2f} kB a document")  # noqa: T201
        final, events = recorded(home)
        print(f"Prefect recorded the end of {final:,} of {count:,} task runs, and {events:,} events")  # noqa: T201
        print(f"again, all unchanged: {seconds(again):.1f} s, {time.monotonic() - began:.1f} s in all")  # noqa: T201
        json.dump(row, sys.stderr)


if __name__ == "__main__":
    main()
