"""How amounts of money and of tokens are written for people, in the terminal as in Prefect's UI."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

CENTS = 2
FINE, FINEST = 4, 6  # digits of an amount, and of one that four would not tell
FINE_FROM = 0.001


def dollars(amount: float | Decimal, beside: float | Decimal | None = None) -> str:
    """Write an amount of USD in cents, and in as many more digits as it has: `$5.00`, `$0.0184`, `$0.000032`.

    It has as many digits as the one `beside` it may have, where there is one.
    """
    if not amount:
        return "$0"
    digits = FINE if max(amount, beside or amount) >= FINE_FROM else FINEST
    whole, _, part = f"{amount:,.{digits}f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(CENTS, '0')}"


def money(cost_usd: float | None, *, estimated: bool, listed: bool = False) -> str:
    """Write a cost in USD; `listed` says that it is by list prices, not by the endpoint's own."""
    if cost_usd is None:
        return "cost unknown: no price is known for a model"
    about = "about " if estimated else ""
    by = " by list prices" if listed else ""
    return f"{about}{dollars(cost_usd)}{by}" if cost_usd else dollars(0)


def tokens_of(row: Mapping[str, Any]) -> str:
    """Write what was read and written, and how much of that a cache held and thinking took, where any."""
    cached, reasoning = (
        row.get("cached_tokens"),
        row.get("reasoning_tokens"),
    )  # an earlier version says nothing
    held = f" ({cached:,} of them cached)" if cached else ""
    thought = f" ({reasoning:,} of them reasoning)" if reasoning else ""
    return f"{row['prompt_tokens']:,} tokens read{held}, {row['completion_tokens']:,} written{thought}"
