"""docs/tables.md and samples/dbt: the model runs on a DuckDB file, where the data tests find what is wrong.

dbt itself is not installed: it takes other versions than those in the lock. What its generic tests ask is
asked here in its stead.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jinja2 import Environment, StrictUndefined
from ruamel.yaml import YAML

from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.tasks.checks import toolschema
from docmill.tasks.sinks.results import Results
from tests.support.repository import ROOT

PROJECT = ROOT / "samples" / "dbt"
PAGE = (ROOT / "docs" / "tables.md").read_text()
SECTION = PAGE.partition("## Out: dbt")[2].partition("\n## ")[0]
[LINES] = re.findall(r'^```json\n("lines": .*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
GOOD = [{"article": "Bolt", "amount": 3, "price": 0.25}, {"article": "Nut", "amount": 4, "price": 0.1}]
# What dbt's generic tests select: rows that there must not be.
ASKED = {
    "not_null": "select 1 from {table} where {column} is null",
    "unique": "select 1 from {table} where {column} is not null group by {column} having count(*) > 1",
    "accepted_values": "select 1 from {table} where {column} not in ({values})",
    "relationships": (
        "select 1 from {table} as child left join {to} as parent on child.{column} = parent.{field} "
        "where child.{column} is not null and parent.{field} is null"
    ),
}


def block(language: str) -> str:
    """Give the section's one block of code in a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    return str(found)


[SOURCE] = YAML(typ="safe").load(block("yml"))["sources"]


def sql(text: str) -> str:
    """Write what dbt makes of a text: each source by its schema and name."""
    declared = {table["name"] for table in SOURCE["tables"]}

    def source(name: str, table: str) -> str:
        assert (name, table in declared) == (SOURCE["name"], True)
        return f'"{SOURCE["schema"]}"."{table}"'

    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text).render(source=source)


def data_tests() -> Iterator[tuple[str, str]]:
    """Give each data test's name, and its query."""
    for table in SOURCE["tables"]:
        for column in table.get("columns", ()):
            for test in column["data_tests"]:
                [(kind, given)] = test.items() if isinstance(test, dict) else [(test, {})]
                arguments = dict(given.get("arguments", {}))
                if "to" in arguments:
                    arguments["to"] = sql(f"{{{{ {arguments['to']} }}}}")
                if "values" in arguments:
                    arguments["values"] = ", ".join(f"'{value}'" for value in arguments["values"])
                named = sql(f"{{{{ source('{SOURCE['name']}', '{table['name']}') }}}}")
                yield (
                    f"{kind} of {table['name']}",
                    ASKED[kind].format(table=named, column=column["name"], **arguments),
                )


def failing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Name the data tests that find a row."""
    return [name for name, query in data_tests() if connection.execute(query).fetchall()]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the results of a run of `invoices`, of which one document is done and one failed."""
    lines = YAML(typ="safe").load(f"{{{LINES}}}")
    parameters = {"type": "object", "properties": {"supplier": {"type": "string"}, **lines}}
    tool = toolschema.made(
        {"name": "invoice", "description": "A bill.", "parameters": parameters}, "invoice", "invoice.json"
    )
    file = tmp_path / "results.duckdb"
    results = Results.open(Into(url=f"duckdb:///{file}"), "invoices", {"invoice": tool})
    fixed: Any = {"pipeline_sha256": "s", "endpoint": "e", "model": "m", "started_at": datetime.now(UTC)}
    run = Run(run_id="r1", pipeline="invoices", **fixed)
    record = {"supplier": "Acme", "lines": GOOD}
    done = Outcome(
        document_id="a", uri="u", content_sha256="c", status="done", record=record, typed={"invoice": record}
    )
    results.begin(run)
    results.write([done, Outcome(document_id="b", uri="u", content_sha256="c", status="failed")], "r1", "s")
    results.end(run.model_copy(update={"ended_at": datetime.now(UTC), "state": "complete"}))
    results.close()
    with duckdb.connect(str(file)) as opened:
        yield opened


@pytest.mark.parametrize(("language", "name"), [("yml", "docmill.yml"), ("sql", "lines.sql")])
def test_the_page_shows_what_the_sample_project_has(language: str, name: str):
    assert block(language) == (PROJECT / "models" / name).read_text()


def test_the_sample_project_opens_the_results_by_its_own_profile():
    project, profiles = (
        YAML(typ="safe").load(PROJECT / name) for name in ("dbt_project.yml", "profiles.yml")
    )
    output = profiles[project["profile"]]["outputs"][profiles[project["profile"]]["target"]]
    path = (
        Environment(autoescape=False).from_string(output["path"]).render(env_var=lambda _, default: default)
    )
    assert (output["type"], (PROJECT / path).resolve()) == ("duckdb", ROOT / "results.duckdb")


def test_the_model_gives_a_row_a_line(connection: duckdb.DuckDBPyConnection):
    connection.execute(f"create view lines as {sql(block('sql'))}")
    rows = connection.execute("select * exclude updated_at from lines order by position").fetchall()
    assert rows == [("Acme", 0, "Bolt", 3), ("Acme", 1, "Nut", 4)]


def test_the_data_tests_pass(connection: duckdb.DuckDBPyConnection):
    assert len(list(data_tests())) == 5
    assert failing(connection) == []


WRONG = {
    "insert into docmill_outcomes by name (select * replace ('x' as document_id, 'lost' as status) "
    "from docmill_outcomes where document_id = 'b')": "accepted_values of docmill_outcomes",
    "delete from invoices__invoice": "relationships of invoices__invoice__lines",
}


@pytest.mark.parametrize(("change", "found"), WRONG.items())
def test_the_data_tests_find_what_is_wrong(connection: duckdb.DuckDBPyConnection, change: str, found: str):
    connection.execute(change)
    assert failing(connection) == [found]


def test_freshness_is_that_of_the_last_complete_run(connection: duckdb.DuckDBPyConnection):
    [table] = [each for each in SOURCE["tables"] if "loaded_at_field" in each]
    query = (
        f"select max({table['loaded_at_field']}) from {table['name']} where {table['freshness']['filter']}"
    )
    [(at,)] = connection.execute(query).fetchall()
    assert datetime.now(UTC) - at < timedelta(hours=1)
    connection.execute("update docmill_runs set state = 'failed'")
    assert connection.execute(query).fetchall() == [(None,)]
