"""How an amount of money is written for people, in the terminal as in Prefect's UI."""


def money(cost_usd: float | None, *, estimated: bool, listed: bool = False) -> str:
    """Write a cost in USD; `listed` says that it is by list prices, not by the endpoint's own."""
    if cost_usd is None:
        return "cost unknown: no price is known for a model"
    about = "about " if estimated else ""
    by = " by list prices" if listed else ""
    digits = 4 if cost_usd >= 0.001 else 6
    return f"{about}${cost_usd:.{digits}f}{by}" if cost_usd else "$0"
