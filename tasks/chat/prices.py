"""What calls cost: what the server itself books, else the endpoint's declared prices, else list prices."""

from functools import lru_cache

from genai_prices import Usage, calc_price

from docmill.schemas.endpoint import Prices, Target
from docmill.tasks.chat.usage import Tokens

MILLION = 1_000_000


def cost_usd(target: Target, tokens: Tokens) -> float | None:
    """Price one reply in USD, input from or for a cache at its own price; None where there is no price."""
    if tokens.billed_usd is not None:
        return tokens.billed_usd
    if declared := target.endpoint.prices:
        return _declared(declared, tokens)
    if not _listed(target.model):
        return None
    usage = Usage(
        input_tokens=tokens.prompt,
        cache_read_tokens=tokens.cached,
        cache_write_tokens=tokens.kept,
        output_tokens=tokens.completion,
    )
    return float(calc_price(usage, model_ref=target.model).total_price)


def _declared(prices: Prices, tokens: Tokens) -> float:
    cached = prices.input if prices.cached_input is None else prices.cached_input
    kept = prices.input if prices.cache_write is None else prices.cache_write
    read = prices.input * (tokens.prompt - tokens.cached - tokens.kept)
    read += cached * tokens.cached + kept * tokens.kept
    return float((read + prices.output * tokens.completion) / MILLION)


@lru_cache(maxsize=64)
def _listed(model: str) -> bool:
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=model)
    except LookupError:
        return False
    return True
