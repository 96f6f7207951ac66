"""The installed wheel in a project that has `flows`, `tasks` and `schemas` of its own: both work."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill import __version__
from tests.support.deploying import Site
from tests.support.prefect_server import API_URL
from tests.support.provider import serving
from tests.support.wheels import CLONE, installed, wheel_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WORDS = """
from prefect import task

import schemas

@task
def word():
    return schemas.WORD
"""
FLOW = """
from prefect import flow

import docmill.flows.process
import flows, schemas, tasks
from tasks.words import word

@flow
def my_flow():
    assert (flows.OWN, tasks.OWN, schemas.OWN) == (True, True, True)
    assert docmill.flows is not flows
    return word()

if __name__ == "__main__":
    print(my_flow())
"""
DEPLOYMENTS = """
pull:
  - prefect.deployments.steps.set_working_directory: {directory: "{{ $PWD }}"}
deployments:
  - {name: theirs, entrypoint: docmill.flows.process.process, work_pool: {name: docmill}}
  - {name: own, entrypoint: "flows/my.py:my_flow", work_pool: {name: docmill}}
"""
FILES = {
    "schemas/__init__.py": "OWN = True\nWORD = 'of our own'\n",
    "tasks/__init__.py": "OWN = True\n",
    "tasks/words.py": WORDS,
    "flows/__init__.py": "OWN = True\n",
    "flows/my.py": FLOW,
    "prefect.yaml": DEPLOYMENTS,
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an environment's commands that has the wheel."""
    directory = tmp_path_factory.mktemp("installed")
    return installed(wheel_of(CLONE, directory), directory / "venv")


@pytest.fixture(scope="module")
def foreign(commands: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give the foreign project; its Prefect is the environment's."""
    with serving() as provider:
        site = Site(tmp_path_factory.mktemp("foreign"), provider, str(commands / "python"))
        for name, text in FILES.items():
            file = site.root / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        site.pipeline("letters", "a", "b", steps="  - summarize:\n  - extract: {schema: thing}\n")
        yield site


def ran(site: Site, *command: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in the project; it must go well."""
    environment = {**site.environment, "PREFECT_API_URL": API_URL, "PYTHONPATH": str(site.root)}
    done = subprocess.run(command, cwd=site.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_installed_docmill_says_its_version(commands: Path, foreign: Site):
    assert ran(foreign, commands / "docmill", "--version").stdout.strip() == __version__


def test_docmill_is_the_wheels_and_the_other_names_are_the_projects(commands: Path, foreign: Site):
    code = "import docmill.flows, flows, tasks, schemas; print(docmill.flows.__file__); print(flows.__file__)"
    theirs, own = ran(foreign, commands / "python", "-c", code).stdout.split()
    assert Path(theirs).is_relative_to(commands.parent)
    assert Path(own) == foreign.root / "flows/__init__.py"


def test_a_pipeline_is_checked_and_run_there(commands: Path, foreign: Site, prefect_api: str):
    pipeline = "flows/pipelines/letters.yaml"
    ran(foreign, commands / "docmill", "check", pipeline)
    run = json.loads(ran(foreign, commands / "docmill", "run", pipeline, "--json").stdout)
    assert (run["state"], run["done"], run["calls"]) == ("complete", 2, 4)
    assert foreign.rows("letters", "select count(*) from letters__thing") == [(2,)]
    assert "done" in ran(foreign, commands / "docmill", "report", pipeline).stdout


def test_the_projects_own_flow_runs_beside_it(commands: Path, foreign: Site, prefect_api: str):
    assert "of our own" in ran(foreign, commands / "python", "flows/my.py").stdout


def test_a_worker_runs_deployments_of_both(foreign: Site):
    foreign.pipeline("deployed", "a", "b", "c")
    with foreign.served():
        foreign.prefect("work-pool", "create", "docmill", "--type", "process")
        foreign.prefect("deploy", "--all")
        with foreign.working():
            theirs = foreign.start("theirs", pipeline="flows/pipelines/deployed.yaml").json()["id"]
            own = foreign.start("own").json()["id"]
            assert foreign.ended(theirs, 120)[0] == "Completed"
            assert foreign.ended(own, 120)[0] == "Completed"
    assert foreign.statuses("deployed") == {f"deployed/{name}.txt": "done" for name in "abc"}
