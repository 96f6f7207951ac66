"""Strict JSON: what a model or a file sends is refused where Python's reader would let it pass or crash."""

import json
from collections import Counter
from typing import Any

MAX_CHARS = 4_000_000
MAX_DEPTH = 64  # within it jsonschema stays clear of Python's recursion limit
INTEGERS = range(-(2**63), 2**63)  # what BIGINT takes
MAX_DIGITS = 20
LONGEST_NUMBER = 4300  # digits that Python reads
STRING = r'"(?:[^"\\]|\\.)*+"'  # a pattern: with what is escaped in it


def parse(text: str, *, unstored: bool = False) -> Any:
    """Read one JSON value as RFC 8259 has it; floats are floats.

    `unstored` lets pass what is only refused for a database's sake: NaN, infinite and large numbers, U+0000.

    Raises ValueError (JSONDecodeError, with its place, where the syntax is wrong) also for
    duplicate keys, NaN, infinities, integers beyond 64 bits, lone surrogates, U+0000, and for what is
    longer than MAX_CHARS or nested deeper than MAX_DEPTH.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"longer than {MAX_CHARS:,} characters")
    stored: dict[str, Any] = {"parse_constant": _constant, "parse_float": _float, "parse_int": _integer}
    numbers = {"parse_int": _large} if unstored else stored
    try:
        value = json.loads(text, object_pairs_hook=_object, **numbers)
    except RecursionError:
        raise _too_deep() from None
    _bound_depth(value)
    _bound_characters(value, nul=unstored)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key in members if counts[key] > 1)
        raise ValueError(f"duplicate key {twice[:80]!r}")
    return members


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"number {digits[:MAX_DIGITS]} is too large")
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS or int(digits) not in INTEGERS:
        raise ValueError(f"integer {digits[:MAX_DIGITS]} is beyond 64 bits")
    return int(digits)


def _large(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"integer {digits[:MAX_DIGITS]}… has {len(digits):,} digits")
    return int(digits)


def _bound_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> ValueError:
    return ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _bound_characters(value: Any, *, nul: bool) -> None:
    written = json.dumps(value, ensure_ascii=False)
    if not nul and "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("holds the character U+0000, which databases do not take")
    try:
        written.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
