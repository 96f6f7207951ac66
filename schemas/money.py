"""How amounts of money and of tokens are written for people, in the terminal as in Prefect's UI."""

from collections.abc import Mapping
from typing import Any


def money(cost_usd: float | None, *, estimated: bool, listed: bool = False) -> str:
    """Write a cost in USD; `listed` says that it is by list prices, not by the endpoint's own."""
    if cost_usd is None:
        return "cost unknown: no price is known for a model"
    about = "about " if estimated else ""
    by = " by list prices" if listed else ""
    digits = 4 if cost_usd >= 0.001 else 6
    return f"{about}${cost_usd:.{digits}f}{by}" if cost_usd else "$0"


def tokens_of(row: Mapping[str, Any]) -> str:
    """Write what was read and written, and how much of that a cache held and thinking took, where any."""
    cached, reasoning = (
        row.get("cached_tokens"),
        row.get("reasoning_tokens"),
    )  # an earlier version says nothing
    held = f" ({cached:,} of them cached)" if cached else ""
    thought = f" ({reasoning:,} of them reasoning)" if reasoning else ""
    return f"{row['prompt_tokens']:,} tokens read{held}, {row['completion_tokens']:,} written{thought}"
