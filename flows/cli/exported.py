"""What `docmill export` writes: a pipeline's outcomes, their changes, or one of its typed tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.types import TypeEngine

from docmill.flows.cli.results import fields
from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.ends import into_of
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.tables import typed_schemas
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.item_tables import arrays, column_faults, columns_of, item_tables
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.subschemas import Schema
from docmill.tasks.checks.toolschema import FIXED_COLUMNS, MAX_NAME_BYTES
from docmill.tasks.sinks import items, typed
from docmill.tasks.sinks.changes import BEGAN, ENDED, changes_since
from docmill.tasks.sinks.formats.export import Export
from docmill.tasks.sinks.looking import runs_named
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.tables import OUTCOMES
from docmill.tasks.sinks.typed_reading import items_apart, stored_table

COLUMNS = ("document_id", "status", "label", "summary")
Kinds = dict[str, TypeEngine[Any]]
MOMENTS: Kinds = {BEGAN: DateTime(timezone=True), ENDED: DateTime(timezone=True)}


@dataclass(frozen=True)
class Asked:
    """What is to be exported; `whole`: outcomes with all their columns, else with a column a field."""

    table: str | None
    changes_since: str | None
    statuses: tuple[str, ...]
    whole: bool


def chosen(declared: CheckedPipeline, results: Results, into: str | None, asked: Asked) -> Export:
    """Give what is asked for; raises ConfigError for a table, run or pair of options that there is not."""
    if asked.table is not None:
        if asked.changes_since or asked.statuses:
            raise ConfigError("--table: it holds what is done alone: leave --status and --changes-since out")
        return _table(declared, results, into, asked.table)
    if asked.changes_since is None:
        rows: Iterable[Mapping[str, Any]] = results.outcomes(asked.statuses)
        moments: Kinds = {}
    else:
        rows, moments = changes_since(results, _run(results, asked.changes_since)), MOMENTS
        if asked.statuses:
            rows = (row for row in rows if row["status"] in asked.statuses)
    if asked.whole:
        return Export({**_kinds(results), **moments}, rows)
    own = [*moments, *COLUMNS]
    heads = _heads(fields(declared), own)
    return Export(dict.fromkeys([*own, *heads], Text()), _flat(rows, own, heads))


def _kinds(results: Results) -> Kinds:
    """Give the columns of docmill_outcomes that the database has."""
    return {column.name: column.type for column in results._columns.get(OUTCOMES, list(OUTCOMES.columns))}


def _heads(names: Sequence[str], own: Sequence[str]) -> dict[str, str]:
    """Give each field of a record its column: one that is named as a column of ours is `record.<name>`."""
    heads: dict[str, str] = {}
    for name in names:
        head = name
        while head in own or (head != name and head in names):
            head = f"record.{head}"
        heads[head] = name
    return heads


def _flat(
    rows: Iterable[Mapping[str, Any]], own: Sequence[str], heads: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        record: Mapping[str, Any] = row["record"] or {}
        yield {
            **{name: row.get(name) for name in own},
            **{head: record.get(name) for head, name in heads.items()},
        }


def _table(declared: CheckedPipeline, results: Results, into: str | None, name: str) -> Export:
    tools = [declared.tools[each] for _, _, each in typed_schemas(declared.pipeline)]
    sink = into_of(declared.pipeline, RunOptions(into=into))
    tables = {tool.id: typed.table_name(declared.pipeline.name, sink, tool) for tool in tools}
    for tool in tools:
        tables |= {
            items.table_name(tool.id, each): items.table_name(tables[tool.id], each)
            for each in item_tables(tool)
        }
    for tool in tools:
        for field, items_ in arrays(tool).items():
            if name not in tables and name == items.table_name(tool.id, field):
                return _apart(results, tables[tool.id], field, items_)
    if name not in tables:
        raise ConfigError(f"--table: the pipeline has no extract schema {name!r}{meant(name, tables)}")
    return stored_table(results, tables[name])


def _apart(results: Results, parent: str, field: str, schema: Schema) -> Export:
    if wrong := column_faults(schema, FIXED_COLUMNS[0], MAX_NAME_BYTES):
        raise ConfigError(f"--table: the items of {field!r} cannot be a table: {wrong[0]}")
    return items_apart(results, parent, field, columns_of(schema))


def _run(results: Results, run_id: str) -> Mapping[str, Any]:
    found = runs_named(results, run_id)
    if len(found) != 1:
        said = "several runs begin with" if found else "there is no run"
        raise ConfigError(f"--changes-since: {said} {run_id!r} in {results.url}")
    return found[0]
