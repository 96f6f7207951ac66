"""Values of rows as texts: as their database writes them, never as Python does."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

MAX_EXPONENT = 20_000  # beyond it a number's digits would take memory
MAX_INTEGER_DIGITS = 4000  # Python writes no int of more than 4300
BINARY = bytes | bytearray | memoryview


class Beyond(str):
    """A value that Python's types do not hold, such as the date `infinity`, as its database writes it."""

    __slots__ = ()


class Number(Decimal):
    """A decimal that is written without an exponent."""

    __slots__ = ()

    def __str__(self) -> str:
        """Write its digits."""
        return digits(self)


class Clock(timedelta):
    """A span of time, or MySQL's time of day, written as hours, minutes and seconds."""

    def __str__(self) -> str:
        """Write it, with the hours beyond a day."""
        seconds, rest = divmod(abs(self), timedelta(seconds=1))
        fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
        sign = "-" if self < timedelta() else ""
        return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


class Array(list[Any]):
    """An array, written as JSON."""

    __slots__ = ()

    def __str__(self) -> str:
        """Write it as JSON."""
        return as_json(self)


class Json(dict[str, Any]):
    """An object, written as JSON."""

    __slots__ = ()

    def __str__(self) -> str:
        """Write it as JSON."""
        return as_json(self)


def writable(value: Any) -> Any:
    """Copy a value so that it is well written wherever a template writes it, within a filter too."""
    match value:
        case Decimal():
            return Number(value)
        case timedelta():
            return Clock(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
        case list() | tuple():
            return Array(map(writable, value))
        case dict():
            return Json((key, writable(item)) for key, item in value.items())
    return value


def written(value: Any) -> str:
    """Write a value as text; raises TypeError for what has none: bytes, a function, what a filter yields."""
    named = callable(value) and not isinstance(value, Undefined)
    if isinstance(value, BINARY | Iterator) or named:
        raise TypeError(f"{type(value).__name__} has no text")
    return "" if value is None else str(writable(value))


def as_json(value: Any, indent: int | None = None) -> str:
    """Write a value as JSON: letters as they are, and what JSON has no type for as a text."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_as_json_type)


def digits(number: Decimal) -> str:
    """Write a decimal without an exponent, as far as it is not one of thousands of zeros."""
    plain = number.is_finite() and abs(number.adjusted()) <= MAX_EXPONENT
    return format(Decimal(number), "f") if plain else Decimal.__str__(number)


def exact(text: str) -> float | Decimal:
    """Read a JSON number: as a float where that is the very number."""
    number = Decimal(text)
    return float(number) if Decimal(repr(float(number))) == number else number


def _as_json_type(value: Any) -> Any:
    if not isinstance(value, Decimal):
        if isinstance(value, BINARY):
            raise TypeError("a binary value has no text")
        return str(value)
    if not value.is_finite() or abs(value.adjusted()) > MAX_INTEGER_DIGITS:
        return digits(value)
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    same = Decimal(repr(near)) == value and "e" not in repr(near)
    return near if same else digits(value)
