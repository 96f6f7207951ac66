"""What is wrong with a value by a JSON Schema, in words that a model can act on."""

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # jsonschema takes a second to import
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

Path = tuple[str | int, ...]

MAX_NAMED = 5
MAX_LISTED = 20
MAX_COUNTED = 100
EXCERPT_CHARS = 80
EXAMPLES = {
    "date": "2024-12-31",
    "date-time": "2024-12-31T23:59:00Z",
    "time": "23:59:00Z",
    "duration": "P3DT12H",
    "email": "name@example.com",
    "uri": "https://example.com/page",
}


def problem(validator: "Validator", value: Any) -> str | None:
    """Say in one sentence what is wrong with a value, most general first; None where it is valid."""
    found = faults(validator, value)
    sentences = [f"{place(path)}: {fault}" if path else fault for path, fault in found[:MAX_NAMED]]
    if len(found) > MAX_NAMED:
        sentences.append(f"{len(found) - MAX_NAMED} more")
    return "; ".join(sentences) or None


def faults(validator: "Validator", value: Any) -> list[tuple[Path, str]]:
    """List where and how a value fails, most general first, from its first MAX_COUNTED errors."""
    try:
        errors = sorted(islice(validator.iter_errors(value), MAX_COUNTED), key=_rank)
    except RecursionError:
        return [((), "nested too deeply to be checked")]
    told = [_telling(error) for error in errors]
    return list(dict.fromkeys((tuple(error.absolute_path), _fault(error)) for error in told))


def shown(value: Any) -> str:
    """Write a value as JSON, cut to EXCERPT_CHARS characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"


def place(path: Path) -> str:
    """Write where a value stands, such as `lines[0].price`; empty for the whole."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:EXCERPT_CHARS]}" for part in path]
    return "".join(parts).removeprefix(".")


def _rank(error: "ValidationError") -> tuple[int, bool]:
    return len(error.absolute_path), error.validator in ("anyOf", "oneOf")


def _telling(error: "ValidationError") -> "ValidationError":
    """Go down into the branch of anyOf and oneOf that came nearest: whose first fault lies deepest."""
    while error.context and error.validator in ("anyOf", "oneOf"):
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        nearest = max(branches.values(), key=_nearness)
        if not _nearness(nearest)[0]:
            return error
        error = min(nearest, key=_rank)
    return error


def _nearness(branch: "list[ValidationError]") -> tuple[bool, int]:
    """Rank a branch: a wrong type of the whole value means that the branch was not meant."""
    meant = not any(error.validator in ("type", "const", "enum") and not error.path for error in branch)
    return meant, -len(branch)


def _fault(error: "ValidationError") -> str:
    value: Any = error.instance
    rule: Any = error.validator_value
    match error.validator:
        case "required":
            return _properties([name for name in rule if name not in value], "missing")
        case "additionalProperties":
            return _properties(_extras(error), "not allowed")
        case "unevaluatedProperties" if rule is False:
            return error.message[: 2 * EXCERPT_CHARS]
        case "type":
            return f"must be {rule if isinstance(rule, str) else ' or '.join(rule)}, not {shown(value)}"
        case "enum":
            return f"must be one of {_listed(rule)}, not {shown(value)}"
        case "anyOf" | "oneOf" as keyword:
            many = "none" if error.context else "more than one"
            return f"{shown(value)} fits {many} of the alternatives of {keyword}"
        case keyword:
            return f"{shown(value)} {_broken(keyword, rule)}"


def _broken(keyword: object, rule: Any) -> str:
    match keyword:
        case "pattern":
            return f"does not match the pattern {shown(rule)}"
        case "format":
            return f"has not the format {rule}" + (f", such as {EXAMPLES[rule]}" if rule in EXAMPLES else "")
        case "const":
            return f"is not {shown(rule)}"
        case None:
            return "is not allowed"
    return f"does not satisfy {keyword}: {shown(rule)}"


def _extras(error: "ValidationError") -> list[str]:
    from docmill.tasks.checks.dialect import extras

    value: Any = error.instance
    schema: Any = error.schema
    return extras(value, schema)


def _properties(names: list[str], state: str) -> str:
    listed = ", ".join(shown(name) for name in names[:MAX_NAMED])
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"properties {listed}{more} are {state}" if len(names) > 1 else f"property {listed} is {state}"


def _listed(values: list[Any]) -> str:
    return ", ".join(shown(value) for value in values[:MAX_LISTED]) + ", …" * (len(values) > MAX_LISTED)
