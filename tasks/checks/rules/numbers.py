"""Reckoning in rules: exact decimals, as CEL has binary floats, in which 0.1 + 0.2 is not 0.3."""

from collections.abc import Callable
from decimal import Context, Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any

Operator = Callable[..., Any]
PRECISE = Context(prec=40)


def exact(value: Any) -> Any:
    """Give a number as the decimal that is written so; anything else as it is."""
    if isinstance(value, float):
        return Decimal(repr(float(value)))
    return Decimal(value) if isinstance(value, int) and not _is_bool(value) else value


def operators() -> dict[str, Operator]:
    """Give CEL's operators, by celpy's names for them, over decimals where either side is a number."""
    from celpy.evaluation import base_functions

    reckoned = {
        "_+_": PRECISE.add,
        "_-_": PRECISE.subtract,
        "_*_": PRECISE.multiply,
        "_/_": PRECISE.divide,
        "_%_": PRECISE.remainder,
    }
    compared = {"_<_": lt, "_<=_": le, "_>_": gt, "_>=_": ge, "_==_": eq, "_!=_": ne}
    sides = {name: _over_decimals(reckon, base_functions[name]) for name, reckon in reckoned.items()}
    sides |= {
        name: _over_decimals(_truth(compare), base_functions[name]) for name, compare in compared.items()
    }
    return {**sides, "_in_": _in}


def _over_decimals(over: Operator, otherwise: Operator) -> Operator:
    def operate(left: Any, right: Any) -> Any:
        left, right = exact(left), exact(right)
        both = isinstance(left, Decimal) and isinstance(right, Decimal)
        return (over if both else otherwise)(left, right)

    return operate


def _truth(compare: Operator) -> Operator:
    from celpy.celtypes import BoolType

    return lambda left, right: BoolType(compare(left, right))


def _in(item: Any, container: Any) -> Any:
    from celpy.celtypes import BoolType

    return BoolType(exact(item) in [exact(each) for each in container])


def _is_bool(value: Any) -> bool:
    from celpy.celtypes import BoolType

    return isinstance(value, bool | BoolType)
