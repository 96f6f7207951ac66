"""References of a schema written out: gateways pass on `properties`, and lose `$defs`."""

from typing import Any
from urllib.parse import unquote

from docmill.tasks.checks.subschemas import Schema, mapped

MAX_SCHEMAS = 5000
DEFINITIONS = ("$defs", "definitions")
ANNOTATIONS = {
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
}
UNEVALUATED = {"unevaluatedItems", "unevaluatedProperties"}  # these see all that stands beside them
# These mean something else where others of them stand beside them, so they are never moved together.
JOINED = {
    "additionalProperties",
    "contains",
    "if",
    "items",
    "patternProperties",
    "prefixItems",
    "properties",
    "then",
    "else",
    "minContains",
    "maxContains",
    *UNEVALUATED,
}


def inlined(schema: Schema) -> Schema:
    """Copy a schema with each `$ref` replaced by what it refers to, and without `$defs`.

    Raises ValueError for a `$ref` that leads nowhere or back to itself, and beyond MAX_SCHEMAS.
    """
    whole: Schema = _Inlining(schema).of(schema, ())
    return whole


def target(root: Schema, reference: str) -> Any:
    """Find what a local `$ref` refers to; raises ValueError where there is nothing."""
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            raise ValueError(f"$ref {reference!r} leads nowhere")
    if not isinstance(found, dict | bool):
        raise ValueError(f"$ref {reference!r} does not lead to a schema")
    return found


class _Inlining:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._made = 0

    def of(self, schema: Any, passed: tuple[str, ...]) -> Any:
        self._made += 1
        if self._made > MAX_SCHEMAS:
            raise ValueError(f"more than {MAX_SCHEMAS} schemas when every $ref is written out")
        if not isinstance(schema, dict):
            return schema
        own = {key: value for key, value in schema.items() if key not in (*DEFINITIONS, "$ref")}
        own = mapped(own, lambda _, subschema: self.of(subschema, passed))
        return _joined(self._referred(schema["$ref"], passed), own) if "$ref" in schema else own

    def _referred(self, reference: str, passed: tuple[str, ...]) -> Any:
        if reference in passed:
            ring = " -> ".join((*passed[passed.index(reference) :], reference))
            raise ValueError(f"$ref {reference!r} leads back to itself ({ring}): recursion cannot be sent")
        return self.of(target(self._root, reference), (*passed, reference))


def _joined(referred: Any, own: Schema) -> Any:
    """Let both hold: in one schema where that means the same, else by allOf."""
    if not own:
        return referred
    if isinstance(referred, dict):
        new = {key for key, value in own.items() if key not in ANNOTATIONS and referred.get(key) != value}
        seen = new and UNEVALUATED & referred.keys()
        if not seen and not new & (JOINED | referred.keys()):
            return referred | own
    return own | {"allOf": [*own.get("allOf", []), referred]}
