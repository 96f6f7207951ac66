"""prefect.yaml: what it declares is known and right, and a fresh server and a worker make runs of it."""

import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import prefect.settings
import pytest
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.deployments.steps.pull import set_working_directory
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate
from pydantic import BaseModel
from ruamel.yaml import YAML

import docmill
from docmill.flows.pipeline.file import load
from tests.support.deploying import CLONE, Site, deployed
from tests.support.processes import eventually

OPERATIONS = (CLONE / "docs" / "operations.md").read_text()
TEXT = (CLONE / "prefect.yaml").read_text()
WRITTEN: dict[str, Any] = YAML(typ="safe").load(StringIO(TEXT))
DEPLOYMENTS: list[dict[str, Any]] = WRITTEN["deployments"]
each_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]


def _strangers(written: dict[str, Any], model: type[BaseModel]) -> set[str]:
    return written.keys() - {field.alias or name for name, field in model.model_fields.items()}


def test_every_key_at_the_top_is_known():
    """Prefect ignores a misspelt one without a word."""
    assert _strangers(WRITTEN, PrefectYamlModel) == {"definitions"}


@each_deployment
def test_every_key_of_a_deployment_is_known(deployment: dict[str, Any]):
    assert not _strangers(deployment, DeploymentConfig)
    assert not _strangers(deployment["work_pool"], WorkPoolConfig)
    assert not _strangers(deployment.get("concurrency_limit", {}), ConcurrencyLimitSpec)
    for schedule in deployment.get("schedules", []):
        RawScheduleConfig.model_validate(schedule)
    for trigger in deployment.get("triggers", []):
        assert not _strangers(trigger, DeploymentEventTrigger)
        DeploymentEventTrigger.model_validate(trigger)
    [[(step, arguments)]] = [list(each.items()) for each in deployment["pull"]]
    assert step == "prefect.deployments.steps.set_working_directory"
    inspect.signature(set_working_directory).bind(**arguments)


