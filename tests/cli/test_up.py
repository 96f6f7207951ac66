"""`docmill up`: server, deployments and worker in one command, and nothing of it left after Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.deploying import CLONE, Site
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider

UP = (sys.executable, "-m", "docmill", "up")


def test_without_prefect_yaml_it_says_where_to_type_it(project: Project, capfd: pytest.CaptureFixture[str]):
    assert project.run("up") == 2
    assert "`docmill init` makes one" in capfd.readouterr().err
    assert project.run("up", "--file", "other.yaml") == 2
    assert "there is no other.yaml" in capfd.readouterr().err
    assert project.run("up", "--port", "0") == 2


def test_a_port_and_a_configured_server_are_a_wrong_configuration(
    project: Project, capfd: pytest.CaptureFixture[str]
):
    Path("prefect.yaml").write_text("deployments: []\n")
    assert project.run("up", "--port", "4200") == 2
    assert "--port: PREFECT_API_URL names a server" in capfd.readouterr().err


@pytest.fixture
def laptop(tmp_path: Path, provider: Provider) -> Site:
    """Give a site on which nothing runs and no server is configured."""
    site = Site(tmp_path, provider)
    site.environment.pop("PREFECT_API_URL")
    return site


def _belonging_to(home: Path) -> list[int]:
    """List the processes whose docmill's home this is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in told:
            found.append(int(folder.name))
    return found


def _run(site: Site, pipeline: str) -> str:
    """Run `docmill run` to its end; gives what it printed."""
    return _docmill(site, "run", pipeline)


