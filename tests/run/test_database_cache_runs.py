"""Whole runs on a cache in a database: the promises that a directory keeps."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.cut import Relay, relayed
from tests.support.databases import fresh
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")

STEP = "  - summarize:\n"
GONE = """
from docmill.tasks.chat import database_link
database_link.PATIENCE_S = 2.0
from docmill.flows.cli import main
main()
"""
KILLED = """
import os, signal
from docmill.tasks.chat import database_link
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
database_link.Link._store = killed
from docmill.flows.cli import main
main()
"""


@pytest.fixture
def url(postgres: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give an empty database, which is the cache."""
    url = fresh(postgres).replace("+psycopg", "")
    monkeypatch.setenv("DOCMILL_CACHE", url)
    return url


@pytest.fixture
def relay(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """Give the way to the cache, which can be cut."""
    with relayed(url) as (between, through):
        monkeypatch.setenv("DOCMILL_CACHE", through)
        yield between


def records(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM docmill__completions").fetchall()
    return int(count)


def test_what_is_in_the_database_is_not_paid_again(project: Project, provider: Provider, url: str):
    project.documents(a="text", b="text", c="another")
    pipeline = str(project.pipeline(provider.url, STEP))
    assert project.run("run", pipeline, "--into", "sqlite:///one.db") == 0
    assert len(provider.requests) == records(url) == 2
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 2
    assert set(project.statuses().values()) == {"done"}
    assert not (project.root.parent / "cache").exists()


def test_show_reads_what_the_database_holds(
    project: Project, provider: Provider, url: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text")
    pipeline = str(project.pipeline(provider.url, STEP))
    assert project.run("run", pipeline) == 0
    capfd.readouterr()
    assert project.run("show", pipeline, "in/a.txt") == 0
    assert "not in the cache" not in capfd.readouterr().out
    assert len(provider.requests) == 1


@pytest.mark.slow
def test_a_database_that_does_not_answer_is_said_before_anything_is_sent(
    project: Project, provider: Provider, relay: Relay, capfd: pytest.CaptureFixture[str]
):
    relay.cut()
    project.documents(a="text")
    assert project.run("run", str(project.pipeline(provider.url, STEP))) == 2
    assert "the cache postgresql://" in capfd.readouterr().err
    assert not provider.requests


@pytest.mark.slow
@pytest.mark.parametrize("refresh", [[], ["--refresh"]])
def test_two_workers_pay_once(project: Project, provider: Provider, url: str, refresh: list[str]):
    """Shown by 2: the first answer is held until both runs have begun."""
    project.documents(**{f"d{number:02}": "the same" for number in range(20)})
    pipeline = str(project.pipeline(provider.url))
    files = ["one.db", "two.db"]
    if refresh:
        assert project.run("run", pipeline, "--into", "sqlite:///zero.db") == 0
    before = len(provider.requests)
    provider.hold_until(lambda: all(project.runs(file) for file in files))
    runs = [project.begin("run", pipeline, "--into", f"sqlite:///{file}", *refresh) for file in files]
    printed = [run.communicate(timeout=100)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    assert len(provider.requests) - before == 3  # a call a step
    for file in files:
        assert project.rows("select sum(done), sum(documents_in) from docmill_runs", file) == [(20, 20)]


@pytest.mark.slow
def test_a_run_that_is_killed_as_it_stores_is_finished_by_the_next(
    project: Project, provider: Provider, url: str
):
    project.documents(a="text")
    pipeline = str(project.pipeline(provider.url, STEP))
    assert subprocess.run([sys.executable, "-c", KILLED, "run", pipeline]).returncode == -signal.SIGKILL
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 2
    assert project.rows("select state from docmill_runs order by started_at") == [("failed",), ("complete",)]


def _begun_and_killed(project: Project, provider: Provider, pipeline: str, after: int) -> None:
    before = len(provider.requests)
    run = project.begin("run", pipeline)
    assert eventually(lambda: len(provider.requests) >= before + after or run.poll() is not None)
    run.kill()
    run.communicate()


@pytest.mark.slow
def test_kills_lose_nothing(project: Project, provider: Provider, url: str):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(40)})
    pipeline = str(project.pipeline(provider.url, STEP))
    provider.delay_s = 0.3
    for number in (1, 4, 7, 10):
        _begun_and_killed(project, provider, pipeline, after=number)
    provider.delay_s = 0.0
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": 40}
    assert records(url) == 40
    assert len(provider.requests) <= 40 + 4 * 16
    assert project.rows("select count(*) from docmill_runs where state = 'running'") == [(0,)]


@pytest.mark.slow
def test_a_database_that_is_away_for_ten_seconds_is_waited_for(
    project: Project, provider: Provider, url: str, relay: Relay
):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(30)})
    provider.rule(lambda request: relay.cut() if request.number == 9 else None)
    run = project.begin("run", str(project.pipeline(provider.url, STEP)))
    assert eventually(lambda: len(provider.requests) >= 9)
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(10)
    relay.mend()
    printed = run.communicate(timeout=100)[0]
    assert run.returncode == 0, printed
    assert Counter(project.statuses().values()) == {"done": 30}
    assert len(provider.requests) == records(url) == 30


@pytest.mark.slow
def test_a_database_that_is_gone_for_good_fails_the_run(
    project: Project, provider: Provider, url: str, relay: Relay
):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(30)})
    pipeline = str(project.pipeline(provider.url, STEP))
    provider.rule(lambda request: relay.cut() if request.number == 9 else None)
    run = subprocess.run([sys.executable, "-c", GONE, "run", pipeline], capture_output=True, text=True)
    assert run.returncode == 3, run.stderr
    assert "the cache postgresql://" in run.stderr
    assert "then run again" in run.stderr
    assert "Traceback" not in run.stderr
    assert Counter(project.statuses().values())["done"] <= records(url)
    assert project.rows("select state from docmill_runs") == [("failed",)]
    relay.mend()
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": 30}
