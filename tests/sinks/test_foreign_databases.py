"""Results in a PostgreSQL database that others have set up: of another encoding, or another isolation."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from docmill.schemas.budget import NANO, Budget
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from tests.support.databases import fresh
from tests.support.processes import eventually

OUTCOME = Outcome(
    document_id="café.txt", uri="u", content_sha256="c", status="done", summary="模型", record={"模": "型"}
)


def test_a_database_without_an_encoding_keeps_every_text(postgres: str):
    results = Results.open(Into(url=fresh(postgres, "SQL_ASCII")), "p", {})
    results.write([OUTCOME], "r", "h")
    [row] = results.outcomes()
    assert (row["document_id"], row["summary"], row["record"]) == ("café.txt", "模型", {"模": "型"})
    assert results.unchanged({"café.txt": "c"}, "h") == {"café.txt"}
    results.close()


def test_a_database_whose_encoding_lacks_a_character_says_so(postgres: str):
    results = Results.open(Into(url=fresh(postgres, "LATIN1")), "p", {})
    with pytest.raises(StorageError, match=r"its encoding lacks a character of a text: .*UTF8"):
        results.write([OUTCOME], "r", "h")
    results.write([OUTCOME.model_copy(update={"summary": "é", "record": None})], "r", "h")
    [row] = results.outcomes()
    assert row["summary"] == "é"
    results.close()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_budget_holds_in_a_database_of_another_isolation(postgres: str, isolation: str):
    """What another run reserves while this one waits for its turn is seen."""
    url = fresh(postgres)
    results, day = Results.open(Into(url=url), "p", {}), date(2026, 11, 27)
    results.close()
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        setting = f"default_transaction_isolation = '{isolation}'"
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting}".encode())
    results = Results.open(Into(url=url), "p", {})
    with psycopg.connect(plain) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('docmill p', 0))")
        waits = thread.submit(results.spending.move, "r", Budget(day_usd=Decimal(1)), day, [NANO], [])
        wait_for_a_lock(plain)
        other.execute("INSERT INTO docmill__spending VALUES ('s', %s, 'p', %s, 0)", (day, NANO))
        other.commit()
        assert waits.result().granted == 0
    results.close()


def test_times_and_costs_are_read_as_they_were_written_whatever_the_database_is_set_to(postgres: str):
    url = fresh(postgres)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for setting in ("datestyle = 'German'", "extra_float_digits = -10"):
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting}".encode())
    results = Results.open(Into(url=url), "p", {})
    results.write([OUTCOME.model_copy(update={"cost_usd": 0.123456789})], "r", "h")
    [row] = results.outcomes()
    assert row["cost_usd"] == 0.123456789
    assert row["updated_at"].tzinfo is not None
    results.close()


def test_a_pooler_that_forgets_prepared_statements_is_named(postgres: str):
    """One in transaction mode gives each transaction another session."""
    results = Results.open(Into(url=fresh(postgres)), "p", {})
    for _ in range(8):
        results.write([OUTCOME], "r", "h")
    with results._engine.begin() as connection:  # as a pooler does, without the driver's knowing
        connection.exec_driver_sql("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    with pytest.raises(StorageError, match="a pooler in transaction mode"):
        results.write([OUTCOME], "r", "h")
    results.close()


def wait_for_a_lock(url: str) -> None:
    """Wait until somebody waits for a lock in the database."""
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(url, autocommit=True) as connection:
        assert eventually(lambda: bool(connection.execute(waiting).fetchall()))
