"""The tool schemas of a pipeline: found and loaded."""

from collections.abc import Iterator

from docmill.flows.pipeline.graph import labelled_by, steps
from docmill.flows.pipeline.tables import table_of
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import toolschema
from docmill.tasks.checks.declared import Place
from docmill.tasks.checks.item_tables import item_table_faults, item_tables
from docmill.tasks.checks.rules.language import facts_named, rule_faults

NO_LABEL = "document.label is that of a `classify` that the step waits for, and there is none: add one"


def load_tools(pipeline: Pipeline) -> tuple[dict[str, ToolSchema], list[tuple[Place, str]]]:
    """Load a pipeline's tool schemas by their declared names; gives what is wrong with them beside."""
    loaded: dict[str, ToolSchema] = {}
    wrong: list[tuple[Place, str]] = []
    for name, at in _places(pipeline).items():
        path = toolschema.path_of(name)
        if not path.exists():  # what is there and is no file is told as such
            wrong.append((at, toolschema.missing(name)))
            continue
        try:
            loaded[name] = toolschema.load(path)
        except ConfigError as error:
            wrong.append((at, f"the tool schema is wrong:\n{error}"))
            continue
        if fault := _key_fault(pipeline, loaded[name]):
            wrong.append((("into", "key"), fault))
        wrong += [(at, fault) for fault in _item_faults(pipeline, loaded[name])]
    return loaded, [*wrong, *_rule_faults(pipeline, loaded)]


def _places(pipeline: Pipeline) -> dict[str, Place]:
    """Give the tool schemas as declared, each with the place that names it first."""
    places: dict[str, Place] = {}
    for at, acts, options in steps(pipeline).values():
        for inner, name in acts.schemas(options):
            places.setdefault(name, (*at, *inner))
    return places


def _rule_faults(pipeline: Pipeline, loaded: dict[str, ToolSchema]) -> list[tuple[Place, str]]:
    """List the rules of steps that cannot be read over records of each schema that the step may use."""
    wrong: dict[Place, str] = {}
    for at, acts, options in steps(pipeline).values():
        for tool in (loaded[name] for _, name in acts.schemas(options) if name in loaded):
            for (index, key), fault in rule_faults(acts.rules(options), tool.parameters):
                wrong.setdefault((*at, "rules", int(index), key), fault)
    return list(wrong.items()) or [*_label_faults(pipeline, loaded)]


def _label_faults(pipeline: Pipeline, loaded: dict[str, ToolSchema]) -> Iterator[tuple[Place, str]]:
    """List the rules that name a document's label in steps that know none."""
    for step, (at, acts, options) in steps(pipeline).items():
        if labelled_by(pipeline, step):
            continue
        places = [(inner, loaded[name]) for inner, name in acts.schemas(options) if name in loaded]
        for index, rule in enumerate(acts.rules(options)):
            if any("label" in facts_named([rule], tool.parameters) for _, tool in places):
                yield (*at, "rules", index, "that"), NO_LABEL
        for inner, tool in places:
            if "label" in facts_named(tool.rules, tool.parameters):
                yield (*at, *inner), f"a rule of the tool schema: {NO_LABEL}"


def _item_faults(pipeline: Pipeline, tool: ToolSchema) -> list[str]:
    """List what is wrong with the tables of a schema's items."""
    sink, most = pipeline.sink(), toolschema.MAX_NAME_BYTES
    parent = sink.table or table_of(pipeline, tool.id)
    others = {table_of(pipeline, toolschema.path_of(name).stem).casefold() for name in _places(pipeline)}
    wrong = item_table_faults(tool, sink.key, most)
    for name in (f"{parent}__{each}" for each in item_tables(tool)):
        if len(name.encode()) > most:
            wrong.append(f"the table's name {name!r} has more than {most} bytes: shorten the schema's")
        if name.casefold() in others:
            wrong.append(f"the table {name!r} of its items is another schema's: rename one")
    return wrong


def _key_fault(pipeline: Pipeline, tool: ToolSchema) -> str | None:
    key = pipeline.sink().key
    if key.casefold() in {name.casefold() for name in tool.parameters.get("properties", {})}:
        return f"{key!r} is a property of the schema {tool.id!r} too: name another column"
    return None
