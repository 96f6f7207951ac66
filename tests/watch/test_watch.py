"""`docmill watch` in a process of its own, against the session's real Prefect server."""

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.deploying import QUICK
from tests.support.gate import Gate
from tests.support.outcomes import store
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider

SETTLED_S = 5.0  # a burst and its settling
ROWS = """\
name: rows
rows: {url: "sqlite:///rows.db", query: "select id, body from tickets", key: id, text: "{{ body }}"}
steps:
  - summarize:
"""
_numbers = itertools.count(1)


class Inbox:
    """A project with the pipeline NAME over in/*.txt, and what the server has of its events."""

    def __init__(self, project: Project, api: str, endpoint: str = "local") -> None:
        self.name = f"watched-{next(_numbers)}"
        self.project = project
        self.folder = project.root / "in"
        self.folder.mkdir()
        self._api = api
        self._watching: list[subprocess.Popen[str]] = []
        self.pipeline(endpoint)

    def pipeline(self, endpoint: str = "local", **keys: str) -> None:
        """Write the pipeline where an event's name finds it."""
        written = self.project.pipeline(endpoint, **{"name": self.name, **keys})
        file = self.project.root / "flows" / "pipelines" / f"{self.name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        written.rename(file)

    def watch(self, *options: str, api: str | None = None) -> "subprocess.Popen[str]":
        """Begin to watch, and wait until it does."""
        command = [sys.executable, "-m", "docmill", "watch", "in", "--pipeline", self.name, *options]
        environment = {**os.environ, "PREFECT_API_URL": api or self._api}
        with (self.project.root / "out.txt").open("a") as out:
            before = self.printed().count("announcing to")
            watching = subprocess.Popen(command, stdout=out, stderr=out, env=environment, text=True)
        self._watching.append(watching)
        assert eventually(lambda: self.printed().count("announcing to") > before or watching.poll()), "silent"
        assert watching.poll() is None, self.printed()
        return watching

    def printed(self) -> str:
        """Give what it has printed so far."""
        return (self.project.root / "out.txt").read_text()

    def put(self, **texts: str) -> None:
        """Drop files, whole."""
        for name, text in texts.items():
            (self.folder / f"{name}.txt").write_text(text)

    def counts(self) -> list[int]:
        """List how many documents each announcement that it has printed was of."""
        return [int(count) for count in re.findall(r"Z announced (\d+) document", self.printed())]

    def events(self) -> list[dict[str, Any]]:
        """List the events that the server has, oldest first."""
        query = {"filter": {"resource": {"id": [f"docmill.inbox.{self.name}"]}}, "limit": 50}
        found = httpx.post(f"{self._api}/events/filter", json=query, timeout=60).json()["events"]
        return sorted(found, key=lambda event: str(event["occurred"]))

    def announced(self) -> list[str]:
        """List the files that were announced, by name, as often as they were."""
        return sorted(
            uri.rpartition("/")[2].removesuffix(".txt")
            for event in self.events()
            for uri in event["payload"]["documents"]
        )

    def statuses(self) -> dict[str, str]:
        """Give each document's status; none before the first run."""
        return self.project.statuses() if self.project.runs() else {}

    def outcome(self, name: str, status: str, text: str | None, pipeline: str | None = None) -> None:
        """Store an outcome of a file with this text; None for one that could not be read."""
        digest = text and sha256(text.encode()).hexdigest()
        url = f"sqlite:///{self.project.root}/results.db"
        store(url, pipeline or self.name, (f"in/{name}.txt", status, digest))

    def end(self) -> None:
        """Kill what still watches."""
        for watching in self._watching:
            watching.kill()
            watching.wait()


@pytest.fixture
def inbox(project: Project, prefect_api: str) -> Iterator[Inbox]:
    """Give an empty inbox."""
    made = Inbox(project, prefect_api)
    yield made
    made.end()


def _eventually(condition: Callable[[], object], within_s: float = 60.0) -> bool:
    """Ask less often than `eventually`: each question is a query of the server's."""

    def asked() -> object:
        time.sleep(0.3)
        return condition()

    return eventually(asked, within_s)


