"""A pipeline whose runs are done by shards, and what ends them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.support.deploying import Site
from tests.support.processes import eventually

SHARDS = "select shard, documents, attempt, state, counts from docmill__shards order by shard"
INPUT, OUTPUT = 1.0, 100.0  # USD a million tokens
COUNTS = (
    "state",
    "documents_in",
    "done",
    "unchanged",
    "deferred",
    "calls",
    "cached_calls",
    "shards",
    "cost_usd",
)


class Sharded:
    """A pipeline of a site's that has forty documents, ten of which say the same; `into` is its database."""

    def __init__(self, site: Site, name: str, into: str = "") -> None:
        self.site, self.name, self.into = site, name, into
        site.provider.delay_s, site.provider.most_in_flight = 0.0, 0
        site.provider.requests.clear()
        self.documents = [f"d{number}" for number in range(40)]
        file = site.pipeline(name, *self.documents)
        priced = site.declared(name)["endpoint"] | {"prices": {"input": INPUT, "output": OUTPUT}}
        written = file.read_text().replace(json.dumps(site.declared(name)["endpoint"]), json.dumps(priced))
        file.write_text(written.replace(f"sqlite:///{name}.db", into) if into else written)
        for each in self.documents[:10]:
            (site.root / name / f"{each}.txt").write_text(f"The same text of {name}.")

    def begin(self, *arguments: str, command: str = "run") -> "subprocess.Popen[str]":
        """Begin `docmill run`, or another command, of the pipeline with these arguments."""
        whole = [sys.executable, "-m", "docmill", command, self.name, *arguments]
        environment = {**self.site.environment, "PREFECT_API_URL": self.site.api}
        return subprocess.Popen(
            whole,
            cwd=self.site.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, command: str = "run") -> str:
        """Run it to its end; gives what it printed."""
        return ended(self.begin(*arguments, command=command), code)

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        """Ask its results; nothing where there are none yet."""
        if not self.into:
            return self.site.rows(self.name, query)
        with psycopg.connect(self.into.replace("+psycopg", "")) as connection:
            try:
                return connection.execute(query).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    def rows(self) -> list[dict[str, Any]]:
        """Give the runs' rows in their order."""
        query = f"select {','.join(COUNTS)} from docmill_runs order by started_at"
        return [dict(zip(COUNTS, row, strict=True)) for row in self.asked(query)]

    def shards(self) -> list[tuple[Any, ...]]:
        """Give the rows of the shards."""
        return self.asked(SHARDS)

    def flow_runs(self) -> dict[str, dict[str, Any]]:
        """Give the flow runs by their names."""
        return {each["name"]: each for each in self.site.runs_of(self.name)}

    def parent(self) -> dict[str, Any]:
        """Give the flow run of the run itself."""
        [found] = [run for name, run in self.flow_runs().items() if " of " not in name]
        return found

    def under_way(self, calls: int) -> bool:
        """Wait until the provider was asked so often."""
        return eventually(lambda: len(self.site.provider.requests) >= calls, 200)


def ended(begun: "subprocess.Popen[str]", code: int) -> str:
    """Wait for the end of a run, which has to be by this code; gives what it printed."""
    printed = begun.communicate(timeout=300)[0]
    assert begun.returncode == code, printed
    return printed


def kill_all_of(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a worker and all that it has started, as where its machine is gone."""
    for pid in [*descendants(worker.pid), worker.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()


def flow_runs_of(worker: "subprocess.Popen[bytes]") -> list[int]:
    """List the processes of a worker's flow runs."""
    children = Path(f"/proc/{worker.pid}/task").glob("*/children")
    return [int(pid) for each in children for pid in each.read_text().split()]


def descendants(pid: int) -> list[int]:
    """List the processes that a process has started, and theirs."""
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [below for child in children for below in (*descendants(child), child)]
