"""`make bench`: docmill beside a bare gather of the same calls, in one run; prints a table.

The numbers of docs/performance.md come from here. `--only NAME` runs one part, `--curve FILE` writes
the memory curve as a picture.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks import parsing
from benchmarks.curve import drawn
from benchmarks.processes import Measured, Provider, cpu_s, docmill, measured, provider
from docmill.flows.server.launch import launch

IN_FLIGHT = 64
DOCUMENTS = 200
STEPS = """\
steps:
  - summarize:
  - classify: {labels: {a: the first, b: the second}}
  - extract: {schema: thing}
"""
ONE_STEP = "steps: [summarize: ]\n"
THING = """{"name": "thing", "description": "Extract the thing.", "parameters": {"type": "object",
"properties": {"name": {"type": "string"}, "place": {"type": "string"}}, "required": ["name"]}}"""
WORDS = "The committee met on Tuesday and agreed to postpone the decision about the new depot. " * 47


class Project:
    """A directory with documents and pipelines, which is the working directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "schemas" / "tools").mkdir(parents=True)
        (root / "schemas" / "tools" / "thing.json").write_text(THING)
        os.chdir(root)

    def documents(self, count: int, folder: str) -> None:
        """Write so many documents of 4 KB, all different."""
        (self.root / folder).mkdir()
        for number in range(count):
            (self.root / folder / f"{number:06}.txt").write_text(f"Protocol {number}. {WORDS}")

    def pipeline(self, name: str, folder: str, steps: str, in_flight: int = IN_FLIGHT) -> str:
        """Write a pipeline over a folder's documents; the endpoint is given by option."""
        file = self.root / f"{name}.yaml"
        head = f"name: {name}\ndocuments: {folder}/*.txt\nmodel: bench\ninto: sqlite:///{name}.db\n"
        file.write_text(f"{head}limits: {{concurrency: {in_flight}}}\n{steps}")
        return str(file)

    def cache(self, name: str) -> None:
        """Use another cache from now on."""
        os.environ["DOCMILL_CACHE"] = str(self.root / f"cache-{name}")


def seconds(row: dict[str, Any]) -> float:
    """Give how long a run took, from its beginning to its end."""
    return (
        datetime.fromisoformat(row["ended_at"]) - datetime.fromisoformat(row["started_at"])
    ).total_seconds()


def throughput(project: Project, delay_s: float, servers: list[int]) -> None:
    """Print docmill's rate beside the bare gather's, and the rerun's from the cache."""
    name = f"d{delay_s:g}".replace(".", "-")
    project.cache(name)
    pipeline = project.pipeline(name, "many", STEPS)
    with provider(delay_s, bodies=True) as whom:
        before = sum(map(cpu_s, servers))
        row, cost = docmill(pipeline, "--endpoint", whom.url, "--model", "bench")
        seen = whom.taken()
        assert seen["most_in_flight"] <= IN_FLIGHT, seen["most_in_flight"]
        assert seen["requests"] == row["calls"] == 3 * DOCUMENTS
        settle(row)
        server_s = sum(map(cpu_s, servers)) - before
        bare_s, bare_cost = bare(project, whom, seen["bodies"])
        rate, bare_rate = row["calls"] / seconds(row), row["calls"] / bare_s
        say(f"{delay_s:g} s a call: docmill", f"{rate:.1f} calls/s", cost, server_s)
        say(f"{delay_s:g} s a call: bare gather", f"{bare_rate:.1f} calls/s", bare_cost)
        say(f"{delay_s:g} s a call: ratio", f"{rate / bare_rate:.2f}")
        before = sum(map(cpu_s, servers))
        row, cost = docmill(
            pipeline, "--endpoint", whom.url, "--model", "bench", "--into", f"sqlite:///{name}-2.db"
        )
        assert (row["calls"], row["cached_calls"]) == (0, 3 * DOCUMENTS)
        settle(row)
        again = f"{row['cached_calls'] / seconds(row):.0f} calls/s"
        say("rerun from the cache", again, cost, sum(map(cpu_s, servers)) - before)


def bare(project: Project, whom: Provider, bodies: list[str]) -> tuple[float, Measured]:
    """Send the same bodies by a bare gather; gives its seconds."""
    file = project.root / "bodies.json"
    file.write_text(json.dumps(bodies))
    result = measured([sys.executable, "-m", "benchmarks.bare", whom.url, str(file), str(IN_FLIGHT)])
    assert whom.taken()["most_in_flight"] <= IN_FLIGHT
    return float(result.printed), result


