"""Rows of a DuckDB file: streamed, read only, and by a query that reaches nothing else."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.rows import Rows
from tests.support.tickets import read

VALUES = "1 as id, 'ä' as body, 1.50::decimal(9, 2) as price, timestamptz '2031-01-02 03:04:05+02' as at_"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of the test's own, with a file of one row."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "America/New_York")
    with duckdb.connect("t.duckdb") as connection:
        connection.execute(f"create table tickets as select {VALUES}")


def rows_of(query: str = "select * from tickets", url: str = "duckdb:///t.duckdb", **keys: Any) -> Rows:
    return Rows(Declared(url=url, query=query, key="id", text="{{ body }} {{ price }} {{ at_ }}", **keys))


def test_the_rows_of_a_file_are_documents_by_their_values():
    [row] = read(rows_of())
    assert (row.document_id, row.text) == ("1", "ä 1.50 2031-01-02 01:04:05+00:00")
    assert row.uri == "duckdb:///t.duckdb#1"


def test_many_rows_are_given_in_their_order():
    rows = read(rows_of("select range as id, 'x' as body, 1 as price, 2 as at_ from range(10000)"))
    assert [row.document_id for row in rows] == [str(number) for number in range(10_000)]


@pytest.mark.parametrize(
    "query",
    [
        "insert into tickets by name select 2 as id returning *",
        "copy tickets to 'out.csv'",
        "attach 'other.duckdb'",
        "select * from read_text('/etc/passwd')",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_a_query_writes_nothing_and_opens_no_other_file(query: str):
    with pytest.raises(ConfigError, match=r"rows\.query: "), rows_of(query).opened():
        pass
    assert [path.name for path in Path().iterdir()] == ["t.duckdb"]


def test_a_file_is_named_alone():
    with (
        pytest.raises(ConfigError, match="without options"),
        rows_of(url="duckdb:///t.duckdb?access_mode=read_write").opened(),
    ):
        pass
