"""docmill's own Prefect server stays for a while after the last run, and `docmill down` ends it."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from docmill.flows.server.launch import launch
from docmill.flows.server.own import end, free_port
from docmill.flows.server.settings import DEFAULTS, VARIABLES, left_at_default
from docmill.schemas.errors import ConfigError
from tests.support.deploying import Site
from tests.support.prefect_database import provide
from tests.support.processes import eventually, with_argument
from tests.support.project import Project
from tests.support.provider import Provider

STEP = "  - summarize:\n"
STAYS = "docmill's Prefect server stays for"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give docmill a home of its own, in which no server is configured, and leave no server in it."""
    directory = tmp_path / "home"
    provide(directory)
    monkeypatch.setenv("PREFECT_HOME", str(directory))
    monkeypatch.delenv("PREFECT_API_URL")
    yield directory
    with suppress(ConfigError):
        end(directory)


def _ran(project: Project, pipeline: Path) -> str:
    run = project.begin("run", str(pipeline))
    printed = run.communicate(timeout=300)[0]
    assert run.returncode == 0, printed
    return printed


@pytest.mark.slow
def test_a_second_run_joins_the_server_of_the_first_and_down_ends_it(
    project: Project,
    provider: Provider,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("DOCMILL_SERVER_GRACE_S", "120")
    project.documents(a="text")
    pipeline = project.pipeline(provider.url, STEP)
    first = _ran(project, pipeline)
    assert "starting docmill's Prefect server" in first
    assert first.splitlines()[-1] == f"{STAYS} 2 minutes; `docmill down` ends it"
    address = json.loads((home / "server.json").read_text())["api_url"]
    second = _ran(project, pipeline)
    assert "starting docmill's" not in second
    assert address.removesuffix("/api") in second

    provider.always("stall")
    project.documents(b="another text")
    third = project.begin("run", str(pipeline))
    assert eventually(lambda: len(provider.requests) == 2, 300)
    assert project.run("down") == 2
    assert "docmill's Prefect server is in use" in capfd.readouterr().err
    third.send_signal(signal.SIGINT)
    time.sleep(1)
    third.send_signal(signal.SIGINT)
    third.communicate(timeout=180)

    assert project.run("down") == 0
    assert not with_argument(str(home))
    assert not (home / "server.json").exists()
    assert project.run("down") == 0
    said = capfd.readouterr().out
    assert "server has ended" in said
    assert "server does not run" in said


@pytest.mark.slow
def test_it_ends_after_the_grace_also_where_its_user_was_killed(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_SERVER_GRACE_S", "4")
    child = os.fork()
    if not child:  # a user that lets nothing go by itself
        launch(lambda _: None).wait()
        signal.pause()
    assert eventually(lambda: (home / "server.json").exists())
    url = json.loads((home / "server.json").read_text())["api_url"]
    launched = launch(print)
    launched.wait()
    assert launched.api_url == url
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert launched.release() == f"{STAYS} 4 seconds; `docmill down` ends it"
    let_go = time.monotonic()
    assert eventually(lambda: not with_argument(str(home)))
    assert time.monotonic() - let_go > 3


@pytest.mark.slow
def test_who_lets_go_of_a_server_that_others_use_has_nothing_to_tell(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], project: Project
):
    monkeypatch.setenv("DOCMILL_SERVER_GRACE_S", "60")
    first = launch(print)
    port = int(first.api_url.removesuffix("/api").rpartition(":")[2])
    monkeypatch.delenv("PREFECT_API_URL")
    with pytest.raises(ConfigError, match=r"^--port: docmill's Prefect server listens at .* `docmill down`"):
        launch(print, port=free_port())
    second = launch(print, port=port)
    assert second.release() == ""
    assert first.release().startswith(f"{STAYS} 1 minute;")
    assert project.run("down") == 0


def test_a_grace_that_is_no_number_is_a_wrong_configuration(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_SERVER_GRACE_S", "5m")
    with pytest.raises(ConfigError, match=r"^DOCMILL_SERVER_GRACE_S: must be a number of seconds"):
        launch(print)


def test_a_port_beside_a_configured_server_is_a_wrong_configuration():
    with pytest.raises(ConfigError, match=r"^--port: PREFECT_API_URL names a server"):
        launch(print, port=4200)


def test_a_port_that_is_taken_is_a_wrong_configuration(home: Path, provider: Provider):
    taken = int(provider.url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(ConfigError, match=f"^--port: {taken} cannot be listened on"):
        launch(print, port=taken)


def test_prefects_own_settings_are_told_from_docmills(project: Project, monkeypatch: pytest.MonkeyPatch):
    from prefect.settings import Settings

    assert left_at_default(Settings().model_dump(mode="json")) == []
    for name in VARIABLES:
        monkeypatch.delenv(name)
    bare = Settings().model_dump(mode="json")
    assert len(left_at_default(bare)) == len(DEFAULTS)
    assert set(left_at_default(bare)) <= VARIABLES.keys()
    assert left_at_default(None) == []


@pytest.mark.slow
def test_a_server_without_docmills_settings_is_joined_with_one_line(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    site = Site(tmp_path, provider)
    for name in VARIABLES:
        site.environment.pop(name, None)
    site.environment["PREFECT_SERVER_API_AUTH_STRING"] = "team:secret"
    said: list[str] = []
    with site.served():
        monkeypatch.setenv("PREFECT_API_URL", site.api)
        launch(print, warn=said.append)
        assert said == []  # it does not say without the credential
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "team:secret")
        launch(print, warn=said.append)
    [line] = said
    assert "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE" in line
    assert "docs/operations.md" in line


def test_a_server_with_docmills_settings_is_joined_without_a_word(prefect_api: str):
    said: list[str] = []
    launch(said.append, warn=said.append)
    assert said == []
