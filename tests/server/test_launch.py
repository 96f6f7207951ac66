"""docmill's own Prefect server: one a home, joined by others, and gone when nobody uses it."""

import json
import os
import re
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from docmill.flows.server.launch import Server, launch, run_page
from docmill.flows.server.own import free_port
from docmill.flows.server.settings import DATABASE_URL, VARIABLES, api_url, database
from docmill.schemas.errors import ConfigError
from tests.support.processes import children_of, environment_of, eventually, with_argument
from tests.support.project import Project
from tests.support.provider import Provider


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give docmill a home of its own, in which no server is configured."""
    directory = tmp_path / "home"
    monkeypatch.setenv("PREFECT_HOME", str(directory))
    monkeypatch.delenv("PREFECT_API_URL")
    return directory


def _watchdogs(home: Path) -> list[int]:
    return [pid for pid in with_argument(str(home)) if pid in with_argument("docmill.flows.server.watchdog")]


def _held(provider: Provider, project: Project, runs: int) -> None:
    """Let no answer go until so many runs wait for one."""
    provider.hold(runs)
    project.documents(a="text")


@pytest.mark.slow
def test_two_runs_share_one_server_and_the_last_ends_it(project: Project, provider: Provider, home: Path):
    _held(provider, project, 2)
    pipeline = str(project.pipeline(provider.url, "  - summarize:\n"))
    first = project.begin("run", pipeline, "--into", "sqlite:///one.db", "--refresh")
    second = project.begin("run", pipeline, "--into", "sqlite:///two.db", "--model", "n")
    printed = [run.communicate(timeout=300)[0] for run in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), printed
    ports = {re.search(r"http://127\.0\.0\.1:(\d+)/runs", text)[1] for text in printed}  # type: ignore[index]
    assert len(ports) == 1
    assert sum("starting docmill's Prefect server" in text for text in printed) == 1
    assert eventually(lambda: not _watchdogs(home))
    assert not (home / "server.json").exists()


@pytest.mark.slow
def test_the_run_page_works_while_the_run_lives_and_kill_9_leaves_nothing(
    project: Project, provider: Provider, home: Path
):
    provider.always("stall")
    project.documents(a="text")
    run = project.begin("run", str(project.pipeline(provider.url, "  - summarize:\n")))
    assert eventually(lambda: len(provider.requests) == 1, 300)
    api_url = json.loads((home / "server.json").read_text())["api_url"]
    [flow_run_id] = [row[0] for row in project.rows("select flow_run_id from docmill_runs")]
    state = httpx.get(f"{api_url}/flow_runs/{flow_run_id}").json()["state"]["type"]
    page = httpx.get(run_page(api_url, flow_run_id), headers={"accept": "text/html"})
    assert (state, page.status_code) == ("RUNNING", 200)
    assert "<html" in page.text
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert eventually(lambda: not with_argument(str(home)) and not _healthy(api_url))


def _healthy(api_url: str) -> bool:
    try:
        return httpx.get(f"{api_url}/health", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_server_and_its_watchdog_know_no_key_and_no_password(home: Path, monkeypatch: pytest.MonkeyPatch):
    secrets = {"DOCMILL_API_KEY": "sk-none", "PGPASSWORD": "pw", "DOCMILL_INTO": "postgresql://u:pw@h/d"}
    for name, value in {**secrets, "NO_PROXY": ""}.items():
        monkeypatch.setenv(name, value)
    launched = launch(print)
    try:
        assert eventually(lambda: len(_watchdogs(home)) == 1)
        [watchdog] = _watchdogs(home)
        assert eventually(lambda: children_of(watchdog))
        [server] = children_of(watchdog)
        assert eventually(lambda: b"prefect" in Path(f"/proc/{server}/cmdline").read_bytes())
        for pid in (watchdog, server):
            environment = environment_of(pid)
            assert environment["PREFECT_HOME"] == str(home)
            assert environment[DATABASE_URL] == f"sqlite+aiosqlite:///{home}/prefect.db?cached_statements=16"
            assert not secrets.keys() & environment.keys()
            assert not [name for name in environment if name.startswith("DOCMILL_")]
    finally:
        launched.release()
    assert eventually(lambda: not _watchdogs(home))


def test_a_configured_server_that_is_gone_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(ConfigError, match=r"http://127\.0\.0\.1:9/api cannot be reached"):
        launch(print)


def test_a_profiles_server_is_used(home: Path):
    home.mkdir()
    profiles = 'active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://prefect.example/api/"\n'
    (home / "profiles.toml").write_text(profiles)
    assert api_url() == "http://prefect.example/api"


@pytest.mark.parametrize(
    "name", ["PREFECT_API_DATABASE_CONNECTION_URL", DATABASE_URL, "PREFECT_SERVER_DATABASE_NAME"]
)
def test_a_configured_database_stays_the_servers(name: str, home: Path, monkeypatch: pytest.MonkeyPatch):
    assert database(home)
    monkeypatch.setenv(name, "other.db")
    assert not database(home)


def test_prefect_makes_an_engine_of_the_database_that_it_is_given(tmp_path: Path):
    """It is the file of before, and the driver takes the number of statements."""
    [url] = database(tmp_path).values()
    engine = create_async_engine(url)
    assert engine.url.database == f"{tmp_path}/prefect.db"
    assert engine.dialect.create_connect_args(engine.url)[1]["cached_statements"] == 16


def test_no_server_is_configured_by_default(home: Path):
    assert api_url() is None


SETTINGS = {name: value for name, value in VARIABLES.items() if name.startswith("PREFECT_")}


def test_prefect_takes_every_setting():
    """A misspelt one would be ignored without a word."""
    from prefect.settings import get_current_settings

    known = get_current_settings().to_environment_variables()
    for name, value in SETTINGS.items():
        assert known[name].lower() == os.environ[name].lower() == value.lower()


def test_a_worker_in_the_clone_reads_the_same_settings():
    def flat(prefix: str, table: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for key, value in table.items():
            name = f"{prefix}_{key.upper()}"
            yield from flat(name, value) if isinstance(value, dict) else [(name, str(value))]

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = dict(flat("PREFECT", project["tool"]["prefect"]))
    assert {name: value.lower() for name, value in declared.items()} == {
        name: value.lower() for name, value in SETTINGS.items()
    }


@pytest.mark.slow
async def test_a_server_that_went_away_at_the_end_of_a_run_is_not_waited_for(home: Path):
    home.mkdir(exist_ok=True)
    from prefect.settings import PREFECT_API_URL, temporary_settings

    gone = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: gone}):
        await Server(gone, own=True, directory=home).recorded("no run", 1)