def _stays(condition: Callable[[], object], for_s: float) -> bool:
    return not eventually(lambda: not condition(), for_s)


def _write_slowly(file: Path, pieces: int) -> None:
    with file.open("w") as growing:
        for piece in range(pieces):
            growing.write(f"{file.stem}, piece {piece}. ")
            growing.flush()
            time.sleep(1)


@pytest.mark.slow
def test_a_burst_is_one_event_and_each_complete_file_is_announced_once(inbox: Inbox):
    watching = inbox.watch()
    inbox.put(**{f"b{number:02}": f"text {number}" for number in range(30)})
    (inbox.folder / ".renamed.part").write_text("text")
    (inbox.folder / ".renamed.part").rename(inbox.folder / "renamed.txt")
    (inbox.folder / "ignored.md").write_text("text")
    (inbox.folder / ".hidden.txt").write_text("text")
    _write_slowly(inbox.folder / "slow.txt", 6)
    assert inbox.counts() == [31]
    assert eventually(lambda: inbox.counts() == [31, 1])
    inbox.put(b00="other text")
    assert eventually(lambda: inbox.counts() == [31, 1, 1])
    assert _stays(lambda: inbox.counts() == [31, 1, 1], SETTLED_S)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(60) == 0
    assert _eventually(lambda: len(inbox.events()) == 3)
    first, second, third = (event["payload"] for event in inbox.events())
    assert first["pipeline"] == inbox.name
    assert first["documents"][::30] == [
        (inbox.folder / f"{name}.txt").as_uri() for name in ("b00", "renamed")
    ]
    assert second["documents"] == [(inbox.folder / "slow.txt").as_uri()]
    assert third["documents"] == [(inbox.folder / "b00.txt").as_uri()]
    lines = inbox.printed().splitlines()
    assert lines[0] == f"watching {inbox.folder} for the pipeline {inbox.name}"
    announced = [line.split()[-1] for line in lines if "Z announced" in line]
    assert announced == [event["id"] for event in inbox.events()]
    assert lines[-1] == "ended: announced 33 documents in 3 events"
    assert "text" not in inbox.printed()
    assert not (inbox.project.root / "results.db").exists()


@pytest.mark.slow
def test_only_what_has_no_outcome_or_a_deferred_one_of_this_content_is_announced(inbox: Inbox):
    for status in ("done", "review", "invalid", "refused", "failed", "deferred"):
        inbox.put(**{status: status})
        inbox.outcome(status, status, status)
    inbox.put(new="new", changed="new text", others="text")
    inbox.outcome("changed", "done", "old text")
    inbox.outcome("others", "done", "text", pipeline="another")
    (inbox.folder / "unreadable.txt").symlink_to("gone")
    (inbox.folder / "failed-unread.txt").symlink_to("gone")
    inbox.outcome("failed-unread", "failed", None)
    inbox.watch()
    assert _eventually(inbox.announced)
    assert inbox.announced() == ["changed", "deferred", "new", "others", "unreadable"]
    assert inbox.counts() == [5]


@pytest.mark.slow
def test_it_announces_again_after_the_time_given_until_there_is_an_outcome(inbox: Inbox):
    inbox.watch("--again-after", "5")
    inbox.put(a="text", b="text")
    assert eventually(lambda: inbox.counts() == [2])
    inbox.outcome("a", "done", "text")
    assert eventually(lambda: inbox.counts() == [2, 1])
    inbox.outcome("b", "failed", "text")
    assert _stays(lambda: inbox.counts() == [2, 1], 8)
    assert _eventually(lambda: inbox.announced() == ["a", "b", "b"])
    first, second = (datetime.fromisoformat(event["occurred"]) for event in inbox.events())
    assert 5 <= (second - first).total_seconds() < 7


