"""The results tables, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DataError

import docmill
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.outcome import STATUSES, Outcome, Run, StepOutcome
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks import marks, register
from docmill.tasks.sinks.database import engine_of, reason
from docmill.tasks.sinks.results import Results

PROPERTIES = {
    "name": {"type": "string"},
    "count": {"type": "integer"},
    "price": {"type": ["number", "null"]},
    "paid": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    "due": {"type": "string", "format": "date"},
    "lines": {"type": "array", "items": {"type": "string"}},
    "kind": {"enum": ["a", 1]},
}
RECORD = {
    "name": "Ä",
    "count": 3.0,
    "price": 1.5,
    "paid": True,
    "due": "2026-11-24",
    "lines": ["x"],
    "kind": 1,
}


def schema(name: str = "bill-s", /, **properties: Any) -> dict[str, ToolSchema]:
    parameters = {"type": "object", "properties": properties or PROPERTIES}
    return {name: ToolSchema(id=name, name="bill", description="Bill.", parameters=parameters)}


def outcome(document_id: str = "a.txt", status: str = "done", **values: Any) -> Outcome:
    whole = {"uri": f"file:///{document_id}", "content_sha256": "c1", "record": RECORD, **values}
    if status == "done":
        whole.setdefault("typed", {"bill-s": RECORD})
    return Outcome.model_validate({"document_id": document_id, "status": status, **whole})


def run(run_id: str = "r1", **values: Any) -> Run:
    fixed = {"pipeline": "p", "pipeline_sha256": "s1", "endpoint": "e", "model": "m"}
    return Run.model_validate({"run_id": run_id, "started_at": datetime.now(UTC), **fixed, **values})


@pytest.fixture
def results(database: str) -> Iterator[Results]:
    opened = Results.open(Into(url=database), "p", schema())
    yield opened
    opened.close()


def asked(database: str, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(database)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return rows


def test_what_was_not_read_is_stored_as_a_list_of_parts(results: Results, database: str):
    results.begin(run())
    parts = [{"part": "Anhang ä\u2028.pdf", "why": "why"}, {"part": "page 3", "why": "why"}]
    results.write([outcome("a", unread=parts), outcome("b", unread=()), outcome("c")], "r1", "s1")
    assert [row["unread"] for row in results.outcomes()] == [parts, [], None]
    assert asked(database, "select document_id from docmill_outcomes where unread is null") == [("c",)]
    with docmill.results(database) as stored:
        [found, *_] = stored.outcomes()
    assert [each.part for each in found.unread or ()] == ["Anhang ä\u2028.pdf", "page 3"]


def test_an_outcome_is_stored_with_its_typed_row(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    [row] = results.outcomes()
    assert (row["document_id"], row["status"], row["record"], row["run_id"]) == (
        "a.txt",
        "done",
        RECORD,
        "r1",
    )
    query = "select document_id, content_sha256, run_id, name, count, price, paid from p__bill_s"
    assert asked(database, query) == [("a.txt", "c1", "r1", "Ä", 3, 1.5, True)]


def test_typed_columns_have_the_types_of_the_contract(results: Results, database: str):
    engine = create_engine(database)
    types = {column["name"]: str(column["type"]) for column in inspect(engine).get_columns("p__bill_s")}
    engine.dispose()
    assert types.pop("price") in ("DOUBLE", "DOUBLE PRECISION")
    assert types == {
        "document_id": "TEXT",
        "content_sha256": "TEXT",
        "run_id": "TEXT",
        "name": "TEXT",
        "count": "BIGINT",
        "paid": "BOOLEAN",
        "due": "DATE",
        "lines": "JSON",
        "kind": "JSON",
    }


def test_what_is_absent_is_null(results: Results, database: str):
    results.write([outcome(typed={"bill-s": {"name": "x"}})], "r1", "s1")
    assert asked(database, "select name, count, due, lines from p__bill_s") == [("x", None, None, None)]


def test_a_date_is_a_date(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    [(due,)] = asked(database, "select due from p__bill_s")
    assert due in (date(2026, 11, 24), "2026-11-24")


@pytest.mark.parametrize("status", ["review", "deferred", "failed", "invalid", "refused"])
def test_the_last_good_record_is_kept(results: Results, database: str, status: str):
    results.write([outcome()], "r1", "s1")
    results.write([outcome(status=status)], "r2", "s1")
    assert asked(database, "select run_id from p__bill_s") == [("r1",)]
    assert [row["status"] for row in results.outcomes()] == [status]


def test_a_done_outcome_without_a_record_removes_the_last(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    results.write([outcome(typed={})], "r2", "s1")
    assert asked(database, "select count(*) from p__bill_s") == [(0,)]


def test_another_schema_removes_the_record_of_the_first(database: str):
    both = schema() | schema("other", name={"type": "string"})
    results = Results.open(Into(url=database), "p", both)
    results.write([outcome()], "r1", "s1")
    results.write([outcome(typed={"other": {"name": "y"}})], "r2", "s1")
    results.close()
    assert asked(database, "select count(*) from p__bill_s") == [(0,)]
    assert asked(database, "select name from p__other") == [("y",)]


def test_a_schema_that_the_pipeline_dropped_loses_its_record_too(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    later = Results.open(Into(url=database), "p", {})
    later.write([outcome(typed={})], "r2", "s2")
    later.close()
    assert asked(database, "select count(*) from p__bill_s") == [(0,)]


def test_unchanged_wants_both_hashes_and_a_good_status(results: Results):
    rows = [outcome("a"), outcome("b", "review"), outcome("c", "failed"), outcome("d", content_sha256="c2")]
    results.write(rows, "r1", "s1")
    hashes = dict.fromkeys("abcde", "c1")
    assert results.unchanged(hashes, "s1") == {"a", "b"}
    assert results.unchanged(hashes, "s2") == set()


def test_pipelines_do_not_see_each_other(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    other = Results.open(Into(url=database), "q", {})
    assert list(other.outcomes()) == []
    other.close()


def test_a_run_is_begun_and_ended(results: Results):
    results.begin(run())
    counts = {"done": 2, "failed": 1}
    results.end(run(state="incomplete", documents_in=3, counts=counts, calls=5, cost_usd=None))
    row = results.last_run()
    assert row is not None
    assert (row["state"], row["documents_in"], row["calls"], row["cost_usd"]) == ("incomplete", 3, 5, None)
    assert sum(row[status] for status in STATUSES) == 3


def test_steps_are_stored_without_their_errors(results: Results):
    step = StepOutcome(status="failed", sha256="x", error="what the server said")
    results.write([outcome(status="failed", steps={"extract": step})], "r1", "s1")
    [row] = results.outcomes(["failed"])
    assert set(row["steps"]["extract"]) == {
        "status",
        "output",
        "sha256",
        "schema_sha256",
        "attempts",
        "calls",
        "cached_calls",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "cost_usd",
        "cost_estimated",
        "seconds",
    }


def test_new_properties_become_columns_and_none_is_dropped(results: Results, database: str):
    results.write([outcome()], "r1", "s1")
    grown = Results.open(Into(url=database), "p", schema(name={"type": "string"}, fresh={"type": "integer"}))
    grown.write([outcome(typed={"bill-s": {"name": "n", "fresh": 7}})], "r2", "s2")
    grown.close()
    assert asked(database, "select name, fresh, count from p__bill_s") == [("n", 7, 3)]


def test_a_property_that_changed_its_type_is_refused(results: Results, database: str):
    with pytest.raises(ConfigError, match="the column name of p__bill_s is TEXT"):
        Results.open(Into(url=database), "p", schema(name={"type": "integer"}))


def test_a_table_that_docmill_did_not_create_is_not_touched(database: str):
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("create table p__bill_s (x integer)"))
    engine.dispose()
    with pytest.raises(ConfigError, match="was not created by docmill"):
        Results.open(Into(url=database), "p", schema())


def test_another_pipelines_table_is_refused(results: Results, database: str):
    with pytest.raises(ConfigError, match="is the pipeline p's"):
        Results.open(Into(url=database, table="p__bill_s"), "q", schema())


def test_the_one_table_and_its_key_can_be_named(database: str):
    results = Results.open(Into(url=database, table="bills", key="file"), "p", schema())
    results.write([outcome()], "r1", "s1")
    results.write([outcome()], "r2", "s1")
    results.close()
    assert asked(database, "select file, run_id, name from bills") == [("a.txt", "r2", "Ä")]


def test_writing_is_all_or_nothing(results: Results, database: str):
    bad = outcome("b.txt", typed={"bill-s": {**RECORD, "name": "\0"}, "nope": {}})
    with pytest.raises((StorageError, KeyError)):
        results.write([outcome(), bad], "r1", "s1")
    assert asked(database, "select count(*) from docmill_outcomes") == [(0,)]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database's URL"),
        ("mysql://x/y", "mysql is not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:////nowhere/at/all.db", "there is no folder '/nowhere/at' for all.db: make it first"),
        ("sqlite:///file:x.db?uri=true", "SQLite's option uri is not taken: name the file itself"),
        ("postgres://u:geheim@127.0.0.1:1/x", "write postgresql:// where it says postgres://"),
        ("postgresql://u:geheim@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_a_wrong_configuration(url: str, said: str):
    with pytest.raises(ConfigError, match=said) as caught:
        Results.open(Into.model_construct(url=url, table=None, key="document_id"), "p", {})
    assert "geheim" not in str(caught.value)


def test_what_a_run_has_begun_can_be_read_in_either_database(results: Results, database: str):
    results.begin(run())
    reading = Results.read(Into(url=database), "p")
    assert reading.last_run() is not None
    reading.close()


def test_a_database_on_a_server_is_listed_by_its_url_without_a_password():
    assert register.identity("postgresql+psycopg://u:geheim@h/d") == "postgresql+psycopg://u:***@h/d"


def test_reading_makes_no_database(tmp_path):
    with pytest.raises(ConfigError, match="holds no results"):
        Results.read(Into(url=f"sqlite:///{tmp_path}/none.db"), "p")
    assert marks.kept(Into(url=f"sqlite:///{tmp_path}/none.db"), "p", "s", "h") is None
    assert not (tmp_path / "none.db").exists()


def test_a_value_that_a_database_does_not_take_is_not_quoted(postgres: str):
    """What is said of it reaches Prefect's states."""
    engine = engine_of(postgres)
    with engine.connect() as connection, pytest.raises(DataError) as caught:
        connection.execute(text("SELECT CAST('the model said this' AS INTEGER)"))
    engine.dispose()
    assert "the model said this" in str(caught.value)
    assert reason(caught.value) == "InvalidTextRepresentation"


@pytest.mark.slow
def test_two_runs_that_write_the_same_new_documents_in_other_orders_wait_for_each_other(database: str):
    both = [Results.open(Into(url=database), "p", schema()) for _ in range(2)]
    begin = Barrier(2, timeout=30)

    def write(results: Results, *, backwards: bool) -> None:
        for batch in range(10):
            outcomes = [outcome(f"{batch}/{number:03}.txt") for number in range(200)]
            begin.wait()
            results.write(outcomes[::-1] if backwards else outcomes, f"r{backwards}", "s")

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, each, backwards=bool(at)) for at, each in enumerate(both)]
    for each in writing:
        each.result()
    assert len(both[0].document_ids()) == 2000
    for opened in both:
        opened.close()
