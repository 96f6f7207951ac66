"""How an answer came to be: one call of a step, as it is kept with the step's outcome."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer

# paid: at the first try. retried: after tries that failed. repaired: after a reply that would not do.
# cached: not paid for. failed: no reply that could be read; it may have been billed.
CallKind = Literal["paid", "retried", "repaired", "cached", "failed"]
SHORT_KEY = 12  # characters of a key's digest that are shown


class CallMade(BaseModel):
    """One reply, or an attempt that got none; of a cached one the tokens are those that were paid for once.

    `key` is the beginning of its request's cache key, `model` the one that was asked.
    """

    model_config = ConfigDict(frozen=True)

    at: Annotated[datetime, PlainSerializer(lambda at: at.isoformat(timespec="milliseconds"), str)]
    kind: CallKind
    model: str
    key: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = 0.0


def short(key: str) -> str:
    """Give the beginning of a cache key's digest."""
    return key.rpartition("/")[2][:SHORT_KEY]
