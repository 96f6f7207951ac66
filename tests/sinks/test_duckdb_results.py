"""Results in a DuckDB file: the same tables, one process at a time, and nothing rounded."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, MetaData, Table, Text, event, select
from sqlalchemy.types import TypeEngine

import docmill
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import toolschema
from docmill.tasks.sinks.column_types import Exact, is_held
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.duckdb_rows import insert_rows
from docmill.tasks.sinks.formats.export import Export, as_json
from docmill.tasks.sinks.formats.parquet import write_parquet
from docmill.tasks.sinks.typed_reading import stored_table
from tests.sinks.test_results import run
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

PROPERTIES = {
    "name": {"type": "string"},
    "count": {"type": "integer"},
    "price": {"type": "number"},
    "total": {"type": "number", "multipleOf": 0.01},
    "paid": {"type": "boolean"},
    "due": {"type": "string", "format": "date"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "lines": {
        "type": "array",
        "x-table": True,
        "items": {"type": "object", "properties": {"n": {"type": "integer"}, "by": {"type": "string"}}},
    },
}
RECORD = {
    "name": "Ä",
    "count": 2**62,
    "price": 685315.0000264645,
    "total": 0.1,
    "paid": True,
    "due": "2026-11-24",
    "tags": ["x"],
    "lines": [{"n": 1, "by": "a"}, {"n": 2}],
}


def tool(**more: Any) -> ToolSchema:
    parameters = {"type": "object", "properties": {**PROPERTIES, **more}}
    declared = {"name": "bill", "description": "Bill.", "parameters": parameters}
    return toolschema.made(declared, "bill", "bill.json")


def outcome(document: str = "d1", status: Any = "done", **values: Any) -> Outcome:
    record = {**RECORD, **values}
    own = {"typed": {"bill": record}} if status == "done" else {}
    return Outcome(document_id=document, uri="u", content_sha256="c", status=status, record=record, **own)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path}/results.duckdb"


@pytest.fixture
def results(url: str) -> Iterator[ReviewedResults]:
    opened = ReviewedResults.open(Into(url=url), "p", {"bill": tool()})
    opened.begin(run())
    yield opened
    opened.close()


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(url.removeprefix("duckdb:///")) as connection:
        return connection.execute(query).fetchall()


def test_outcomes_and_typed_rows_are_read_as_they_were_written(results: ReviewedResults, url: str):
    results.write([outcome(), outcome("d2", "failed")], "r1", "s")
    results.write([outcome()], "r1", "s")
    with docmill.results(url) as stored:
        first, second = stored.outcomes(pipeline="p")
        assert (first.record, second.status) == (RECORD, "failed")
        assert first.updated_at.tzinfo is not None
        [row] = stored.rows("p", "bill")
        assert str(row["due"]) == RECORD["due"]
        assert {name: row[name] for name in ("count", "price", "paid", "tags")} == {
            name: RECORD[name] for name in ("count", "price", "paid", "tags")
        }
        items = [(each["position"], each["n"], each["by"]) for each in stored.rows("p", "bill__lines")]
        assert items == [(0, 1, "a"), (1, 2, None)]
    results.close()
    kinds = dict(
        asked(url, "select column_name, data_type from duckdb_columns() where table_name = 'p__bill'")
    )
    assert [kinds[name] for name in PROPERTIES] == [
        "VARCHAR",
        "BIGINT",
        "DOUBLE",
        "DECIMAL(38,9)",
        "BOOLEAN",
        "DATE",
        "JSON",
        "JSON",
    ]


def test_values_of_every_kind_come_back_as_they_were_given(results: ReviewedResults, url: str):
    odd: dict[str, Any] = {
        "tags": [10**30, 1e22, "\0", [], None],
        "name": 'q"\\ \u2028 \x07 ü 😀\n',
        "count": -(2**63),
    }
    results.write([outcome(price=5e-324, **odd), outcome("d2", price=1.7976931348623157e308)], "r1", "s")
    with docmill.results(url) as stored:
        first, second = stored.rows("p", "bill")
    assert {name: first[name] for name in odd} == odd
    assert (first["price"], second["price"]) == (5e-324, 1.7976931348623157e308)


@pytest.mark.slow
@pytest.mark.parametrize("value", ["x", '"x"', "1", "null", 1, {"a": "b"}])
def test_a_property_without_a_type_comes_back_as_what_it_was(url: str, value: Any):
    results = ReviewedResults.open(Into(url=url), "p", {"bill": tool(any={})})
    results.begin(run())
    results.write([outcome(any=value)], "r1", "s")
    results.close()
    with docmill.results(url) as stored:
        [row] = stored.rows("p", "bill")
        assert row["any"] == value


KEYS: dict[str, tuple[TypeEngine[Any], Any]] = {
    "a time without a zone": (DateTime(), datetime(2026, 1, 2, 3, 4, 5, 678901)),
    "a time": (DateTime(timezone=True), datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
    "a day": (Date(), date(2026, 1, 2)),
    "a truth": (Boolean(), False),
    "a number": (BigInteger(), 2**62),
}


@pytest.mark.parametrize(("kind", "key"), KEYS.values(), ids=KEYS)
def test_rows_of_any_key_are_put_in_the_place_of_others(tmp_path: Path, kind: TypeEngine[Any], key: Any):
    engine = engine_of(f"duckdb:///{tmp_path}/keys.duckdb")
    columns = (
        Column("the id", kind, key="c0", primary_key=True, autoincrement=False),
        Column("v", Text(), key="c1"),
    )
    table = Table('my "keys"', MetaData(), *columns, quote=True)
    with engine.begin() as connection:
        table.create(connection)
        for values in (("a",), ("b", "c")):  # of two rows with one key the last one stands
            insert_rows(connection, table, [{"c0": key, "c1": each} for each in values], replacing=True)
        assert [tuple(row) for row in connection.execute(select(table))] == [(key, "c")]
    engine.dispose()


def test_many_outcomes_take_no_more_statements_than_few(results: ReviewedResults):
    said: list[str] = []
    event.listen(results._engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    counts = []
    for name in ("A", "B"):  # new ones, and those whose earlier forms are kept
        for many in (range(2), range(2, 50)):
            said.clear()
            results.write([outcome(f"d{each}", name=name) for each in many], "r1", "s")
            counts.append(len(said))
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


def test_what_changes_has_its_history_and_decisions_are_numbered(results: ReviewedResults):
    results.write([outcome()], "r1", "s")
    results.write([outcome(name="B")], "r1", "s")
    with results.deciding() as deciding:
        deciding.change("d1", {"status": "review"})
    before, after, now = results.history.forms("d1")
    assert [each["record"]["name"] for each in (before, after, now)] == ["Ä", "B", "B"]
    assert [each["status"] for each in (before, after, now)] == ["done", "done", "review"]


HELD = {
    "0.1": True,
    "0": True,
    "1E+28": True,
    "-99999999999999999999999999999.999999999": True,
    "0.1234567890000": True,
    "1E+29": False,
    "1E+400": False,
    "0.0000000001": False,
    "NaN": False,
    "sNaN": False,
    "Infinity": False,
    "-Infinity": False,
}


@pytest.mark.parametrize(("number", "held"), HELD.items(), ids=HELD)
def test_a_number_is_held_where_no_digit_of_it_is_lost(tmp_path: Path, number: str, held: bool):
    value = Decimal(number)
    assert is_held(value) == held
    file = tmp_path / "x.parquet"
    export = Export({"n": Exact()}, [{"n": value}])
    if not held:
        with pytest.raises(ConfigError, match="n has a number that its decimals do not hold"):
            write_parquet(export, file)
        return
    write_parquet(export, file)
    with duckdb.connect() as connection:
        assert connection.execute(f"select n from '{file}'").fetchall() == [(value,)]


def test_a_large_decimal_is_stored(results: ReviewedResults, url: str):
    results.write([outcome(total=1e20)], "r1", "s")
    results.close()
    assert asked(url, "select total from p__bill") == [(Decimal(10**20),)]


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_json_has_no_number_that_is_not_finite(number: str):
    assert json.dumps(Decimal(number), default=as_json) == f'"{number}"'


def test_a_number_that_would_be_rounded_is_refused(url: str):
    fine = tool(exact={"type": "number", "multipleOf": 1e-12})
    results = ReviewedResults.open(Into(url=url), "p", {"bill": fine})
    with pytest.raises(StorageError):
        results.write([outcome(exact=1e-12)], "r1", "s")
    assert list(results.outcomes()) == []
    results.close()


UNHELD: dict[str, tuple[dict[str, Any], str | None]] = {
    "all are held": ({"total": 1e28}, None),
    "a large one": ({"total": 1e29}, "total: the number does not fit into p__bill, "),
    "an item's": (
        {"parts": [{"sum": 1}, {"sum": 1e300}]},
        "sum: the number does not fit into p__bill__parts, ",
    ),
}
PARTS = {
    "type": "array",
    "x-table": True,
    "items": {"type": "object", "properties": {"sum": {"type": "number", "multipleOf": 0.01}}},
}


@pytest.mark.parametrize(("values", "said"), UNHELD.values(), ids=UNHELD)
def test_a_number_that_no_column_holds_is_known_before_it_is_written(
    url: str, values: dict[str, Any], said: str | None
):
    results = ReviewedResults.open(Into(url=url), "p", {"bill": tool(parts=PARTS)})
    found = results.unheld(outcome(**values))
    assert found == said if said is None else str(found).startswith(said)
    with results.deciding() as deciding:
        if said is None:
            deciding.fill(outcome(**values), "r1")
        else:
            with pytest.raises(ConfigError, match=said):
                deciding.fill(outcome(**values), "r1")
    results.close()


@pytest.mark.usefixtures("prefect_api")
def test_a_number_that_no_column_holds_fails_its_document_alone(project: Project, provider: Provider):
    sum_ = {"type": "object", "properties": {"sum": {"type": "number", "multipleOf": 0.01}}}
    project.schema("sum", {"name": "sum", "description": "Sum.", "parameters": {**sum_, "x-evidence": False}})
    project.documents(small="small", large="large")
    provider.rule(lambda request: saying(f'{{"sum": {"1e300" if "large" in request.text else "1.5"}}}'))
    keys = {"into": "duckdb:///results.duckdb"}
    pipeline = project.pipeline(provider.url, "  - extract: {schema: sum}\n", **keys)
    assert project.run("run", str(pipeline)) == 1
    stored = asked(keys["into"], "select document_id, status, error from docmill_outcomes order by 1")
    assert [each[:2] for each in stored] == [("in/large.txt", "failed"), ("in/small.txt", "done")]
    assert stored[0][2].startswith("sum: the number does not fit into p__sum, ")
    assert asked(keys["into"], "select document_id from p__sum") == [("in/small.txt",)]


def test_a_property_that_comes_later_is_a_column(results: ReviewedResults, url: str):
    results.write([outcome()], "r1", "s")
    results.close()
    later = ReviewedResults.open(Into(url=url), "p", {"bill": tool(more={"type": "number"})})
    later.write([outcome("d2", more=1.5)], "r2", "s")
    rows = list(stored_table(later, "p__bill").rows)
    later.close()
    assert [row["more"] for row in rows] == [None, 1.5]


OTHER = """
import sys
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
try:
    Results.read(Into(url=sys.argv[1]), "p")
