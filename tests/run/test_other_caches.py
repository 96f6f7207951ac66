"""Whether a run lives is known to its own cache alone: that of another is left alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from docmill.flows.observe.observer import Observer
from docmill.flows.run.liveness import identity
from docmill.flows.run.recovery import recover
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into
from docmill.tasks.chat import database_sql as sql
from docmill.tasks.chat.database_cache import DatabaseCache
from docmill.tasks.chat.kept import Cache, DirectoryCache
from docmill.tasks.sinks.alive import SILENT, keep_alive, keep_so_far
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.tables import ALIVE
from tests.support.databases import fresh

pytestmark = pytest.mark.usefixtures("prefect_api")
RUN = Run(
    run_id="r", pipeline="p", pipeline_sha256="s", endpoint="e", model="m", started_at=datetime.now(UTC)
)


class Told(Observer):
    """Keeps what must be read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.lines.append(message)


def begun(database: str, cache: Cache) -> Results:
    results = Results.open(Into(url=database), "p", {})
    keep_alive(results, "r", identity(cache))
    results.begin(RUN)
    return results


def state(results: Results) -> str:
    row = results.run("r")
    assert row is not None
    return str(row["state"])


async def test_a_run_of_another_cache_is_left_alone_and_told(database: str, tmp_path: Path):
    results, told = begun(database, DirectoryCache(tmp_path / "one")), Told()
    await recover(results, "p", DirectoryCache(tmp_path / "two"), told)
    assert state(results) == "running"
    assert told.lines == [
        "the run r of p is under way with another cache: what both ask is paid for twice. "
        "Set DOCMILL_CACHE alike"
    ]


async def test_a_dead_run_of_the_same_cache_has_failed(database: str, tmp_path: Path):
    results = begun(database, DirectoryCache(tmp_path / "one"))
    await recover(results, "p", DirectoryCache(tmp_path / "one"), Observer())
    assert state(results) == "failed"


async def test_one_of_another_cache_that_no_longer_writes_that_it_lives_has_failed(
    database: str, tmp_path: Path
):
    results = begun(database, DirectoryCache(tmp_path / "one"))
    with results._writing() as connection:
        connection.execute(update(ALIVE).values(seen_at=datetime.now(UTC) - 2 * SILENT))
    keep_so_far(results, RUN)
    await recover(results, "p", DirectoryCache(tmp_path / "two"), Observer())
    assert state(results) == "running"
    with results._writing() as connection:
        connection.execute(update(ALIVE).values(seen_at=datetime.now(UTC) - SILENT - timedelta(seconds=9)))
    await recover(results, "p", DirectoryCache(tmp_path / "two"), Observer())
    assert state(results) == "failed"


async def test_what_an_earlier_version_began_is_asked_of_the_own_cache(database: str, tmp_path: Path):
    results = Results.open(Into(url=database), "p", {})
    results.begin(RUN)
    await recover(results, "p", DirectoryCache(tmp_path / "one"), Observer())
    assert state(results) == "failed"


async def test_a_run_that_is_taken_up_again_is_of_the_cache_of_its_new_process(database: str, tmp_path: Path):
    results = begun(database, DirectoryCache(tmp_path / "one"))
    keep_alive(results, "r", identity(DirectoryCache(tmp_path / "two")))
    await recover(results, "p", DirectoryCache(tmp_path / "two"), Observer())
    assert state(results) == "failed"


def test_what_is_kept_of_ended_runs_is_forgotten(database: str, tmp_path: Path):
    results = begun(database, DirectoryCache(tmp_path))
    results.fail("r")
    keep_alive(results, "another", "c")
    assert [row[0] for row in results._rows(ALIVE.select())] == ["another"]


def test_a_user_of_the_cache_alone_may_ask_for_its_identity(postgres: str):
    with psycopg.connect(fresh(postgres).replace("+psycopg", "")) as connection:
        connection.execute("CREATE ROLE plain")
        connection.execute("SET ROLE plain")
        assert len(connection.execute(sql.IDENTITY).fetchall()) == 1
        connection.rollback()


def test_a_cache_has_one_identity(tmp_path: Path, postgres: str):
    url, other = (fresh(postgres).replace("+psycopg", "") for _ in range(2))
    caches = [DirectoryCache(tmp_path / "one"), DirectoryCache(tmp_path / "two")]
    caches += [DatabaseCache(url), DatabaseCache(other)]  # type: ignore[list-item]
    assert len({identity(each) for each in caches}) == 4
    assert [identity(each) for each in caches] == [identity(each) for each in caches]
    assert identity(DatabaseCache(url)) == identity(DatabaseCache(url))
