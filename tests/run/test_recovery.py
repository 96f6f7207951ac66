"""kill -9 at any moment: the next run finishes the work, nothing is paid twice, nothing is left running."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.prefect_database import provide
from tests.support.processes import alive, eventually, with_argument
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.slow

IN_FLIGHT = 16  # 8 calls, each of which may have been answered and not yet recorded, and 8 that follow


def _killed_at_random(project: Project, provider: Provider, kills: int, documents: int) -> None:
    """Run over documents, killed so often while calls are in flight; then to the end."""
    project.documents(**{f"d{number:03}": f"text {number}" for number in range(documents)})
    pipeline = str(project.pipeline(provider.url))
    chance = random.Random(4)
    provider.delay_s = 0.3  # so that there is work left for the last kill
    for _ in range(kills):
        _begun_and_killed(project, provider, pipeline, after_s=chance.uniform(0, 0.6))
    provider.delay_s = 0.0
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": documents}
    assert project.rows("select count(*), count(distinct document_id) from p__thing") == [
        (documents, documents)
    ]
    assert len(provider.requests) <= 3 * documents + kills * IN_FLIGHT
    assert project.rows("select count(*) from docmill_runs where state = 'running'") == [(0,)]
    assert eventually(lambda: not with_argument(pipeline), 60)


def _begun_and_killed(project: Project, provider: Provider, pipeline: str, after_s: float) -> None:
    before = len(provider.requests)
    run = project.begin("run", pipeline)
    assert eventually(lambda: len(provider.requests) > before or run.poll() is not None, 180)
    time.sleep(after_s)
    run.kill()
    run.communicate()


@pytest.mark.slow
def test_ten_kills_lose_nothing(project: Project, provider: Provider, prefect_api: str):
    """Shown by 1."""
    _killed_at_random(project, provider, kills=10, documents=60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_kills_lose_nothing(project: Project, provider: Provider, prefect_api: str):
    """Shown by 1."""
    _killed_at_random(project, provider, kills=50, documents=200)


KILLED_AT = """
import os, signal, sys
import {module} as module
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module.{name} = killed
from docmill.flows.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "paid_again"),
    [
        ("docmill.tasks.chat.kept", "write", True),
        ("docmill.tasks.sinks.results", "Results.write", False),
        ("docmill.tasks.sinks.results", "Results.end", False),
    ],
    ids=["before the record", "between record and row", "between row and end"],
)
def test_a_kill_in_the_worst_moment(
    project: Project, provider: Provider, prefect_api: str, module: str, name: str, paid_again: bool
):
    project.documents(a="text")
    pipeline = str(project.pipeline(provider.url, "  - summarize:\n"))
    code = KILLED_AT.format(module=module, name=name)
    assert subprocess.run([sys.executable, "-c", code, "run", pipeline]).returncode == -signal.SIGKILL
    assert len(provider.requests) == 1
    assert project.run("run", pipeline) == 0
    assert project.statuses() == {"in/a.txt": "done"}
    assert len(provider.requests) == 1 + paid_again
    assert project.rows("select state from docmill_runs order by started_at") == [("failed",), ("complete",)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give docmill a home and a Prefect server of its own."""
    home = tmp_path / "home"
    provide(home)
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.delenv("PREFECT_API_URL")
    return home


def _server(home: Path) -> int:
    """Find docmill's Prefect server: the process that listens, not its watchdog."""
    port = json.loads((home / "server.json").read_text())["api_url"].rpartition(":")[2].removesuffix("/api")
    return max(
        pid
        for pid in with_argument(f"--port\0{port}")
        if pid not in with_argument("docmill.flows.server.watchdog")
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_whose_prefect_server_is_killed_keeps_its_results(
    project: Project, provider: Provider, home: Path
):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(40)})
    provider.delay_s = 0.3
    pipeline = str(project.pipeline(provider.url))
    run = project.begin("run", pipeline)
    assert eventually(lambda: len(provider.requests) > 10, 180)
    os.kill(_server(home), signal.SIGKILL)
    printed = run.communicate(timeout=120)[0]
    assert "Traceback" not in printed
    assert "the Prefect server" in printed
    assert Counter(project.statuses().values()) == {"done": 40}, printed
    assert project.rows("select state from docmill_runs") == [("complete",)]
    assert run.returncode == 0
    assert project.begin("run", pipeline).wait(60) == 0
    assert len(provider.requests) == 120
    assert eventually(lambda: not with_argument(str(home)), 60)


def _children_of(pid: int, argument: str) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, children) if child in with_argument(argument)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_whose_local_model_is_killed_is_finished_by_the_next(project: Project, home: Path):
    project.documents(**{f"d{number}": f"The meeting number {number} was about tea." for number in range(4)})
    steps = '  - summarize: {sentences: 1, params: {stop: "\\n"}, max_tokens: 160}\n'
    pipeline = str(project.pipeline("local", steps, model="smollm2-135m-instruct"))
    run = project.begin("run", pipeline)
    assert eventually(project.runs, 180)
    [child] = _children_of(run.pid, "docmill.tasks.local_model.child")
    os.kill(child, signal.SIGKILL)
    printed = run.communicate(timeout=120)[0]
    assert "Traceback" not in printed
    assert run.returncode == 1, printed
    assert not alive(child)
    assert project.begin("run", pipeline).wait(60) == 0
    assert set(project.statuses().values()) == {"done"}
    assert eventually(lambda: not with_argument(str(home)), 60)
