"""A JSON text held against its schema, with the slips of spelling that are put right."""

import json
import re
from typing import Any

from docmill.schemas.errors import InvalidReply
from docmill.tasks.chat.expected import judge_of
from docmill.tasks.chat.spoken import answer
from docmill.tasks.checks.faults import problem
from docmill.tasks.checks.jsontext import parse

AROUND = " \t\r\n\"'`*“”„‘’«».:()[]"
CALL = {"type", "name", "arguments", "parameters"}


def valid(text: str, schema: str, *, spoken: bool = False) -> str:
    """Give the JSON text back where it parses and satisfies the schema, decoded twice at most.

    `spoken` says that it may stand in prose or in a fence. A value of an enum may be spelt otherwise, and
    the whole may stand below a name, such as the called tool's, as a call's arguments, or as a list's only
    item: then the text is written anew. Raises InvalidReply, whose `body` says what is wrong.
    """
    judge, declared = judge_of(schema), json.loads(schema)
    found = answer(text, _properties(declared)) if spoken else text
    try:
        value = parse(found)
        if isinstance(value, str) and problem(judge, value):
            found, value = value, parse(value)
    except ValueError as error:
        if spoken and (label := _bare(text, declared)) is not None:
            return label
        raise InvalidReply("the reply is not valid JSON", body=str(error)) from None
    wrong = problem(judge, value)
    if wrong is None:
        return found
    meant = _meant(value, declared)
    if meant is None or problem(judge, meant):
        raise InvalidReply("the reply does not satisfy the schema", body=wrong)
    return json.dumps(meant, ensure_ascii=False)


def folded(text: str) -> str:
    """Write a label so that case, marks around it, blanks, hyphens and underscores make no difference."""
    return re.sub(r"[\s_-]+", " ", text.strip(AROUND)).casefold()


def _meant(value: Any, declared: Any) -> Any:
    """Put right what is spelt otherwise; None where that is nothing."""
    properties = _properties(declared)
    value = _unwrapped(value, properties)
    if not isinstance(value, dict):
        return None
    return {key: _listed(each, properties.get(key)) for key, each in value.items()}


def _unwrapped(value: Any, properties: dict[str, Any]) -> Any:
    """Give the object of asked properties that stands in a list, below a name, or as a call's arguments."""
    inner = None
    if isinstance(value, list) and len(value) == 1:
        inner = value[0]
    elif isinstance(value, dict) and value.keys().isdisjoint(properties):
        if value.keys() <= CALL and isinstance(value.get("name"), str):
            inner = value.get("arguments", value.get("parameters"))
        elif len(value) == 1:
            [inner] = value.values()
    return inner if isinstance(inner, dict) and not inner.keys().isdisjoint(properties) else value


def _listed(value: Any, declared: Any) -> Any:
    """Give the one value of the property's enum that is meant, else the value as it is."""
    enum = declared.get("enum") if isinstance(declared, dict) else None
    if not isinstance(value, str) or not isinstance(enum, list) or value in enum:
        return value
    meant = [each for each in enum if isinstance(each, str) and folded(each) == folded(value)]
    return meant[0] if len(meant) == 1 else value


def _bare(text: str, declared: Any) -> str | None:
    """Read a label that stands alone, where the schema has but one property and it is an enum."""
    properties = _properties(declared)
    if len(properties) != 1:
        return None
    [(key, rule)] = properties.items()
    label = _listed(text, rule)
    enum = rule.get("enum") if isinstance(rule, dict) else None
    known = isinstance(enum, list) and label in enum
    return json.dumps({key: label}, ensure_ascii=False) if known else None


def _properties(declared: Any) -> dict[str, Any]:
    properties = declared.get("properties") if isinstance(declared, dict) else None
    return properties if isinstance(properties, dict) else {}