@pytest.mark.slow
def test_after_kill_9_it_announces_what_has_no_outcome(inbox: Inbox):
    watching = inbox.watch()
    inbox.put(a="text", b="text")
    assert eventually(lambda: inbox.counts() == [2])
    watching.kill()
    watching.wait()
    inbox.outcome("a", "done", "text")
    inbox.put(c="text")
    inbox.watch()
    assert eventually(lambda: inbox.counts() == [2, 2])
    assert _stays(lambda: inbox.counts() == [2, 2], SETTLED_S)
    assert _eventually(lambda: inbox.announced() == ["a", "b", "b", "c"])


@pytest.mark.slow
def test_what_arrives_while_the_server_is_away_is_announced_when_it_is_back(inbox: Inbox, prefect_api: str):
    with Gate(prefect_api).kept() as gate:
        inbox.watch(api=gate.url)
        inbox.put(a="text")
        assert eventually(lambda: inbox.counts() == [1])
        gate.shut()
        inbox.put(b="text")
        assert eventually(lambda: "cannot be used" in inbox.printed())
        inbox.put(c="text")
        time.sleep(SETTLED_S)
        gate.open()
        assert eventually(lambda: inbox.counts() == [1, 2])
    assert _eventually(lambda: inbox.announced() == ["a", "b", "c"])
    printed = inbox.printed()
    assert printed.count("cannot be used") == printed.count("can be used again") == 1
    assert "Traceback" not in printed


