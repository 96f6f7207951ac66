"""x-table: the items of an array as rows of a table of their own, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from docmill.flows.pipeline.file import load
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import toolschema
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.decisions import ReviewedResults
from tests.support.project import Project
from tests.support.tickets import asked

LINE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "article": {"type": "string"},
        "amount": {"type": "integer"},
        "on": {"type": ["string", "null"], "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
LINES = {"type": "array", "x-table": True, "items": LINE}
NOTES = {"type": ["array", "null"], "x-table": True, "items": {"type": "string"}}
TWO = [{"article": "a", "amount": 2, "on": "2026-01-02", "tags": ["x"]}, {"article": "b", "amount": 3.0}]


BEGUN = Run(
    run_id="r1",
    pipeline="p",
    pipeline_sha256="s",
    endpoint="e",
    model="m",
    started_at=datetime(2026, 1, 2, tzinfo=UTC),
)


def tool(**properties: Any) -> ToolSchema:
    parameters = {"type": "object", "properties": properties}
    return toolschema.made(
        {"name": "bill", "description": "Bill.", "parameters": parameters}, "bill", "bill.json"
    )


def outcome(document: str = "d1", status: Any = "done", content: str = "c1", **record: Any) -> Outcome:
    own = {"typed": {"bill": record}} if status == "done" else {}
    return Outcome(document_id=document, uri="u", content_sha256=content, status=status, record=record, **own)


def opened(database: str, schema: ToolSchema, **into: Any) -> ReviewedResults:
    return ReviewedResults.open(Into(url=database, **into), "p", {"bill": schema})


@pytest.fixture
def results(database: str) -> Iterator[ReviewedResults]:
    found = opened(database, tool(name={"type": "string"}, lines=LINES, notes=NOTES))
    yield found
    found.close()


def lines(database: str, table: str = "p__bill__lines") -> list[tuple[Any, ...]]:
    return asked(database, f"select document_id, position, article, amount from {table} order by 1, 2")


def test_each_item_is_a_row_beside_the_records_own(results: ReviewedResults, database: str):
    results.write([outcome(lines=TWO, notes=["n0", "n1"]), outcome("d2", lines=[], notes=None)], "r1", "s")
    assert lines(database) == [("d1", 0, "a", 2), ("d1", 1, "b", 3)]
    found = asked(database, 'select "on", tags from p__bill__lines order by position')
    assert [str(on) for on, _ in found] == ["2026-01-02", "None"]
    assert found[1][1] is None
    assert asked(database, "select document_id, position, value from p__bill__notes order by 2") == [
        ("d1", 0, "n0"),
        ("d1", 1, "n1"),
    ]
    assert len(asked(database, "select lines from p__bill")) == 2  # as JSON there still


def test_columns_have_the_types_of_the_items_properties(results: ReviewedResults, database: str):
    there = inspect(engine_of(database)).get_columns("p__bill__lines")
    columns = {each["name"]: str(each["type"]) for each in there}
    assert list(columns) == ["document_id", "position", "article", "amount", "on", "tags"]
    assert list(columns.values()) == ["TEXT", "BIGINT", "TEXT", "BIGINT", "DATE", "JSON"]


def test_the_rows_of_a_document_are_replaced_as_a_whole(results: ReviewedResults, database: str):
    results.write([outcome(lines=TWO), outcome("d2", lines=TWO)], "r1", "s")
    results.write([outcome(lines=[{"article": "c", "amount": 1}])], "r2", "s")
    assert lines(database) == [("d1", 0, "c", 1), ("d2", 0, "a", 2), ("d2", 1, "b", 3)]
    results.write([outcome(status="failed")], "r3", "s")
    assert len(lines(database)) == 3  # as the record's own row, they stand
    results.write([Outcome(document_id="d1", uri="u", content_sha256="c1", status="done")], "r4", "s")
    assert [row[0] for row in lines(database)] == ["d2", "d2"]


def test_a_document_that_is_rejected_loses_them(results: ReviewedResults, database: str):
    results.write([outcome(lines=TWO), outcome("d2", lines=TWO)], "r1", "s")
    with results.deciding() as deciding:
        deciding.empty("d1", "another content")
    assert len(lines(database)) == 4
    with results.deciding() as deciding:
        deciding.empty("d1", "c1")
    assert [row[0] for row in lines(database)] == ["d2", "d2"]


def test_items_that_fail_leave_no_row_of_their_document(results: ReviewedResults, database: str):
    results.write([outcome(lines=TWO)], "r1", "s")
    with pytest.raises(ValueError, match="Invalid isoformat"):
        results.write([outcome(lines=[{"article": "z", "on": "no day"}])], "r2", "s")
    assert lines(database) == [("d1", 0, "a", 2), ("d1", 1, "b", 3)]
    assert asked(database, "select run_id from p__bill") == [("r1",)]


def test_a_table_that_is_named_has_tables_of_items_too(database: str):
    first = opened(database, tool(lines=LINES))
    first.begin(BEGUN)
    first.write([outcome(lines=TWO)], "r1", "s")
    first.close()
    second = opened(database, tool(lines=LINES), table="bills")
    second.begin(BEGUN.model_copy(update={"run_id": "r2"}))
    second.close()
    assert lines(database, "bills__lines") == [("d1", 0, "a", 2), ("d1", 1, "b", 3)]


def test_a_property_that_comes_later_is_a_column(results: ReviewedResults, database: str):
    results.write([outcome(lines=TWO)], "r1", "s")
    more = {**LINE, "properties": {**LINE["properties"], "price": {"type": "number"}}}
    later = opened(database, tool(name={"type": "string"}, lines={**LINES, "items": more}))
    later.write([outcome("d2", lines=[{"article": "c", "price": 1.5}])], "r2", "s")
    later.close()
    assert asked(database, "select price from p__bill__lines order by document_id, position") == [
        (None,),
        (None,),
        (1.5,),
    ]


def test_a_table_of_somebody_elses_is_refused(database: str):
    from tests.support.tickets import tell

    tell(database, "create table p__bill__lines (document_id text)")
    with pytest.raises(ConfigError, match="the table p__bill__lines was not created by docmill"):
        opened(database, tool(lines=LINES))


def test_the_model_is_not_told():
    found = tool(lines=LINES)
    assert "x-table" not in str(found.parameters)
    assert found.marked["properties"]["lines"]["x-table"] is True


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no truth value": (
        {"lines": {**LINES, "x-table": "yes"}},
        "/lines: x-table must be true or false",
    ),
    "no array": (
        {"name": {"type": "string", "x-table": True}},
        "/name: x-table may stand at an array",
    ),
    "no items": ({"lines": {"type": "array", "x-table": True}}, "x-table may stand at an array"),
    "further down": (
        {"a": {"type": "object", "properties": {"lines": LINES}}},
        "/a/properties/lines: x-table may stand at an array that is a property of the record",
    ),
    "within another": (
        {"lines": {**LINES, "items": {"type": "object", "properties": {"lines": LINES}}}},
        "x-table may stand at an array that is a property of the record",
    ),
    "a column of its own": (
        {"lines": {**LINES, "items": {"type": "object", "properties": {"Position": {"type": "string"}}}}},
        "lines: 'Position' is the name of a column that every table of items has",
    ),
    "a long name": ({"l" * 60: LINES}, "has more than 63 bytes: shorten"),
}


@pytest.mark.parametrize(("properties", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_table_is_said_with_the_pipeline(
    project: Project, properties: dict[str, Any], said: str
):
    parameters = {"type": "object", "properties": properties}
    project.schema("bill", {"name": "b", "description": "B.", "parameters": parameters})
    with pytest.raises(ConfigError) as caught:
        load(project.pipeline("local", "  - extract: {schema: bill}\n"))
    assert said in str(caught.value)


def test_an_export_names_a_table_of_items(project: Project, tmp_path: Path):
    parameters = {"type": "object", "properties": {"lines": LINES}}
    project.schema("bill", {"name": "b", "description": "B.", "parameters": parameters})
    project.pipeline("local", "  - extract: {schema: bill}\n")
    results = opened("sqlite:///results.db", tool(lines=LINES))
    results.begin(BEGUN)
    results.write([outcome(lines=TWO)], "r1", "s")
    results.close()
    out = project.root / "lines.csv"
    assert project.run("export", "p.yaml", "--to", "csv", "--table", "bill__lines", "--output", str(out)) == 0
    assert out.read_text().splitlines()[1] == f'"d1","0","a","2","{date(2026, 1, 2)}","[""x""]"'
