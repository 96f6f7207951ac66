"""The tables that a pipeline's records fill: their names must be free, short enough, and one step's alone."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from docmill.flows.pipeline.graph import steps
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.checks.declared import Place
from docmill.tasks.checks.toolschema import FIXED_COLUMNS, MAX_NAME_BYTES, path_of

Faults = Iterator[tuple[Place, str]]

OWN_TABLES = ("docmill_runs", "docmill_outcomes", "docmill_evaluations", "docmill_decisions")
OWN_PREFIX = "docmill__"


def with_tables(pipeline: Pipeline) -> frozenset[str]:
    """Name the steps whose records have a table: all of `extract`, and others whose schema is theirs alone.

    Where `into` names the one table, the others have none beside an extract step.
    """
    every = steps(pipeline)
    typed = {step_id for step_id, (_, acts, _) in every.items() if acts.typed}
    if pipeline.sink().table and typed:
        return frozenset(typed)
    made = {
        step_id: {table_of(pipeline, path_of(name).stem).casefold() for _, name in acts.schemas(options)}
        for step_id, (_, acts, options) in every.items()
    }
    owners = Counter(name for names in made.values() for name in names)
    alone = {step_id for step_id, names in made.items() if names and all(owners[name] == 1 for name in names)}
    return frozenset(typed | alone)


def table_of(pipeline: Pipeline, stem: str) -> str:
    """Name the typed table of a schema, where `into` names none."""
    return f"{pipeline.name}__{stem}".replace("-", "_")


def typed_schemas(pipeline: Pipeline) -> list[tuple[str, Place, str]]:
    """List the tool schemas, as declared, whose records have a table, with the step's id and the place."""
    has_table = with_tables(pipeline)
    return [
        (step_id, (*at, *inner), name)
        for step_id, (at, acts, options) in steps(pipeline).items()
        if step_id in has_table
        for inner, name in acts.schemas(options)
    ]


def table_faults(pipeline: Pipeline) -> list[tuple[Place, str]]:
    """List what is wrong with the tables' names; reads no file."""
    return [*_schema_faults(pipeline), *_named_table_faults(pipeline)]


def _schema_faults(pipeline: Pipeline) -> Faults:
    owners: dict[str, tuple[str, Path]] = {}
    for step_id, at, name in typed_schemas(pipeline):
        made = table_of(pipeline, path_of(name).stem)
        owner, path = owners.setdefault(made.casefold(), (step_id, path_of(name)))
        if path != path_of(name):
            yield at, f"{str(path_of(name))!r} and {str(path)!r} would share the table {made!r}: rename one"
        elif owner != step_id:
            yield at, f"the schema {name!r} is another step's already: copy its file under another name"
        if len(made.encode()) > MAX_NAME_BYTES:
            yield at, f"the table's name {made!r} has more than {MAX_NAME_BYTES} bytes: shorten the schema's"
        if made.startswith(OWN_PREFIX):
            yield at, f"the table {made!r} would be one of docmill's own: give the pipeline another name"


def _named_table_faults(pipeline: Pipeline) -> Faults:
    sink = pipeline.sink()
    count = len({path_of(name) for _, _, name in typed_schemas(pipeline)})
    if sink.table and count != 1:
        yield ("into", "table"), f"one table takes one schema, and the pipeline has {count}"
    if sink.table and (sink.table.startswith(OWN_PREFIX) or sink.table in OWN_TABLES):
        yield ("into", "table"), f"{sink.table!r} is one of docmill's own tables: name another"
    for key, name in (("table", sink.table or ""), ("key", sink.key)):
        if len(name.encode()) > MAX_NAME_BYTES:
            yield ("into", key), f"{name!r} has more than {MAX_NAME_BYTES} bytes"
    if sink.key.casefold() in FIXED_COLUMNS[1:]:
        yield ("into", "key"), f"{sink.key!r} is the name of a column that every table has: name another"
