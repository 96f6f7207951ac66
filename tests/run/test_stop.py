"""A run that is stopped from outside: by a signal, by a cancel in the Prefect UI, by kill -9."""

import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from docmill.flows.observe.observer import GRACE_S
from tests.support.prefect_database import provide
from tests.support.processes import eventually, with_argument
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.slow

FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


def _begin(project: Project, provider: Provider, *arguments: str) -> "subprocess.Popen[str]":
    """Begin a run over 40 documents at 2 s a call, and wait until it is in the middle of it."""
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(40)})
    provider.delay_s = 2.0
    run = project.begin("run", str(project.pipeline(provider.url)), *arguments)
    assert eventually(lambda: len(provider.requests) >= 12, 120), run.poll()
    return run


def _flow_run(project: Project) -> str:
    [(flow_run_id,)] = project.rows("select flow_run_id from docmill_runs where state != 'complete'")
    return str(flow_run_id)


def _task_states(api: str, flow_run_id: str) -> Counter[str]:
    query = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
    runs = httpx.post(f"{api}/task_runs/filter", json=query).json()
    return Counter(run["state"]["type"] for run in runs)


def _all_final(api: str, flow_run_id: str) -> bool:
    states = _task_states(api, flow_run_id)
    return bool(states) and states.keys() <= FINAL


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_stops_cleanly_and_the_next_run_finishes(
    project: Project, provider: Provider, prefect_api: str, number: int
):
    """Shown by 2: to the whole process group, as a terminal sends it."""
    run = _begin(project, provider)
    began = time.monotonic()
    os.killpg(run.pid, number)
    printed = run.communicate(timeout=120)[0]
    assert run.returncode == 3
    assert time.monotonic() - began < 15
    assert "Traceback" not in printed
    assert f"the run was stopped by {signal.Signals(number).name}" in printed
    assert "more not read" in printed
    assert "Run it again to go on" in printed
    [(state, documents, deferred)] = project.rows("select state, documents_in, deferred from docmill_runs")
    assert (state, documents) == ("stopped", deferred)
    assert eventually(lambda: _all_final(prefect_api, _flow_run(project)))
    paid = len(provider.requests)
    provider.delay_s = 0.0
    assert project.run("run", str(project.root / "p.yaml")) == 0
    assert Counter(project.statuses().values()) == {"done": 40}
    assert len(provider.requests) == 120, paid


@pytest.mark.slow
def test_a_signal_stops_cleanly_on_docmills_own_server(
    project: Project, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Shown by 2: the server is let go when it has every task run's end, and then ends too."""
    home = tmp_path / "home"
    provide(home)
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.delenv("PREFECT_API_URL")
    run = _begin(project, provider)
    began = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    printed = run.communicate(timeout=120)[0]
    assert run.returncode == 3, printed
    assert time.monotonic() - began < 15
    assert "Traceback" not in printed
    assert eventually(lambda: not with_argument(str(home)), 60)
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        states = {row[0] for row in database.execute("select distinct state_type from task_run")}
        flow_states = [row[0] for row in database.execute("select state_type from flow_run")]
    assert states <= FINAL
    assert flow_states == ["CANCELLED"]


def test_a_second_signal_ends_the_process(project: Project, provider: Provider, prefect_api: str):
    run = _begin(project, provider)
    provider.delay_s, asked = 60.0, len(provider.requests)
    assert eventually(lambda: len(provider.requests) > asked)
    began = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(run.pid, signal.SIGINT)
    printed = run.communicate(timeout=120)[0]
    assert run.returncode == 3
    assert time.monotonic() - began < GRACE_S  # which calls in flight would have had
    assert "Traceback" not in printed


@pytest.mark.parametrize("state", ["CANCELLING", pytest.param("CANCELLED", marks=pytest.mark.slow)])
def test_a_cancel_in_the_ui_stops_it(project: Project, provider: Provider, prefect_api: str, state: str):
    run = _begin(project, provider)
    flow_run_id = _flow_run(project)
    change = {"state": {"type": state, "name": state.title()}, "force": state == "CANCELLED"}
    httpx.post(f"{prefect_api}/flow_runs/{flow_run_id}/set_state", json=change).raise_for_status()
    printed = run.communicate(timeout=120)[0]
    assert run.returncode == 3
    assert "the run was cancelled" in printed
    assert "Traceback" not in printed
    assert project.rows("select state from docmill_runs") == [("stopped",)]
    ended = httpx.get(f"{prefect_api}/flow_runs/{flow_run_id}").json()
    assert (ended["state"]["type"], ended["state"]["name"]) == ("CANCELLED", "Stopped")


def test_a_signal_before_the_run_begins_sends_nothing(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="text")
    run = project.begin("run", str(project.pipeline(provider.url)))
    assert run.stdout is not None
    assert run.stdout.readline().startswith("endpoint")
    os.killpg(run.pid, signal.SIGTERM)
    printed = run.communicate(timeout=120)[0]
    assert run.returncode == 3
    assert "interrupted before anything was sent" in printed
    assert not provider.requests


@pytest.mark.slow
def test_a_row_left_running_is_put_right_by_the_next_run(
    project: Project, provider: Provider, prefect_api: str
):
    run = _begin(project, provider)
    run.kill()
    run.communicate()
    assert project.rows("select state, ended_at from docmill_runs") == [("running", None)]
    provider.delay_s = 0.0
    assert project.run("run", str(project.root / "p.yaml")) == 0
    rows = project.rows("select state, ended_at is null from docmill_runs order by started_at")
    assert rows == [("failed", 0), ("complete", 0)]


@pytest.mark.slow
def test_a_run_that_goes_on_is_named_and_left_alone(project: Project, provider: Provider, prefect_api: str):
    run = _begin(project, provider)
    provider.hold_until(lambda: len(project.rows("select 1 from docmill_runs")) == 2)
    provider.delay_s = 0.0
    printed = project.begin("run", str(project.root / "p.yaml")).communicate(timeout=120)[0]
    [(first,)] = project.rows("select run_id from docmill_runs order by started_at limit 1")
    assert f"the run {first} of p is under way too" in printed
    assert run.wait(30) == 0
    assert project.rows("select distinct state from docmill_runs") == [("complete",)]
    assert len(provider.requests) == len(set(provider.bodies())) == 120
