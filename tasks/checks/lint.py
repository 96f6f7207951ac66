"""What is wrong with a JSON Schema before anything is checked by it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from docmill.tasks.checks.faults import shown
from docmill.tasks.checks.inlining import target
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.subschemas import COMPLETENESS, EXEMPTION, Pointer, Schema, walk

Faults = list[tuple[Pointer, str]]

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
REBASING = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "$vocabulary")
OPENAPI = frozenset({"definitions", "discriminator", "example"})  # harmless, and generators write them


def lint(schema: Any) -> Faults:
    """List what is wrong with a schema, each with its place within it; nothing is ever fetched."""
    if wrong := _against_metaschema(schema):
        return wrong
    schemas = list(walk(schema))
    faults = [(at, fault) for at, found in schemas for fault in _faults(found, schema, at)]
    keywords = {keyword for _, found in schemas for keyword in found}
    if {"unevaluatedProperties", "patternProperties"} <= keywords:
        faults.append(((), "unevaluatedProperties and patternProperties in one schema are not supported"))
    return faults


def _against_metaschema(schema: Any) -> Faults:
    from jsonschema import Draft202012Validator

    from docmill.tasks.checks.faults import faults

    found = faults(Draft202012Validator(Draft202012Validator.META_SCHEMA), schema)
    return [(tuple(map(str, path)), _type_fault(schema, path) or fault) for path, fault in found]


def _type_fault(schema: Any, path: Sequence[str | int]) -> str | None:
    """Say of a type that there is none like it; the metaschema says that no alternative fits."""
    for part in path:
        schema = schema[part]
    if path[-1:] != ("type",) or not isinstance(schema, str) or schema in TYPES:
        return None
    return f"{shown(schema)} is no type{meant(schema, TYPES)}"


def _faults(schema: Schema, root: Schema, at: Pointer) -> list[str]:
    wrong = [
        f"unknown keyword {key!r}{meant(key, _keywords())}"
        for key in schema
        if key not in _keywords() and not key.startswith("x-")
    ]
    if not isinstance(schema.get(EXEMPTION, False), bool):
        wrong.append(f"{EXEMPTION} must be true or false, not {shown(schema[EXEMPTION])}")
    wrong += _completeness_faults(schema)
    wrong += [f"{key} is not supported: use $defs and $ref" for key in REBASING if key in schema]
    if at and "$id" in schema:
        wrong.append("$id is not supported below the top: use $defs and $ref")
    if "$schema" in schema and (at or schema["$schema"].rstrip("#") != DRAFT):
        wrong.append(f"$schema {schema['$schema']!r} is not supported: it may say {DRAFT}, at the top")
    if "$ref" in schema:
        wrong += _reference_faults(schema["$ref"], root)
    patterns = [schema["pattern"]] if "pattern" in schema else []
    return wrong + _pattern_faults([*patterns, *schema.get("patternProperties", {})])


def _completeness_faults(schema: Schema) -> list[str]:
    said = schema.get(COMPLETENESS, True)
    if isinstance(said, bool) or (
        said and isinstance(said, list) and all(_is_heading(each) for each in said)
    ):
        return []
    return [f"{COMPLETENESS} must be true, false, or a list of headings, not {shown(said)}"]


def _is_heading(said: Any) -> bool:
    return isinstance(said, str) and bool(said.strip())


def _reference_faults(reference: str, root: Schema) -> list[str]:
    if not reference.startswith("#"):
        return [f"$ref {reference!r} leads out of the file and is never fetched: copy it into $defs"]
    if reference != "#" and not reference.startswith("#/"):
        return [f"$ref {reference!r} is not supported: write it as #/$defs/NAME"]
    try:
        target(root, reference)
    except ValueError as error:
        return [str(error)]
    return []


def _pattern_faults(patterns: list[str]) -> list[str]:
    import re2

    from docmill.tasks.checks.dialect import expression

    wrong = []
    for pattern in patterns:
        try:
            expression(pattern)
        except re2.error as error:
            said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
            wrong.append(f"pattern {pattern!r} is not one that RE2 takes: {said}")
    return wrong


@lru_cache(maxsize=1)
def _keywords() -> frozenset[str]:
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    vocabularies = (
        "core",
        "applicator",
        "unevaluated",
        "validation",
        "meta-data",
        "format-annotation",
        "content",
    )
    base = "https://json-schema.org/draft/2020-12/meta/"
    schemas = [REGISTRY.contents(base + name) for name in vocabularies]
    return OPENAPI.union(*(schema["properties"] for schema in schemas))
