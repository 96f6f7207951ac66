"""What rules may call beside CEL's own functions: sums, days between dates, and formats with check digits."""

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import import_module
from typing import Any

from docmill.tasks.checks.evidence.cldr import currencies
from docmill.tasks.checks.rules.numbers import exact

Function = Callable[..., Any]
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def own() -> dict[str, Function]:
    """Give the functions by the names that rules call them by."""
    truths = {
        "is_date": _is_date,
        "is_currency": lambda text: str(text) in currencies(),
        "is_iban": lambda text: _is_valid("iban", text),
        "is_vat": lambda text: _is_valid("eu.vat", text),
        "is_bic": lambda text: _is_valid("bic", text),
    }
    return {
        "sum": lambda numbers: sum(map(exact, numbers), Decimal(0)),
        "round": _round,
        "abs": lambda number: abs(exact(number)),
        "days": _days,
        **{name: _truth(tell) for name, tell in truths.items()},
    }


@cache
def known() -> frozenset[str]:
    """Name all functions that a rule may call, CEL's own among them."""
    from celpy.evaluation import base_functions

    return frozenset({"has", *filter(str.isidentifier, base_functions), *own()})


def _truth(tell: Callable[..., bool]) -> Function:
    from celpy.celtypes import BoolType

    return lambda *values: BoolType(tell(*values))


def _round(number: Any, places: Any = 0) -> Decimal:
    """Round half away from nought, as invoices do."""
    return Decimal(exact(number)).quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)


def _days(begin: Any, end: Any) -> Decimal:
    """Count the days from one ISO date to another; negative where the second comes first."""
    first, last = (date.fromisoformat(str(each)[:10]) for each in (begin, end))
    return Decimal((last - first).days)


def _is_date(text: Any, first: Any = "0001-01-01", last: Any = "9999-12-31") -> bool:
    """Say whether a text is an ISO date, from the first to the last: written so, dates compare as texts."""
    if not DATE.fullmatch(str(text)):
        return False  # Python's own reading takes 20260507 and 2026-W19-4, too
    try:
        date.fromisoformat(str(text))
    except ValueError:
        return False
    return str(first) <= str(text) <= str(last)


def _is_valid(format_: str, text: Any) -> bool:
    return bool(import_module(f"stdnum.{format_}").is_valid(str(text)))
