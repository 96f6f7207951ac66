"""JSON Schema Draft 2020-12 as docmill checks it: in linear time, in decimals, in one order.

jsonschema alone backtracks in `pattern`, calls 19.99 no multiple of 0.01, compares the items of an
array with each other and reports further properties in the order of a set.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import re2
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from docmill.tasks.checks.jsontext import INTEGERS

MAX_FORMAT_CHARS = 2000  # some formats take quadratic time
ASCII = "".join(map(chr, range(128)))

Errors = Iterator[ValidationError]
Check = Callable[[object], bool]


@lru_cache(maxsize=1024)
def expression(pattern: str) -> Any:
    """Compile a pattern by RE2; re2.error says what it does not take, such as a look-ahead."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Errors:
    if isinstance(value, str) and not expression(pattern).search(value):
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, patterns: dict[str, Any], value: Any, _: Any) -> Errors:
    if not isinstance(value, dict):
        return
    for pattern, schema in patterns.items():
        for key in value:
            if expression(pattern).search(key):
                yield from validator.descend(value[key], schema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Errors:
    if not isinstance(value, dict):
        return
    for key in extras(value, schema):
        if allowed is False:
            yield ValidationError("is not allowed")
            return
        yield from validator.descend(value[key], allowed, path=key)


def extras(value: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """List the keys that neither `properties` nor `patternProperties` names, in written order."""
    patterns = [expression(pattern) for pattern in schema.get("patternProperties", {})]
    named = schema.get("properties", {})
    return [key for key in value if key not in named and not any(each.search(key) for each in patterns)]


def _multiple_of(_: Any, divisor: float, value: Any, __: Any) -> Errors:
    if _is_number(value) and (Fraction(repr(value)) / Fraction(repr(divisor))).denominator != 1:
        yield ValidationError("is no multiple")


def _unique_items(_: Any, unique: bool, value: Any, __: Any) -> Errors:
    if unique and isinstance(value, list) and len({_identity(item) for item in value}) < len(value):
        yield ValidationError("has equal items")


def _identity(value: Any) -> str:
    """Write equal JSON values equally: keys in any order, 1 and 1.0."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(_: Any, value: Any) -> bool:
    whole = value.is_integer() if isinstance(value, float) else _is_number(value)
    return whole and int(value) in INTEGERS


def _formats() -> FormatChecker:
    formats = FormatChecker(())
    stock = Draft202012Validator.FORMAT_CHECKER.checkers
    formats.checkers = {name: (_bounded(check), raises) for name, (check, raises) in stock.items()}
    formats.checks("regex", raises=re2.error)(_bounded(expression))
    for name in ("email", "idn-email"):
        formats.checks(name)(_bounded(_is_email))
    for name, without in (("iri", "uri"), ("iri-reference", "uri-reference")):
        formats.checks(name, raises=ValueError)(_bounded(_encoded(stock[without][0])))
    return formats


def _bounded(check: Check) -> Check:
    def bounded(value: object) -> bool:
        return not isinstance(value, str) or (len(value) <= MAX_FORMAT_CHARS and bool(check(value)))

    return bounded


def _is_email(value: Any) -> bool:
    """Ask for one @ between two words; jsonschema asks for the @ alone."""
    return bool(expression(r"\A[^@\s]+@[^@\s]+\z").search(value))


def _encoded(check: Check) -> Check:
    """Check an IRI as the URI that RFC 3987 3.1 makes of it; jsonschema's own check takes 0.8 s."""
    return lambda value: check(quote(str(value), safe=ASCII))


FORMATS = _formats()
Dialect: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "multipleOf": _multiple_of,
        "uniqueItems": _unique_items,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
