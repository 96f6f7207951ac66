"""Storage that fails: the run fails, names the cause, marks nothing done that is not durable, and goes on."""

import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
STEP = "  - summarize:\n"
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 64 KB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = shutil.which("mount")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)]
    if not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system, and only with mount")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def _thirty(project: Project, provider: Provider, **keys: str) -> str:
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(30)})
    return str(project.pipeline(provider.url, STEP, **keys))


def _durable(project: Project, cache: Path) -> None:
    """Assert that no more documents are marked done than replies are in the cache."""
    done = Counter(project.statuses().values())["done"]
    records = [each for each in cache.rglob("*") if each.is_file() and each.name != "locks"]
    assert done <= len([each for each in records if not each.name.startswith(".")])


def test_a_full_disk_under_the_cache_fails_the_run(
    project: Project, provider: Provider, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: Printed
):
    cache = small_disk / "cache"
    monkeypatch.setenv("DOCMILL_CACHE", str(cache))
    pipeline = _thirty(project, provider)
    assert project.run("run", pipeline) == 3
    assert "cannot be written: No space left on device" in capfd.readouterr().err
    assert project.rows("select state from docmill_runs") == [("failed",)]
    _durable(project, cache)
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": 30}


def test_a_full_disk_under_the_results_fails_the_run(
    project: Project, provider: Provider, small_disk: Path, capfd: Printed
):
    pipeline = _thirty(project, provider, into=f"sqlite:///{small_disk}/results.db")
    (small_disk / "filler").write_bytes(b"x" * 4096)
    assert project.run("run", pipeline) in (2, 3)
    assert "full" in capfd.readouterr().err
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    assert project.run("run", pipeline) == 0
    done = project.rows(
        "select count(*) from docmill_outcomes where status = 'done'", f"{small_disk}/results.db"
    )
    assert done == [(30,)]
    assert len(provider.requests) == 30


def test_a_cache_that_is_read_only_is_said_before_anything_is_sent(
    project: Project, provider: Provider, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: Printed
):
    monkeypatch.setenv("DOCMILL_CACHE", str(small_disk / "cache"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert project.run("run", _thirty(project, provider)) == 2
    assert "Read-only file system" in capfd.readouterr().err
    assert not provider.requests


def test_a_cache_that_takes_no_more_records_fails_the_run(
    project: Project, provider: Provider, cache: Path, capfd: Printed
):
    """A file system cannot be made read-only under open files, so something stands in the records' way."""

    def standing_in_the_way(request):
        if request.number == 9:
            (cache / "chat").rename(cache / "away")
            (cache / "chat").touch()

    provider.rule(standing_in_the_way)
    pipeline = _thirty(project, provider)
    assert project.run("run", pipeline) == 3
    assert f"the cache {cache} cannot be written" in capfd.readouterr().err
    (cache / "chat").unlink()
    (cache / "away").rename(cache / "chat")
    _durable(project, cache)
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": 30}


def test_results_that_are_read_only_are_said_before_anything_is_sent(
    project: Project, provider: Provider, small_disk: Path, capfd: Printed
):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert project.run("run", _thirty(project, provider, into=f"sqlite:///{small_disk}/results.db")) == 2
    assert "cannot be opened" in capfd.readouterr().err
    assert not provider.requests


def test_results_that_another_process_locks_fail_the_run(
    project: Project, provider: Provider, capfd: Printed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.tasks.sinks.database.BUSY_TIMEOUT_S", 1)
    locked: list[sqlite3.Connection] = []

    def locking(request):
        if request.number == 5:
            connection = sqlite3.connect(project.root / "results.db", check_same_thread=False, timeout=30)
            connection.isolation_level = None
            connection.execute("BEGIN EXCLUSIVE")
            locked.append(connection)

    provider.rule(locking)
    pipeline = _thirty(project, provider)
    assert project.run("run", pipeline) == 3
    assert "database is locked" in capfd.readouterr().err
    locked[0].rollback()
    locked[0].close()
    paid = len(provider.requests)
    assert project.run("run", pipeline) == 0
    assert Counter(project.statuses().values()) == {"done": 30}
    assert len(provider.requests) == 30, paid


def test_a_results_database_lost_in_the_middle_fails_the_run(
    project: Project, provider: Provider, postgres: str, capfd: Printed
):
    server = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE lost"))

    def losing(request):
        if request.number == 5:
            with server.connect() as connection:
                connection.execute(text("ALTER DATABASE lost ALLOW_CONNECTIONS false"))
                connection.execute(text(f"SELECT pg_terminate_backend(pid) {connections}"))

    connections = "FROM pg_stat_activity WHERE datname = 'lost'"
    provider.rule(losing)
    base, _, options = postgres.partition("?")
    pipeline = _thirty(project, provider, into=f"{base.rpartition('/')[0]}/lost?{options}")
    assert project.run("run", pipeline) == 3
    assert "the results database" in capfd.readouterr().err
    with server.connect() as connection:
        connection.execute(text("ALTER DATABASE lost ALLOW_CONNECTIONS true"))
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 30
    server.dispose()


def test_a_results_directory_that_vanishes_fails_the_run(
    project: Project, provider: Provider, capfd: Printed
):
    folder = project.root / "results"
    folder.mkdir()

    def removing(request):
        if request.number == 5:
            shutil.rmtree(folder)

    provider.rule(removing)
    pipeline = _thirty(project, provider, into="sqlite:///results/r.db")
    assert project.run("run", pipeline) == 3
    assert "the results database" in capfd.readouterr().err
    folder.mkdir()
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 30
    assert project.rows("select count(*) from docmill_outcomes", "results/r.db") == [(30,)]
