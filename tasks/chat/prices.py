"""What calls cost: the endpoint's declared prices, else list prices, offline."""

from functools import lru_cache

from genai_prices import Usage, calc_price

from docmill.schemas.endpoint import Target

MILLION = 1_000_000


def cost_usd(target: Target, prompt_tokens: int, completion_tokens: int) -> float | None:
    """Price one reply in USD; None where neither the endpoint nor the list has a price."""
    if declared := target.endpoint.prices:
        cost = declared.input * prompt_tokens + declared.output * completion_tokens
        return float(cost / MILLION)
    if not _listed(target.model):
        return None
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens)
    return float(calc_price(usage, model_ref=target.model).total_price)


@lru_cache(maxsize=64)
def _listed(model: str) -> bool:
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=model)
    except LookupError:
        return False
    return True