def _docmill(site: Site, *words: str) -> str:
    command = [sys.executable, "-m", "docmill", *words]
    done = subprocess.run(command, cwd=site.root, env=site.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _up(site: Site, number: int, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Keep `docmill up`, in a process group of its own as a terminal does; sets the site's API."""
    log = site.home / f"up-{number}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*UP, *options],
            cwd=site.root,
            env=site.environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert eventually(lambda: "open http" in log.read_text() or process.poll() is not None, 300)
        address = re.search(r"open (http://127\.0\.0\.1:\d+)/deployments", log.read_text())
        assert address, log.read_text()
        site.api = f"{address[1]}/api"
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(120)


def _workers(site: Site) -> list[str]:
    return [each["status"] for each in site.asked("/work_pools/docmill/workers/filter")]


def _stopped(site: Site, process: "subprocess.Popen[bytes]") -> int:
    """Press Ctrl-C; gives the exit code when all of it is gone, which it is in time."""
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait(60)
    assert eventually(lambda: not _belonging_to(site.home), 60 - (time.monotonic() - began))
    return code


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_day_on_a_laptop(laptop: Site):
    for name in ("early", "late", "beside", "slow"):
        laptop.pipeline(name, "a", "b")
    _run(laptop, "early")
    assert eventually(lambda: not _belonging_to(laptop.home))

    with _up(laptop, 1) as process:
        page = httpx.get(laptop.api.removesuffix("/api") + "/deployments", headers={"accept": "text/html"})
        assert (page.status_code, "<html" in page.text) == (200, True)
        names = {each["name"] for each in laptop.asked("/deployments/filter")}
        assert names == {"nightly", "tickets", "arrived", "shard"}
        assert eventually(lambda: _workers(laptop) == ["ONLINE"])
        laptop.emit("docmill.inbox.late", {"pipeline": "late", "documents": ["late/a.txt"]})
        assert eventually(lambda: laptop.statuses("late") == {"late/a.txt": "done"}, 300)

        assert laptop.api.removesuffix("/api") in _run(laptop, "beside")

        laptop.provider.always("stall")
        started = laptop.start("nightly", pipeline="slow").json()["id"]
        assert eventually(lambda: laptop.provider.in_flight == 2, 300)
        assert _stopped(laptop, process) == 0
        assert laptop.rows("slow", "select state, deferred from docmill_runs") == [("stopped", 2)]
    address = laptop.api
    assert "Traceback" not in (laptop.home / "up-1.log").read_text()

    with _up(laptop, 2) as process:
        assert laptop.api == address
        assert {name for name in ("early", "late", "beside", "slow") if laptop.runs_of(name)} == {
            "early",
            "late",
            "beside",
            "slow",
        }
        assert laptop.ended(started)[0] == "Stopped"
        assert _stopped(laptop, process) == 0


def _lines_of_the_readme() -> list[list[str]]:
    """Give the commands by which the README has one run done by many workers."""
    passage = (CLONE / "README.md").read_text().partition("Who has a million documents")[2]
    told = re.findall(r"`((?:docmill|prefect) .+?)`|^(docmill .+?) +#", passage.partition("[docs/")[0], re.M)
    return [(inline or line).split() for inline, line in told]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_readmes_lines_have_one_run_done_by_two_workers(laptop: Site):
    up, worker, run = _lines_of_the_readme()
    assert up == ["docmill", "up"]
    declared = laptop.pipeline("mailroom", *map(str, range(20)))
    (laptop.root / run[2]).write_text(declared.read_text())
    with _up(laptop, 1) as process:
        [api] = re.findall(r"export PREFECT_API_URL=(\S+)", (laptop.home / "up-1.log").read_text())
        laptop.environment["PREFECT_API_URL"] = api
        with laptop.begun(*worker[1:]):
            assert eventually(lambda: _workers(laptop) == ["ONLINE"] * 2)
            assert "20 done" in _docmill(laptop, *run[1:])
        states = laptop.rows("mailroom", "select state from docmill__shards")
        assert states == [("complete",)] * int(run[-1])
        del laptop.environment["PREFECT_API_URL"]
        assert _stopped(laptop, process) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_file_and_a_port_of_ones_own_beside_a_kept_server(laptop: Site):
    """The server that a run has left is joined, and ended with the rest."""
    laptop.environment["DOCMILL_SERVER_GRACE_S"] = "120"
    laptop.pipeline("early", "a")
    assert "stays for 2 minutes" in _run(laptop, "early")
    assert _belonging_to(laptop.home)
    port = (laptop.home / "server.port").read_text()
    (laptop.root / "prefect.yaml").rename(laptop.root / "ours.yaml")
    with _up(laptop, 1, "--file", "ours.yaml", "--port", port) as process:
        said = (laptop.home / "up-1.log").read_text()
        assert f"in another terminal: export PREFECT_API_URL=http://127.0.0.1:{port}/api" in said
        assert "switched off: nightly, tickets; to switch one on write `active: true`" in said
        names = {each["name"] for each in laptop.asked("/deployments/filter")}
        assert names == {"nightly", "tickets", "arrived", "shard"}
        assert _stopped(laptop, process) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_second_ctrl_c_ends_runs_at_once(laptop: Site):
    laptop.pipeline("slow", "a")
    laptop.provider.always("stall")
    with _up(laptop, 1) as process:
        laptop.start("nightly", pipeline="slow")
        assert eventually(lambda: laptop.provider.in_flight == 1, 300)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(1)
        assert _stopped(laptop, process) == 0
        assert time.monotonic() - began < 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_events_that_wait_at_ctrl_c_are_taken_up_by_the_next(laptop: Site):
    """One of them is Pending then: the worker took it up as soon as the run before it was stopped."""
    names = ("first", "second", "third")
    for name in names:
        laptop.pipeline(name, "a")
    laptop.provider.rule(lambda request: "stall" if "in first" in request.text else None)
    with _up(laptop, 1) as process:
        for name in names:
            laptop.emit(f"docmill.inbox.{name}", {"pipeline": name, "documents": [f"{name}/a.txt"]})
            assert eventually(lambda: laptop.provider.in_flight == 1, 300)
        assert _stopped(laptop, process) == 0
    with _up(laptop, 2) as process:
        for name in names[1:]:
            assert eventually(lambda name=name: laptop.statuses(name), 300), name  # type: ignore[misc]
        assert _stopped(laptop, process) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_event_starts_its_flow_also_where_the_server_keeps_none(laptop: Site):
    """As a night of very many documents may want it: the feed of events is empty then, and nothing else."""
    laptop.environment["PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED"] = "false"
    laptop.pipeline("inbox", "a")
    with _up(laptop, 1) as process:
        laptop.emit("docmill.inbox.now", {"pipeline": "inbox", "documents": ["inbox/a.txt"]})
        assert eventually(lambda: laptop.statuses("inbox"), 300)
        ended = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        assert eventually(lambda: laptop.post("/task_runs/count", ended).json() == 1)
        assert laptop.post("/events/filter", {"filter": {"order": "ASC"}}).json()["total"] == 0
        assert _stopped(laptop, process) == 0