def memory(project: Project, count: int, servers: list[int], curve: Path | None) -> None:
    """Print the memory of a run over many documents, and how long the unchanged ones take."""
    project.cache("memory")
    project.documents(count, "lots")
    pipeline = project.pipeline("lots", "lots", ONE_STEP)
    with provider(0.0) as whom:
        before = sum(map(cpu_s, servers))
        whole = (pipeline, "--endpoint", whom.url, "--model", "bench")
        row, cost = docmill(*whole, progress=lambda: stored(project.root / "lots.db"))
        settle(row)
        rate = f"{count / seconds(row):.0f} documents/s"
        say(f"{count:,} documents of 4 KB", rate, cost, sum(map(cpu_s, servers)) - before)
        early = max((mb for done, mb in cost.samples if done <= 2000), default=0.0)
        halves = halved(cost, count)
        say("seconds for the second half, by those for the first", f"{halves:.2f}")
        say("peak after the first 2,000 documents, and in all", f"{early:.0f} MB, {cost.peak_mb:.0f} MB")
        if curve:
            curve.write_text(drawn(cost.samples))
        row, cost = docmill(*whole, "--documents", "lots/00*.txt")
        say(f"{row['unchanged']:,} unchanged documents", f"{seconds(row):.2f} s", cost)


def halved(cost: Measured, count: int) -> float:
    """Give how long the second half of the documents took, as a ratio to the first (1 is linear)."""
    busy = [done for done, _ in cost.samples if 0 < done < count]
    first = sum(done <= count / 2 for done in busy)
    return (len(busy) - first) / first


def stored(file: Path) -> int:
    """Count the outcomes that are stored."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return int(database.execute("select count(*) from docmill_outcomes").fetchone()[0])
    except sqlite3.Error:
        return 0


def settle(row: dict[str, Any]) -> None:
    """Wait until every task run of a run is final in Prefect's database; an error where one is not."""
    url, runs = os.environ["PREFECT_API_URL"], {"flow_runs": {"id": {"any_": [row["flow_run_id"]]}}}
    final = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]}}}
    expected = row["calls"] + row["cached_calls"]
    for _ in range(600):
        done = httpx.post(f"{url}/task_runs/count", json={**runs, "task_runs": final}, timeout=60).json()
        if done == expected:
            return
        time.sleep(0.2)
    raise AssertionError(f"{done} of {expected} task runs are final")


def say(what: str, value: str, cost: Measured | None = None, server_s: float | None = None) -> None:
    """Print a line of the table."""
    client = f"{cost.cpu_s:.1f} s, {cost.peak_mb:.0f} MB" if cost else ""
    theirs = f"{server_s:.1f} s" if server_s is not None else ""
    print(f"{what:<52}{value:>20}{client:>20}{theirs:>12}", flush=True)  # noqa: T201


@contextmanager
def prefect(directory: Path) -> Iterator[list[int]]:
    """Run docmill's own Prefect server; gives the pids of its processes."""
    os.environ |= {"PREFECT_HOME": str(directory), "DOCMILL_SERVER_GRACE_S": "0"}
    launched = launch(lambda _: None)
    try:
        launched.wait()
        port = launched.api_url.rpartition(":")[2].removesuffix("/api")
        listing = subprocess.run(["pgrep", "-f", f"port {port}"], capture_output=True, text=True, check=True)
        yield [int(pid) for pid in listing.stdout.split()]
    finally:
        launched.release()


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["parsing", "slow", "fast", "memory"])
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--curve", type=Path)
    options = parser.parse_args()
    if options.only in (None, "parsing"):
        parsing.main()
    if options.only == "parsing":
        return
    curve = options.curve.absolute() if options.curve else None
    with tempfile.TemporaryDirectory(prefix="docmill-bench-") as folder:
        project = Project(Path(folder, "project"))
        project.documents(DOCUMENTS, "many")
        with prefect(Path(folder, "home")) as servers:
            print(f"{'':<52}{'':>20}{'client CPU, peak':>20}{'server CPU':>12}")  # noqa: T201
            if options.only in (None, "slow"):
                throughput(project, 2.0, servers)
            if options.only in (None, "fast"):
                throughput(project, 0.5, servers)
            if options.only in (None, "memory"):
                memory(project, options.documents, servers, curve)


if __name__ == "__main__":
    main()