class _Page(BaseHTTPRequestHandler):
    """Answers whatever it is asked with a page, as the login of a gateway does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Who are you?</html>")

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *values: object) -> None:
        pass


@pytest.mark.slow
def test_a_page_is_not_taken_for_a_prefect_server(inbox: Inbox):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as gateway:
        threading.Thread(target=gateway.serve_forever).start()
        try:
            inbox.watch(api=f"http://127.0.0.1:{gateway.server_port}/api")
            inbox.put(a="text")
            assert eventually(lambda: "what answers is no Prefect server" in inbox.printed())
        finally:
            gateway.shutdown()
    assert not inbox.counts()
    assert "Traceback" not in inbox.printed()


@pytest.mark.slow
def test_while_the_results_cannot_be_read_nothing_is_announced(inbox: Inbox):
    results = inbox.project.root / "results.db"
    results.write_bytes(b"this is no database" * 100)
    inbox.watch()
    inbox.put(a="text", b="text")
    assert eventually(lambda: "the results database cannot be used" in inbox.printed())
    assert _stays(lambda: not inbox.counts(), 3)
    results.unlink()
    inbox.outcome("a", "done", "text")
    assert _eventually(lambda: inbox.announced() == ["b"])
    assert inbox.printed().count("can be used again") == 1
    assert "Traceback" not in inbox.printed()


@pytest.mark.slow
def test_a_directory_that_is_moved_in_brings_its_files(inbox: Inbox):
    inbox.pipeline(documents="in/**/*.txt")
    ready = inbox.project.root / "ready"
    (ready / "deep").mkdir(parents=True)
    (ready / "deep" / "a.txt").write_text("text")
    inbox.watch()
    ready.rename(inbox.folder / "ready")
    assert eventually(lambda: inbox.counts() == [1])


@pytest.mark.slow
def test_json_gives_one_object_a_line(inbox: Inbox):
    command = ["watch", "in", "--pipeline", inbox.name, "--json"]
    watching = inbox.project.begin(*command)
    inbox.put(a="text")
    assert _eventually(inbox.events)
    watching.terminate()
    printed = watching.communicate(timeout=60)[0]
    assert watching.returncode == 0
    objects = [json.loads(line) for line in printed.splitlines()]
    assert {each["kind"] for each in objects} == {"message", "announced", "ended"}
    [announced] = [each for each in objects if each["kind"] == "announced"]
    [event] = inbox.events()
    assert announced["documents"] == 1
    assert UUID(announced["event_id"]) == UUID(event["id"])
    assert (objects[-1]["kind"], objects[-1]["documents"], objects[-1]["events"]) == ("ended", 1, 1)
    assert all(datetime.fromisoformat(each["at"]).tzinfo for each in objects)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in", "--pipeline", "nobody"], "--pipeline: there is no pipeline 'nobody'"),
        (
            ["in", "--pipeline", "flows/pipelines/{name}.yaml"],
            "must be the name of a file in flows/pipelines",
        ),
        (["missing", "--pipeline", "{name}"], "there is no directory"),
        (["schemas", "--pipeline", "{name}"], "'in/*.txt' matches no file below"),
        (["in", "--pipeline", "rows"], "rows reads rows, and documents cannot arrive at it"),
    ],
)
def test_what_cannot_be_watched_is_a_wrong_configuration(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    (inbox.project.root / "flows" / "pipelines" / "rows.yaml").write_text(ROWS)
    assert inbox.project.run("watch", *(word.format(name=inbox.name) for word in arguments)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_configured_server_that_is_gone_at_the_start_is_a_wrong_configuration(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert inbox.project.run("watch", "in", "--pipeline", inbox.name) == 2
    assert "http://127.0.0.1:9/api cannot be reached" in capsys.readouterr().err


class Team:
    """A Prefect server of its own that can be stopped, with the deployment `arrived` and a worker."""

    def __init__(self, root: Path, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.api = f"http://127.0.0.1:{self._port}/api"
        mine = {**QUICK, "PREFECT_HOME": str(home), "PREFECT_API_URL": self.api, "PWD": str(root)}
        self._environment = {**os.environ, **mine}
        self._log = home / "log.txt"
        self._began: list[subprocess.Popen[bytes]] = []
        home.mkdir()
        shutil.copy(Path(__file__).parents[2] / "prefect.yaml", root)

    def start(self) -> None:
        """Start the server, and wait for it."""
        self._server = self._begin("server", "start", "--host", "127.0.0.1", "--port", str(self._port))
        assert eventually(self._healthy, 180), self._log.read_text()[-2000:]

    def stop(self) -> None:
        """Stop the server."""
        self._server.terminate()
        self._server.wait(90)

    def deploy(self) -> None:
        """Make the deployment, and begin a worker for it."""
        for command in (
            ["work-pool", "create", "docmill", "--type", "process"],
            ["deploy", "--name", "arrived"],
        ):
            self._begin("--no-prompt", *command).wait(180)
        self._begin("worker", "start", "--pool", "docmill")

    def end(self) -> None:
        """End all that was begun, with what that has begun."""
        for process in reversed(self._began):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._began.append(process)
        return process

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.api}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
def team(project: Project, tmp_path: Path) -> Iterator[Team]:
    """Give a server with the deployment and a worker."""
    made = Team(project.root, tmp_path / "home")
    try:
        made.start()
        made.deploy()
        yield made
    finally:
        made.end()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_happens_meanwhile_each_file_is_processed_exactly_once(
    project: Project, provider: Provider, team: Team
):
    """Shown by 3."""
    inbox = Inbox(project, team.api, provider.url)
    try:
        watching = inbox.watch("--again-after", "45")
        slow = [
            threading.Thread(target=_write_slowly, args=(inbox.folder / f"slow{number}.txt", 8 * number))
            for number in range(1, 5)
        ]
        for thread in slow:
            thread.start()
        inbox.put(**{f"first{number:02}": f"first {number}" for number in range(20)})
        assert eventually(lambda: inbox.counts() == [20])
        watching.kill()
        watching.wait()
        inbox.put(**{f"second{number:02}": f"second {number}" for number in range(10)})
        inbox.watch("--again-after", "45")
        assert eventually(lambda: len(inbox.counts()) == 2)
        team.stop()
        inbox.put(**{f"third{number:02}": f"third {number}" for number in range(15)})
        (inbox.folder / ".renamed").write_text("renamed")
        (inbox.folder / ".renamed").rename(inbox.folder / "renamed.txt")
        time.sleep(10)
        team.start()
        for thread in slow:
            thread.join()
        assert eventually(lambda: list(inbox.statuses().values()) == ["done"] * 50, 300), (
            inbox.statuses(),
            inbox.printed(),
        )
        assert "cannot be used" in inbox.printed()
        assert len(provider.requests) == len(set(provider.bodies())) == 50 * 3
        assert len(inbox.statuses()) == 50
    finally:
        inbox.end()
