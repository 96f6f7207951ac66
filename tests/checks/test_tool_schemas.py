"""Tool schemas: checked with their place, written out for gateways, closed, and never made to mean other."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.closing import closed
from docmill.tasks.checks.inlining import MAX_SCHEMAS, inlined
from docmill.tasks.checks.toolschema import load, path_of
from docmill.tasks.checks.validation import validator
from tests.support.project import THING, Project

Schema = dict[str, Any]

NAMES = st.sampled_from("abc")
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
LEAVES: st.SearchStrategy[Any] = st.booleans() | st.sampled_from(
    [{}, {"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": ["x", None]}, {"title": "t"}]
)
SINGLE = ("additionalProperties", "unevaluatedProperties", "items", "unevaluatedItems", "contains")
CONDITIONS = ("not", "if", "then", "else")
slowly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def schemas(*references: str, one_of: bool = True) -> st.SearchStrategy[Any]:
    """Draw schemas, true and false among them, that may refer to these."""

    def holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=2)
        named = st.dictionaries(NAMES, inner, max_size=2)
        keywords: dict[str, st.SearchStrategy[Any]] = {
            "type": st.sampled_from(["object", "array", ["object", "null"]]),
            "properties": named,
            "required": st.lists(NAMES, unique=True, max_size=2),
            "dependentSchemas": named,
            "allOf": several,
            "anyOf": several,
            "prefixItems": several,
            "minContains": st.integers(0, 2),
            "description": st.just("d"),
            **dict.fromkeys((*SINGLE, *CONDITIONS), inner),
            **({"oneOf": several} if one_of else {}),
            **({"$ref": st.sampled_from(references)} if references else {}),
        }
        return st.fixed_dictionaries({}, optional=keywords)

    referring = [{"$ref": name} for name in references]
    return st.recursive(LEAVES | st.sampled_from(referring) if referring else LEAVES, holding, max_leaves=4)


X, Y = "#/$defs/x", "#/$defs/y"
REFERRING = st.builds(
    lambda root, x, y: {**root, "$defs": {"x": x, "y": y}},
    schemas(X, Y).filter(lambda drawn: isinstance(drawn, dict)),
    schemas(Y),
    schemas(),
)


@given(schemas())
def test_a_schema_without_references_is_left_as_it_is(schema: Any):
    assert inlined(schema) == schema


@slowly
@given(REFERRING, st.lists(VALUES, min_size=1, max_size=5))
@example(
    {
        "$ref": X,
        "anyOf": [{"properties": {"a": {}}}],
        "$defs": {"x": {"properties": {"b": {}}, "unevaluatedProperties": False}},
    },
    [{"a": 1}, {"b": 1}],
)
@example(
    {
        "$ref": X,
        "properties": {"a": {}},
        "$defs": {"x": {"properties": {"b": {}}, "additionalProperties": False}},
    },
    [{"a": 1}, {"b": 1}],
)
@example(
    {"$ref": X, "properties": {"a": {}}, "$defs": {"x": {"additionalProperties": {"type": "string"}}}},
    [{"a": 1}, {"b": 1}, {"a": "x"}],
)
@example({"$ref": X, "minimum": 2, "$defs": {"x": {"minimum": 1}}}, [1, 2])
@example({"$ref": X, "minimum": 2, "$defs": {"x": False}}, [2])
def test_a_schema_means_the_same_when_its_references_are_written_out(schema: Schema, values: list[Any]):
    written = inlined(schema)
    assert '"$ref"' not in json.dumps(written)
    before, after = validator(schema), validator(written)
    assert [after.is_valid(value) for value in values] == [before.is_valid(value) for value in values]


@given(schemas())
def test_a_closed_schema_stays_as_it_is(schema: Any):
    assert closed(closed(schema)) == closed(schema)


@slowly
@given(schemas(one_of=False), VALUES)
def test_closing_admits_nothing_new(schema: Any, value: Any):
    """But for oneOf: its closed branches tell what was meant from what was not."""
    assert validator(schema).is_valid(value) or not validator(closed(schema)).is_valid(value)


def test_definitions_are_written_out_where_they_are_used():
    schema = {
        "type": "object",
        "properties": {
            "seller": {"$ref": "#/$defs/firm", "description": "Who sells"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        },
        "$defs": {
            "firm": {"type": "object", "description": "A firm", "properties": {"name": {"type": "string"}}},
            "line": {"type": "object", "properties": {"by": {"$ref": "#/$defs/firm"}}},
            "unused": {"$ref": "#/$defs/unused"},
        },
    }
    firm = {"type": "object", "description": "A firm", "properties": {"name": {"type": "string"}}}
    assert inlined(schema) == {
        "type": "object",
        "properties": {
            "seller": firm | {"description": "Who sells"},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"by": firm}}},
        },
    }


def test_a_property_may_be_called_like_a_keyword():
    schema = {"properties": {"$ref": {"type": "string"}, "$defs": {"enum": [{"$ref": "#/nowhere"}]}}}
    assert inlined(schema) == schema


@pytest.mark.parametrize(
    ("definitions", "ring"),
    [
        ({"x": {"properties": {"a": {"$ref": X}}}}, f"{X} -> {X}"),
        ({"x": {"anyOf": [{"$ref": Y}]}, "y": {"items": {"$ref": X}}}, f"{X} -> {Y} -> {X}"),
    ],
)
def test_a_reference_back_to_itself_is_refused_with_its_ring(definitions: Schema, ring: str):
    with pytest.raises(ValueError, match="recursion cannot be sent") as caught:
        inlined({"$ref": X, "$defs": definitions})
    assert f"({ring})" in str(caught.value)


def test_references_that_multiply_are_refused():
    levels = {f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 10} for level in range(20)} | {
        "d20": {}
    }
    with pytest.raises(ValueError, match=f"more than {MAX_SCHEMAS} schemas"):
        inlined({"$ref": "#/$defs/d0", "$defs": levels})


OPEN: Schema = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (OPEN, {"a": ""}, {"b": 1}),
        ({"type": "object", "properties": {"in": OPEN}}, {"in": {"a": ""}}, {"in": {"b": 1}}),
        ({"type": "array", "items": OPEN}, [{"a": ""}], [{"b": 1}]),
        ({"anyOf": [OPEN, {"type": "null"}]}, None, {"b": 1}),
        (OPEN | {"type": ["object", "null"]}, None, {"b": 1}),
        ({"allOf": [OPEN], "type": "object", "properties": {"b": {}}}, {"a": "", "b": 1}, {"c": 1}),
        (
            {"type": "object", "properties": {"a": {}}, "if": {"required": ["a"]}, "then": {"required": []}},
            {"a": 1},
            {"b": 1},
        ),
    ],
    ids=["object", "nested", "items", "anyOf", "nullable", "allOf", "if"],
)
def test_an_object_that_does_not_say_admits_no_further_properties(schema: Schema, good: Any, bad: Any):
    check = validator(closed(schema))
    assert (check.is_valid(good), check.is_valid(bad)) == (True, False)


@pytest.mark.parametrize(
    "schema",
    [
        OPEN | {"additionalProperties": True},
        OPEN | {"additionalProperties": {"type": "integer"}},
        OPEN | {"unevaluatedProperties": True},
        {"type": "object"},
        {"properties": {"a": {}}},
        {"not": OPEN},
    ],
)
def test_what_says_or_lists_nothing_is_left_open(schema: Schema):
    assert closed(schema) == schema


def tool(path: Path, content: str | Schema) -> ToolSchema:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load(path)


def declared(**parameters: Any) -> Schema:
    whole = {"type": "object", "properties": {"a": {"type": "string"}}, **parameters}
    return {"name": "bill", "description": "Record the bill.", "parameters": whole}


def test_a_file_becomes_a_tool_whose_id_is_its_stem(tmp_path: Path):
    loaded = tool(
        tmp_path / "invoice-v2.json",
        declared(
            **{
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": "https://example.com/bill",
                "properties": {"a": {"$ref": "#/$defs/x"}},
                "$defs": {"x": OPEN},
            }
        ),
    )
    assert (loaded.id, loaded.name, loaded.description) == ("invoice-v2", "bill", "Record the bill.")
    assert loaded.parameters == {
        "type": "object",
        "properties": {"a": OPEN | {"additionalProperties": False}},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ":1:1: not JSON: Expecting value"),
        ('{"name": "x",\n}', ":2:1: not JSON: Expecting property name enclosed in double quotes"),
        ('{"name": "x", "name": "y"}', ": not a JSON that is taken here: duplicate key 'name'"),
        ("[]", ": a list of 0: give each tool a file of its own"),
        ("7", ": must be an object: a tool with name, description and parameters, or a JSON Schema"),
        (declared() | {"id": "x"}, ": must not hold an id: it is the file's name"),
        ({"name": "x", "description": "X."}, ":1: /parameters: is missing"),
        (
            declared() | {"example": 1},
            ":1: /example: unknown key; known: id, name, description, parameters, x-rules",
        ),
        (declared() | {"descripton": ""}, ":1: /descripton: unknown key; did you mean description?"),
        (
            declared() | {"name": "my tool"},
            ":1: /name: must be a name of up to 64 letters, digits, _ and -, such as record_invoice, "
            "not 'my tool'",
        ),
        (
            declared(type="array"),
            ":1: /parameters/type: must be 'object', not 'array': a record is an object",
        ),
        (declared(type="objekt"), ':1: /parameters/type: "objekt" is no type; did you mean object?'),
        (declared(requird=["a"]), ":1: /parameters: unknown keyword 'requird'; did you mean required?"),
        (
            declared(properties={"a/b": {"$ref": "#/$defs/no"}}),
            ":1: /parameters/properties/a~1b: $ref '#/$defs/no' leads nowhere",
        ),
        (
            declared(properties={"a": {"$ref": "#"}}),
            ":1: /parameters: $ref '#' leads back to itself (# -> #): recursion cannot be sent",
        ),
        (
            declared(properties={"a": {"pattern": "(?=x)"}}),
            ":1: /parameters/properties/a: pattern '(?=x)' is not one that RE2 takes: "
            "invalid perl operator: (?=",
        ),
        (
            declared(properties={"a": {"$ref": "file:///etc/passwd"}}),
            ":1: /parameters/properties/a: $ref 'file:///etc/passwd' leads out of the file and is never "
            "fetched: copy it into $defs",
        ),
    ],
)
def test_a_wrong_schema_is_refused_with_its_place(tmp_path: Path, content: str | Schema, said: str):
    path = tmp_path / "bill.json"
    with pytest.raises(ConfigError) as caught:
        tool(path, content)
    assert str(caught.value) == f"{path}{said}"


def test_each_fault_has_a_line_and_no_more_than_ten_are_told(tmp_path: Path):
    names = {f"a{number}": {"typ": "string"} for number in range(12)}
    with pytest.raises(ConfigError) as caught:
        tool(tmp_path / "bill.json", declared(properties=names))
    lines = str(caught.value).splitlines()
    assert len(lines) == 11
    assert lines[0].endswith(
        "bill.json:1: /parameters/properties/a0: unknown keyword 'typ'; did you mean type?"
    )
    assert lines[-1].endswith("bill.json: 2 more")


def test_a_schema_is_found_by_its_name_in_the_project_before_docmills_own(project: Project):
    assert load(path_of("invoice")).name
    assert path_of("thing") == Path("schemas/tools/thing.json")
    for folder in ("schemas", "schemas/tools"):
        (project.root / folder / "invoice.json").write_text(json.dumps(THING))
        assert path_of("invoice") == Path(folder, "invoice.json")
    assert path_of("invoice.json") == Path("invoice.json")
    assert path_of("none") == Path("schemas/tools/none.json")
