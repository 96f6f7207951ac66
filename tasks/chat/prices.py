"""What calls cost: the endpoint's declared prices, else list prices, offline."""

from functools import lru_cache

from genai_prices import Usage, calc_price

from docmill.schemas.endpoint import Target
from docmill.tasks.chat.usage import Tokens

MILLION = 1_000_000


def cost_usd(target: Target, tokens: Tokens) -> float | None:
    """Price one reply in USD, cached input at its own price; None where there is no price at all."""
    if declared := target.endpoint.prices:
        cached = declared.input if declared.cached_input is None else declared.cached_input
        read = declared.input * (tokens.prompt - tokens.cached) + cached * tokens.cached
        return float((read + declared.output * tokens.completion) / MILLION)
    if not _listed(target.model):
        return None
    usage = Usage(
        input_tokens=tokens.prompt, cache_read_tokens=tokens.cached, output_tokens=tokens.completion
    )
    return float(calc_price(usage, model_ref=target.model).total_price)


@lru_cache(maxsize=64)
def _listed(model: str) -> bool:
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=model)
    except LookupError:
        return False
    return True
