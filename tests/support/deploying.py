"""A site: a project that is deployed on a Prefect server of its own, with a process worker."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from docmill.flows.server.own import free_port
from tests.support.prefect_database import provide
from tests.support.prefect_server import START_TIMEOUT_S, healthy
from tests.support.processes import eventually
from tests.support.project import THING
from tests.support.provider import Provider, serving

CLONE = Path(__file__).parents[2]
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
ONE_STEP = "  - summarize:\n"
# Prefect's defaults are 10 s and 30 s: a test waits less, but at 1 s SQLite is soon locked.
QUICK = {
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "3",
}


class Site:
    """The project's directory `root`, the server at `api`, and the provider that its pipelines ask.

    `started` is the flow run that a module's tests look at. `python` runs Prefect and the flows.
    """

    def __init__(self, directory: Path, provider: Provider, python: str = sys.executable) -> None:
        self.python = python
        self.root = directory / "project"
        self.home = directory / "home"
        self.elsewhere = directory / "elsewhere"
        for each in (self.root / "schemas/tools", self.root / "flows/pipelines", self.home, self.elsewhere):
            each.mkdir(parents=True)
        (self.root / "schemas/tools/thing.json").write_text(json.dumps(THING))
        shutil.copy(CLONE / "prefect.yaml", self.root)
        self.provider = provider
        self.api = ""
        self.started = ""
        self.environment = {**os.environ, **QUICK, "PREFECT_HOME": str(self.home)}
        self.environment["DOCMILL_CACHE"] = str(directory / "cache")

    def pipeline(self, name: str, *documents: str, steps: str = ONE_STEP) -> Path:
        """Write flows/pipelines/NAME.yaml over NAME/*.txt, into NAME.db, and these documents."""
        for document in documents:
            file = self.root / name / f"{document}.txt"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"The text of {document} in {name}.")
        declared = json.dumps(self.declared(name))
        file = self.root / f"flows/pipelines/{name}.yaml"
        file.write_text("\n".join([*declared[1:-1].split(", "), "steps:", steps]))
        return file

    def declared(self, name: str, **keys: object) -> dict[str, Any]:
        """Declare that pipeline, but for its steps, as JSON."""
        into = f"sqlite:///{name}.db"
        own = {"name": name, "documents": f"{name}/*.txt", "endpoint": {"base_url": self.provider.url}}
        return {**own, "model": "m", "into": into, **keys}

    def rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        """Ask a pipeline's results; nothing where there are none yet."""
        file = self.root / f"{name}.db"
        if not file.exists():
            return []
        with closing(sqlite3.connect(file)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []

    def statuses(self, name: str) -> dict[str, str]:
        """Give each document's status."""
        return dict(self.rows(name, "select document_id, status from docmill_outcomes"))

    def prefect(self, *arguments: str) -> str:
        """Run `prefect` in the project; gives what it printed."""
        command = [self.python, "-m", "prefect", "--no-prompt", *arguments]
        environment = {**self.environment, "PWD": str(self.root)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.root, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, path: str, body: object) -> httpx.Response:
        """Post to the server's API, again where it says that its database is busy."""
        for _ in range(10):
            answer = httpx.post(f"{self.api}{path}", json=body, timeout=90)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        return answer

    def asked(self, path: str, **query: object) -> Any:
        """Post a query to the server's API; gives what it answers."""
        return self.post(path, query).raise_for_status().json()

    def emit(self, resource: str, payload: Mapping[str, object]) -> None:
        """Post the event of the contract."""
        event = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": "document.arrived"}
        event |= {"resource": {"prefect.resource.id": resource}, "payload": payload}  # type: ignore[dict-item]
        assert self.post("/events", [event]).status_code == 204

    def deployment(self, name: str) -> dict[str, Any]:
        """Give a deployment as the server has it."""
        [found] = self.asked("/deployments/filter", deployments={"name": {"any_": [name]}})
        return dict(found)

    def start(self, name: str, **parameters: object) -> httpx.Response:
        """Start a run of a deployment, as the UI does."""
        return self.post(
            f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters}
        )

    def flow_run(self, flow_run_id: str) -> dict[str, Any]:
        """Give a flow run as the server has it."""
        return dict(httpx.get(f"{self.api}/flow_runs/{flow_run_id}").raise_for_status().json())

    def runs_of(self, pipeline: str) -> list[dict[str, Any]]:
        """List the flow runs that a pipeline's name begins the name of."""
        return list(self.asked("/flow_runs/filter", flow_runs={"name": {"like_": f"{pipeline} "}}))

    def ended(self, flow_run_id: str, within_s: float = 180) -> tuple[str, str]:
        """Wait for a flow run's final state; gives its name and its message."""
        assert eventually(lambda: self.flow_run(flow_run_id)["state_type"] in FINAL, within_s)
        state = self.flow_run(flow_run_id)["state"]
        return state["name"], state["message"] or ""

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve a fresh Prefect server."""
        port = free_port()
        self.api = self.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        provide(self.home)
        command = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with self.begun(*command) as process:
            assert eventually(lambda: healthy(self.api), START_TIMEOUT_S), process.poll()
            yield

    @contextmanager
    def working(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Keep a worker that was started in another directory; at the end it kills its flow runs."""
        with self.begun("worker", "start", "--pool", "docmill") as worker:
            yield worker

    @contextmanager
    def begun(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Keep a `prefect` in a session of its own, outside the project."""
        command = [self.python, "-m", "prefect", "--no-prompt", *arguments]
        environment = {**self.environment, "PREFECT_UI_API_URL": self.api}
        with (self.home / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.elsewhere, start_new_session=True
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def deployed(directory: Path) -> Iterator[Site]:
    """Give a site whose deployments are registered; a worker is another matter."""
    with serving() as provider:
        site = Site(directory, provider)
        with site.served():
            site.prefect("work-pool", "create", "docmill", "--type", "process")
            site.prefect("deploy", "--all")
            yield site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give the session's site, with a worker; tests take pipelines of their own names."""
    with deployed(tmp_path_factory.mktemp("site")) as kept, kept.working():
        yield kept
