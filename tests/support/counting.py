"""What a provider bills by its own count, whatever docmill's books say."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.connection import Reply, Request
from tests.support.provider import Provider
from tests.support.shapes import Shape, answered, written

INPUT, OUTPUT = 1_000.0, 5_000.0  # USD a million tokens: a call of these tests costs about a dollar
PRICES = f"prices: {{input: {INPUT:.0f}, output: {OUTPUT:.0f}}}"


def priced(provider: Provider) -> str:
    """Write the provider's mapping, with its prices, for a pipeline's `endpoint`."""
    return f"{{base_url: {provider.url}, {PRICES}}}"


def usd(prompt: int, completion: int, prices: tuple[float, float] = (INPUT, OUTPUT)) -> float:
    """Price a reply's tokens."""
    return (prompt * prices[0] + completion * prices[1]) / 1_000_000


class Biller:
    """Adds up what a provider's replies cost as they are given."""

    def __init__(
        self,
        provider: Provider,
        choose: Callable[[Request], Shape] = lambda _: "ok",
        prices: tuple[float, float] = (INPUT, OUTPUT),
    ) -> None:
        self.usd = 0.0
        self._choose = choose
        self._prices = prices
        provider.rule(self._answered)

    def _answered(self, request: Request) -> Shape:
        reply = answered(self._choose(request), request)
        if reply.status == 200 and not reply.hangs_up:
            usage = said(reply).get("usage") or {}
            self.usd += usd(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0), self._prices)
        return reply


def wordy(request: Request) -> Reply:
    """Answer well with as many tokens as max_tokens allows, and a token a byte read: nothing costs more."""
    limit = next(request.parsed[name] for name in ("max_tokens", "max_completion_tokens"))
    reply = said(answered("ok", request))
    reply["usage"] = {
        "prompt_tokens": len(request.body),
        "completion_tokens": limit,
        "total_tokens": limit + len(request.body),
    }
    return written(reply)


def said(reply: Reply) -> Any:
    """Read the JSON of a reply."""
    return json.loads(b"".join(part for part in reply.parts if isinstance(part, bytes)))
