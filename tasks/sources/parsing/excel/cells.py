"""Values of cells as their number formats show them.

Thousands are not grouped: each country writes that otherwise. The formats: ECMA-376 part 1, 18.8.31.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

MAX_FORMAT = 255
MAX_PLACES = 15
LITERAL = re.compile(r"\"([^\"]*)\"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]")
NUMBER = re.compile(r"[0#?][0#?,]*(?:\.[0#?]*,*)?|\.[0#?]+")
GROUPED = re.compile(r"[0#?]")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
PLAIN = ("general", "@", "")
HIDE = "\0"  # stands for the literals while the number's place is sought


def shown(value: Any, number_format: str) -> str:
    """Write a value as the program shows it, dates as ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value, number_format)
        case timedelta():
            return _duration(value, number_format)
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat("seconds") if isinstance(value, time) else value.isoformat()
        case _:
            return " ".join(ESCAPED.sub(lambda code: chr(int(code[1], 16)), str(value)).split())


def _number(value: float, number_format: str) -> str:
    try:
        return _written(number_format)(value)
    except ArithmeticError:  # beyond what the program can hold
        return general(value)


def general(value: float) -> str:
    """Write a number with the digits that Excel keeps."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _duration(value: timedelta, number_format: str) -> str:
    seconds = round(abs(value.total_seconds()))
    shape = number_format.lower()
    sign = "-" if value < timedelta() else ""
    minutes, rest = divmod(seconds, 60)
    if "[s" in shape:
        return f"{sign}{seconds}"
    if "[m" in shape:
        return f"{sign}{minutes}:{rest:02}" if "s" in shape else f"{sign}{minutes}"
    hours = f"{sign}{minutes // 60}:{minutes % 60:02}"
    return f"{hours}:{rest:02}" if "s" in shape or rest else hours


@lru_cache(maxsize=1000)
def _written(number_format: str) -> Callable[[float], str]:
    """Give what writes a number in a format."""
    sections = _sections(number_format[:MAX_FORMAT])
    if number_format.lower() in PLAIN:
        return general
    parts = [_section(each) for each in sections[:3]]
    conditional = bool(re.search(r"\[[<>=]", number_format))

    def write(value: float) -> str:
        if conditional:
            return parts[0](value)
        if value < 0 and len(parts) > 1:
            return parts[1](-value)
        return parts[2](value) if value == 0 and len(parts) > 2 else parts[0](value)

    return write


def _sections(number_format: str) -> list[str]:
    """Split a format at its semicolons, but not within quotes."""
    return re.findall(r"(?:^|;)((?:\"[^\"]*\"|\\.|[^;\"\\])*)", number_format) or [""]


def _section(section: str) -> Callable[[float], str]:
    literals: list[str] = []

    def keep(found: re.Match[str]) -> str:
        literals.append(next((text for text in found.groups() if text), ""))
        return HIDE

    shape = LITERAL.sub(keep, section)
    percents = shape.count("%")
    number = NUMBER.search(shape)
    if not number:
        if re.search("general", shape, re.IGNORECASE):
            before, _, after = re.split("(general)", shape, maxsplit=1, flags=re.IGNORECASE)
            number_shape = ""
        else:
            text = _spoken(shape, literals)
            return lambda _: text
    else:
        before, number_shape, after = shape[: number.start()], number[0], shape[number.end() :]
    if re.match(r"[eE][+-]|\s*/|[\s\0]*[?#0]+\s*/", after):  # scientific, and fractions
        return general
    if GROUPED.search(after):  # a number in groups, as a telephone's or an account's
        return lambda value: _in_groups(shape, literals, value)
    kept = before.count(HIDE)
    prefix, suffix = _spoken(before, literals[:kept]), _spoken(after, literals[kept:])
    inner = _digits(number_shape, 100**percents)

    def write(value: float) -> str:
        figures = inner(abs(value))
        sign = "-" if value < 0 and figures.strip("0.,") else ""
        return " ".join(f"{sign}{prefix}{figures}{suffix}".split())

    return write


def _spoken(shape: str, literals: list[str]) -> str:
    kept = iter(literals)
    return "".join(next(kept, "") if char == HIDE else "" if char in "0#?,." else char for char in shape)


def _in_groups(shape: str, literals: list[str], value: float) -> str:
    """Set figures into the places of a format, from the right."""
    figures = list(_fixed(abs(value), "0" * shape.count("0"), ""))
    kept = literals[:]
    written: list[str] = []
    for char in reversed(shape):
        if GROUPED.match(char):
            written.append(figures.pop() if figures else "")
        else:
            written.append(kept.pop() if char == HIDE and kept else char.strip(HIDE + ".,"))
    return ("-" if value < 0 else "") + "".join([*figures, *reversed(written)]).strip()


def _digits(shape: str, factor: int) -> Callable[[float], str]:
    """Give what writes the digits of a number: so many at least before the point, so many behind it."""
    if not shape:
        return lambda value: general(value * factor)
    bare = shape.rstrip(",")
    whole, _, places = bare.partition(".")
    thousands = len(shape) - len(bare)
    if thousands:
        return lambda value: _fixed(value * factor / 1000**thousands, whole, places)
    return lambda value: _fixed(value * factor, whole, places)


def _fixed(value: float, whole: str, places: str) -> str:
    most, least = min(len(places), MAX_PLACES), min(len(places.rstrip("#?")), MAX_PLACES)
    if isinstance(value, int) and not most:
        return str(value or "").zfill(whole.count("0"))
    # Excel rounds what it shows of fifteen digits, and half away from nought.
    figures = _rounded(f"{value:.15g}", most)
    before, _, after = figures.partition(".")
    after = after[:least] + after[least:].rstrip("0")
    before = before.lstrip("0").zfill(max(whole.count("0"), 1 if after else 0))
    return f"{before}.{after}" if after else before


def _rounded(figures: str, places: int) -> str:
    from decimal import ROUND_HALF_UP, Context, Decimal

    exact = Context(prec=400)
    return format(Decimal(figures).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, exact), "f")