@each_deployment
def test_every_parameter_is_valid(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(CLONE)
    flow: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    schema = parameter_schema(flow).model_dump()
    given = deployment.get("parameters", {})
    started = "triggers" in deployment or deployment["name"] == "shard"  # with what it needs
    validate(given, schema, raise_on_error=True, ignore_required=started)
    if deployment["name"] == "shard":
        return
    if "triggers" in deployment:
        assert all(
            trigger["parameters"].keys() == schema["properties"].keys() for trigger in deployment["triggers"]
        )
    else:
        load(Path(given["pipeline"]))


@each_deployment
def test_a_deployment_says_what_it_is(deployment: dict[str, Any]):
    assert deployment["description"]
    assert "docmill" in deployment["tags"]
    assert deployment["version"] == docmill.__version__
    if deployment["name"] != "shard":  # of which as many run as there are workers
        assert deployment["concurrency_limit"]["limit"] == 1
    for schedule in deployment.get("schedules", []):
        assert schedule["slug"]
        assert schedule["timezone"]


def test_it_is_written_for_the_prefect_that_is_pinned():
    assert f"prefect=={WRITTEN['prefect-version']}" in PROJECT["dependencies"]


def test_it_holds_no_secret():
    assert not re.search(r"prefect\.blocks|sk-|_API_KEY|://[^ ]*@", TEXT)


def test_every_prefect_setting_in_the_docs_is_known():
    written = set(re.findall(r"PREFECT_(?!REDIS)[A-Z_]+", OPERATIONS))  # that is prefect-redis's own
    assert not {name for name in written if not hasattr(prefect.settings, name)}


@pytest.mark.slow
def test_all_are_registered(site: Site):
    found = {each["name"]: each for each in site.asked("/deployments/filter")}
    assert found.keys() == {each["name"] for each in DEPLOYMENTS}
    for each in DEPLOYMENTS:
        stored = found[each["name"]]
        assert (stored["entrypoint"], stored["tags"]) == (each["entrypoint"], each["tags"])
        if limit := each.get("concurrency_limit"):
            assert stored["global_concurrency_limit"]["limit"] == 1
            assert stored["concurrency_options"]["collision_strategy"] == limit["collision_strategy"]
        [step] = stored["pull_steps"]
        assert list(step.values()) == [{"directory": str(site.root)}]


def test_no_schedule_over_sample_data_is_on():
    assert [schedule["active"] for each in DEPLOYMENTS for schedule in each.get("schedules", [])] == [
        False
    ] * 2


@pytest.mark.slow
def test_scheduled_runs_exist_within_a_minute(site: Site):
    """Shown by 1, once the schedules are switched on; SQLAlchemy 2.1 would stop them without a word."""
    for name in ("nightly", "tickets"):
        [schedule] = site.deployment(name)["schedules"]
        path = f"/deployments/{site.deployment(name)['id']}/schedules/{schedule['id']}"
        on = partial(httpx.patch, f"{site.api}{path}", json={"active": True}, timeout=90)
        assert not schedule["active"]
        assert eventually(lambda on=on: on().is_success)  # type: ignore[misc]
        deployments = {"name": {"any_": [name]}}
        scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
        query = partial(site.asked, "/flow_runs/filter", deployments=deployments, flow_runs=scheduled)
        assert eventually(lambda query=query: len(query()) >= 3, 300)  # type: ignore[misc]


class Slow:
    """A site of the test's own, with a run of four documents that waits for its provider."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.pipeline("slow", "a", "b", "c", "d")
        site.provider.delay_s = 8.0
        self.flow_run_id = str(site.start("nightly", pipeline="slow").raise_for_status().json()["id"])

    def under_way(self) -> bool:
        """Wait until its calls are in flight."""
        return eventually(lambda: self.site.provider.in_flight == 4, 300)

    def state(self) -> str:
        """Name the flow run's state."""
        return str(self.site.flow_run(self.flow_run_id)["state"]["name"])

    def rows(self) -> list[str]:
        """Name the states of the runs in their order."""
        query = "select state from docmill_runs order by started_at"
        return [state for (state,) in self.site.rows("slow", query)]

    def finished_by_the_next(self) -> bool:
        """Run it on the command line, and say whether every document is done."""
        self.site.provider.delay_s = 0.0
        environment = {**self.site.environment, "PREFECT_API_URL": self.site.api}
        run = [sys.executable, "-m", "docmill", "run", "slow"]
        done = subprocess.run(run, cwd=self.site.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return set(self.site.statuses("slow").values()) == {"done"} and len(self.site.statuses("slow")) == 4


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    with deployed(tmp_path) as site:
        yield Slow(site)


@pytest.mark.slow
def test_a_cancel_in_the_ui_stops_a_deployed_run_and_the_next_finishes(slow: Slow):
    """Shown by 4."""
    with slow.site.working():
        assert slow.under_way()
        change = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        slow.site.post(f"/flow_runs/{slow.flow_run_id}/set_state", change).raise_for_status()
        assert slow.site.ended(slow.flow_run_id)[0] == "Stopped"
        assert eventually(lambda: slow.rows() == ["stopped"])
        assert slow.finished_by_the_next()


@pytest.mark.slow
def test_sigterm_to_the_worker_kills_its_run_and_the_next_puts_it_right(slow: Slow):
    """Shown by 4: the slot of the deployment is free again too."""
    with slow.site.working() as worker:
        assert slow.under_way()
        worker.terminate()
        worker.wait(60)
    assert (slow.state(), slow.rows()) == ("Running", ["running"])
    assert slow.site.deployment("nightly")["global_concurrency_limit"]["active_slots"] == 1
    assert slow.finished_by_the_next()
    assert (slow.state(), slow.rows()) == ("Crashed", ["failed", "complete"])
    assert slow.site.deployment("nightly")["global_concurrency_limit"]["active_slots"] == 0


@pytest.mark.slow
def test_a_flow_run_that_was_killed_can_be_tried_again(slow: Slow):
    """As by Retry in the UI: it puts its own row right, but not its own state."""
    with slow.site.working() as worker:
        assert slow.under_way()
        worker.terminate()
        worker.wait(60)
    slow.site.provider.delay_s = 0.0
    change = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    slow.site.post(f"/flow_runs/{slow.flow_run_id}/set_state", change).raise_for_status()
    with slow.site.working():
        assert slow.site.ended(slow.flow_run_id) == ("Completed", "4 documents: 4 done")
    assert slow.rows() == ["failed", "complete"]
    states = httpx.get(f"{slow.site.api}/flow_run_states/", params={"flow_run_id": slow.flow_run_id}).json()
    assert "CRASHED" not in {state["type"] for state in states}


@pytest.mark.slow
def test_the_systemd_unit_stops_runs_before_the_worker(slow: Slow):
    """The very line of docs/operations.md."""
    [line] = re.findall(r"^ExecStop=(.*)$", OPERATIONS, re.MULTILINE)
    with slow.site.working() as worker:
        assert slow.under_way()
        slow.site.provider.delay_s = 0.0
        environment = {**os.environ, "MAINPID": str(worker.pid)}
        subprocess.run(
            shlex.split(line.replace("$MAINPID", str(worker.pid))), env=environment, check=True, timeout=90
        )
        assert worker.poll() is None
        assert slow.rows() == ["stopped"]
        assert eventually(lambda: slow.state() == "Stopped")
        worker.terminate()
        worker.send_signal(signal.SIGCONT)  # as systemd does
    assert slow.finished_by_the_next()


@pytest.mark.slow
def test_the_images_worker_stops_runs_before_itself(slow: Slow):
    """deploy/worker.py, as docker and Kubernetes end it."""
    environment = slow.site.environment | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, str(CLONE / "deploy/worker.py"), "--pool", "docmill", "--type", "process"]
    with subprocess.Popen(
        command, cwd=slow.site.elsewhere, env=environment, start_new_session=True
    ) as worker:
        assert slow.under_way()
        slow.site.provider.delay_s = 0.0
        worker.terminate()
        assert worker.wait(90) == 0
    assert slow.rows() == ["stopped"]
    assert eventually(lambda: slow.state() == "Stopped")
    assert slow.finished_by_the_next()
