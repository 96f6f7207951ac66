"""Rows of a DuckDB file through a pipeline, as users run it."""

from pathlib import Path

import duckdb
import pytest

from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
ROWS = '{url: "duckdb:///t.duckdb", query: "select * from tickets", key: id, text: "{{ body }}"}'


def over(project: Project, provider: Provider, **keys: str) -> str:
    """Write a pipeline over the rows."""
    file = project.pipeline(provider.url, "  - extract: {schema: thing}\n", rows=ROWS, **keys)
    file.write_text(file.read_text().replace("documents: in/*.txt\n", ""))
    return str(file)


def tell(*statements: str) -> None:
    with duckdb.connect("t.duckdb") as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.slow
def test_rows_of_a_duckdb_file_are_enriched_and_its_new_ones_alone_are_paid(
    project: Project, provider: Provider
):
    tell("create table tickets as select * from (values (1, 'a'), (2, 'b')) t(id, body)")
    enriched = '{url: "sqlite:///results.db", table: enriched, key: ticket}'
    pipeline = over(project, provider, into=enriched)
    assert project.run("run", pipeline) == 0
    tell("insert into tickets values (3, 'c')", "update tickets set body = 'B' where id = 2")
    assert project.run("run", pipeline) == 0
    assert project.rows("select ticket, name from enriched order by 1") == [(n, "Example") for n in (1, 2, 3)]
    assert len(provider.requests) == 4


def test_a_duckdb_file_that_is_read_takes_no_results_at_the_same_time(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    tell("create table tickets as select 1 as id, 'a' as body")
    before = Path("t.duckdb").read_bytes()
    assert project.run("run", over(project, provider, into="duckdb:///t.duckdb")) == 2
    assert "rows.url and into name the same DuckDB file" in " ".join("".join(capfd.readouterr()).split())
    assert (provider.requests, Path("t.duckdb").read_bytes()) == ([], before)