except ConfigError as error:
    print(error)
"""


def test_a_second_process_is_told_to_wait(results: ReviewedResults, url: str):
    command = [sys.executable, "-c", OTHER, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "another process has the DuckDB file open, and it takes one at a time" in said
    results.close()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


WRONG = {
    "in memory": ("duckdb://", "in memory is lost"),
    "options": ("duckdb:///x.duckdb?access_mode=read_only", "named alone"),
    "another service": ("duckdb:///md:db", "named alone"),
}


@pytest.mark.parametrize(("url", "said"), WRONG.values(), ids=WRONG)
def test_a_database_that_is_no_file_is_refused(url: str, said: str):
    with pytest.raises(ConfigError, match=said):
        ReviewedResults.open(Into(url=url), "p", {})


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_run_writes_into_it(project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]):
    project.documents(a="one", b="two", empty="")
    endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1, output: 1}}}}"
    keys = {"into": "duckdb:///results.duckdb", "budget": "{run_usd: 5}"}
    pipeline = project.pipeline(endpoint, "  - extract: {schema: thing}\n", **keys)
    assert project.run("run", str(pipeline)) == 1
    assert project.run("run", str(pipeline)) == 1
    query = "select document_id, status from docmill_outcomes order by 1"
    assert asked("duckdb:///results.duckdb", query) == [
        ("in/a.txt", "done"),
        ("in/b.txt", "done"),
        ("in/empty.txt", "failed"),
    ]
    assert asked(
        "duckdb:///results.duckdb", "select state, unchanged from docmill_runs order by started_at"
    ) == [
        ("incomplete", 0),
        ("incomplete", 2),
    ]
    for command in (["report"], ["runs"], ["export", "--to", "jsonl"]):
        assert project.run(command[0], str(pipeline), *command[1:]) == 0
