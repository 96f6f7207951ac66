"""Pydantic's errors about what users declare, as places in what they wrote and plain sentences."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from docmill.tasks.checks.spelling import meant

Place = tuple[str | int, ...]

EXCERPT_CHARS = 80
SECRET = {"api_key_env", "base_url", "into", "url"}  # what stands there by mistake is a key or a password
WORDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a mapping",
    "string": "text",
    "tuple": "a list",
}
# What a pattern means, with an example, as nobody should have to read one; a test holds them together.
FORMS = {
    r"^[a-z][a-z0-9_-]*$": "a name of small letters, digits, - and _ behind a letter, such as labels-2",
    r"^[a-z0-9-]+$": "a name of small letters, digits and -, such as inbox-2",
    r"^(https?://|\$\{)": "a URL with https:// in front, such as https://api.302.ai/v1",
    r"^DOCMILL_[A-Z0-9_]+$": (
        "the name of an environment variable that begins with DOCMILL_, such as DOCMILL_API_KEY, "
        "and never the key itself"
    ),
    r"^[a-zA-Z0-9_-]{1,64}$": "a name of up to 64 letters, digits, _ and -, such as record_invoice",
    r"^(exact|text|date|number( \d+(\.\d+)?%?)?|fuzzy( (0(\.\d+)?|1(\.0+)?))?)$": (
        "exact, text, date, number with or without a tolerance, or fuzzy with or without a threshold, "
        "such as fuzzy"
    ),
    r"^[A-Za-z0-9_-]{1,64}$": "a name of up to 64 letters, digits, _ and -, such as record_invoice",
}
KINDS = {f"{name}_{ending}": word for name, word in WORDS.items() for ending in ("type", "parsing")} | {
    "int_from_float": "a whole number"
}


def faults(error: ValidationError, declared: Any, model: type[BaseModel]) -> list[tuple[Place, str]]:
    """List where in `declared` and how it fails `model`, in the order of pydantic's errors."""
    errors = [(_place(each, declared), each) for each in error.errors(include_url=False)]
    told: dict[tuple[Place, str], None] = {}
    for at, each in errors:
        if not _is_echo(at, each, errors):
            told[at, _sentence(at, each, errors, model)] = None
    return list(told)


def _place(error: ErrorDetails, declared: Any) -> Place:
    """Keep those parts of pydantic's `loc` that are in the data: others name branches of a union."""
    place: list[str | int] = []
    found = declared
    for part in error["loc"]:
        keys = found if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
        if part in keys:
            found = found[part]
        elif error["type"] != "missing" or part != error["loc"][-1]:
            continue
        place.append(part)
    return tuple(place)


def _is_echo(at: Place, error: ErrorDetails, errors: list[tuple[Place, ErrorDetails]]) -> bool:
    """Tell whether another error says it better: below this place, or of a branch that was meant."""
    if error["type"] in KINDS and "[key]" not in error["loc"]:
        return any(
            (other[: len(at)] == at and len(other) > len(at))
            or (other == at and each["type"] not in KINDS and each is not error)
            for other, each in errors
        )
    below = any(other[: len(at)] == at and len(other) > len(at) for other, _ in errors)
    return error["type"] == "too_short" and below


def _sentence(
    at: Place, error: ErrorDetails, errors: list[tuple[Place, ErrorDetails]], model: type[BaseModel]
) -> str:
    received = "" if SECRET.intersection(at) else f", not {_excerpt(error['input'])}"
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key{meant(at[-1], _keys(model, at[:-1]))}"
        case "missing":
            return "is missing"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case kind if "[key]" in error["loc"]:
            wanted = "text: put it in quotes" if kind in KINDS else _rule(error)
            return f"the key must be {wanted}"
        case kind if kind in KINDS:
            words = [KINDS[each["type"]] for other, each in errors if other == at and each["type"] in KINDS]
            return f"must be {' or '.join(dict.fromkeys(words))}{received}"
        case "literal_error":
            return f"must be {error['ctx']['expected']}{received}"
        case "string_too_short":
            return "must not be empty"
        case "too_short":
            return f"must have at least {error['ctx']['min_length']}, not {error['ctx']['actual_length']}"
        case "too_long":
            return f"must have at most {error['ctx']['max_length']}, not {error['ctx']['actual_length']}"
    return f"must be {_rule(error)}{received}"


def _rule(error: ErrorDetails) -> str:
    if error["type"] == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return FORMS.get(pattern, f"of the form {pattern}")
    return error["msg"].partition(" should be ")[2] or f"otherwise ({error['msg']})"


def _excerpt(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """List the keys that a model knows at a place."""
    level: list[Any] = [model]
    for part in place:
        level = [inner for annotation in level for inner in _inner(annotation, part)]
    models = [each for annotation in level for each in _models(annotation)]
    return [field.alias or name for each in models for name, field in each.model_fields.items()]


def _inner(annotation: Any, part: str | int) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        yield from (field.annotation for name, field in fields if part in (name, field.alias))
    elif get_origin(annotation) is dict:
        yield get_args(annotation)[1]
    elif get_origin(annotation) in (list, tuple):
        yield get_args(annotation)[0]
    else:
        for branch in get_args(annotation):
            yield from _inner(branch, part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, list, tuple):
        for branch in get_args(annotation):
            yield from _models(branch)
