"""What a run may spend, and what its purse moves: money is a whole number of nano-dollars there."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from docmill.schemas.endpoint import Declared

NANO = 1_000_000_000
Usd = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class Budget(Declared):
    """The most that runs may spend: reserved before each attempt is sent, so it holds at any concurrency."""

    run_usd: Usd | None = Field(default=None, description="USD that one run may spend")
    day_usd: Usd | None = Field(
        default=None, description="USD that all runs of the pipeline may spend in one day, from 00:00 UTC on"
    )

    @model_validator(mode="after")
    def _something(self) -> "Budget":
        if self.run_usd is None and self.day_usd is None:
            raise ValueError("give run_usd, day_usd or both")
        return self

    def least(self) -> Decimal:
        """Give the smaller of the two."""
        return min(each for each in (self.run_usd, self.day_usd) if each is not None)


@dataclass(frozen=True)
class Settled:
    """An attempt that has ended: what was reserved for it on that day (UTC), and what of that was spent."""

    day: date
    reserved: int
    spent: int


@dataclass(frozen=True)
class Total:
    """What is spent, and what is reserved for attempts whose end is not known."""

    spent: int = 0
    reserved: int = 0

    def __add__(self, other: "Total") -> "Total":
        return Total(self.spent + other.spent, self.reserved + other.reserved)

    @property
    def taken(self) -> int:
        """Both together: what nobody else may have."""
        return self.spent + self.reserved


@dataclass(frozen=True)
class Balance:
    """How many of the wanted reservations were granted, and the totals of the run and the day with them."""

    granted: int
    run: Total
    day: Total


def nano(usd: Decimal | float) -> int:
    """Turn USD into nano-dollars, to the nearest; what is reserved is rounded up by its taker."""
    return round(Decimal(usd) * NANO)
