"""The schema of an extraction as callers give it: a name, a JSON Schema, a tool or a pydantic class."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from docmill.schemas.errors import ConfigError
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import toolschema

Schema = dict[str, Any]
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST_NAME_CHARS = 64
NAME = "record"


def tool_schema(schema: str | Mapping[str, Any] | type[BaseModel]) -> ToolSchema:
    """Make the tool schema of what a caller gave; raises ConfigError, a line for each fault."""
    if isinstance(schema, str):
        path = toolschema.path_of(schema)
        if not path.is_file():
            raise ConfigError(f"schema: {toolschema.missing(schema)}")
        return toolschema.load(path)
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return _of_class(schema)
    if not isinstance(schema, Mapping):
        raise ConfigError(
            "schema: must be a name or path, a JSON Schema as a dict, or a pydantic class, "
            f"not {type(schema).__name__}"
        )
    try:
        return _of_json(json.dumps(schema))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"schema: not JSON: {error}") from None


@lru_cache(maxsize=64)
def _of_json(text: str) -> ToolSchema:
    declared: Schema = json.loads(text)
    if {"name", "parameters"} <= declared.keys():
        return toolschema.made(declared, str(declared["name"]), "schema", columns=False)
    return _bare(declared, "schema")


@lru_cache(maxsize=64)
def _of_class(model: type[BaseModel]) -> ToolSchema:
    try:
        declared = model.model_json_schema(schema_generator=_Numbers)
    except PydanticUserError as error:
        raise ConfigError(f"{model.__name__}: has no JSON Schema: {error.message}") from None
    return _bare(declared, model.__name__)


def _bare(parameters: Schema, place: str) -> ToolSchema:
    """Make a tool of parameters alone; an object that lists properties need not say that it is one."""
    title = str(parameters.get("title") or NAME)
    name = NOT_IN_A_NAME.sub("_", title).strip("_")[:LONGEST_NAME_CHARS] or NAME
    described = cleandoc(str(parameters.get("description") or "")) or f"Record the {title}."
    if "properties" in parameters:
        parameters = {"type": "object", **parameters}
    declared = {"name": name, "description": described, "parameters": parameters}
    return toolschema.made(declared, name, place, bare=True, columns=False)


class _Numbers(GenerateJsonSchema):
    """Pydantic's JSON Schema, with a Decimal as a number alone: RE2 does not take the pattern of its text."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        number = dict(super().decimal_schema(schema)["anyOf"][0])
        if (places := schema.get("decimal_places")) is not None:
            number.setdefault("multipleOf", float(f"1e-{places}"))
        return number
