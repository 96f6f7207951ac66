"""A provider with a real prefix cache and books of its own: what it bills is counted by itself alone."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

from docmill.schemas.endpoint import Prices
from tests.support.connection import Reply, Request
from tests.support.shapes import completion, written

BYTES_A_TOKEN = 4
BLOCK_TOKENS = 128
MILLION = 1_000_000
Dialect = Literal["openai", "claude", "openrouter"]
PRICES = Prices(
    input=Decimal(3), output=Decimal(15), cached_input=Decimal("0.3"), cache_write=Decimal("3.75")
)


class PrefixCache:
    """The blocks of tokens that earlier requests began with: tools first, then system, then messages.

    A request with fewer than `least_tokens` is neither served from it nor kept.
    """

    def __init__(self, least_tokens: int = 0) -> None:
        self._least_tokens = least_tokens
        self._known: set[bytes] = set()

    def read(self, request: Mapping[str, Any]) -> tuple[int, int, int]:
        """Take a request in; gives its tokens, those served from the cache, and those put into it."""
        text = _laid_out(request)
        tokens = -(-len(text) // BYTES_A_TOKEN)
        if tokens < self._least_tokens:
            return tokens, 0, 0
        size = BLOCK_TOKENS * BYTES_A_TOKEN
        ends = range(size, len(text) + 1, size)
        blocks = [sha256(text[:end]).digest() for end in ends]
        known = next((at for at, block in enumerate(blocks) if block not in self._known), len(blocks))
        self._known.update(blocks)
        return tokens, known * BLOCK_TOKENS, (len(blocks) - known) * BLOCK_TOKENS


def _laid_out(request: Mapping[str, Any]) -> bytes:
    messages: Sequence[Mapping[str, Any]] = request["messages"]
    system = [each for each in messages if each["role"] == "system"]
    others = [each for each in messages if each["role"] != "system"]
    parts = request.get("tools", []), system, others
    return "\n".join(json.dumps(each, ensure_ascii=False) for part in parts for each in part).encode()


class Bill:
    """Answers well and writes down what it costs; `usd` is the whole bill, `tokens` what is on it.

    Each tenth reply is spoilt, unless it was asked for once more; each third one was thought about.
    """

    def __init__(self, dialect: Dialect = "openai", prices: Prices = PRICES) -> None:
        self.usd = Decimal(0)
        self.tokens: dict[str, int] = dict.fromkeys(
            ("prompt", "completion", "cached", "kept", "reasoning"), 0
        )
        self.replies = 0
        self._dialect = dialect
        self._prices = prices
        self._cache = PrefixCache()

    def rule(self, request: Request) -> Reply | None:
        """Answer a request for a completion, as `Provider.rule` takes it."""
        if not request.path.endswith("/v1/chat/completions"):
            return None
        self.replies += 1
        is_repair = len(request.parsed["messages"]) > 2
        reply = completion(request, "{}" if self.replies % 10 == 0 and not is_repair else None)
        prompt, cached, kept = self._cache.read(request.parsed)
        reasoning = 350 if self.replies % 3 == 0 else 0
        own = {"prompt": prompt, "cached": cached, "kept": kept, "reasoning": reasoning}
        own["completion"] = reply["usage"]["completion_tokens"] + reasoning
        cost = self._cost(own)
        self.usd += cost
        self.tokens = {name: count + own[name] for name, count in self.tokens.items()}
        return written({**reply, "usage": _usage(self._dialect, own, cost)})

    def _cost(self, of: Mapping[str, int]) -> Decimal:
        prices = self._prices
        fresh = prices.input * (of["prompt"] - of["cached"] - of["kept"])
        cached = (prices.cached_input or 0) * of["cached"] + (prices.cache_write or 0) * of["kept"]
        return (fresh + cached + prices.output * of["completion"]) / MILLION


def _usage(dialect: Dialect, of: Mapping[str, int], cost: Decimal) -> dict[str, Any]:
    """Write the usage as servers of a kind do."""
    whole: dict[str, Any] = {
        "completion_tokens": of["completion"],
        "total_tokens": of["prompt"] + of["completion"],
    }
    whole["completion_tokens_details"] = {"reasoning_tokens": of["reasoning"]}
    if dialect == "claude":  # its gateways leave what went through the cache out of prompt_tokens
        whole["prompt_tokens"] = of["prompt"] - of["cached"] - of["kept"]
        return whole | {
            "cache_read_input_tokens": of["cached"],
            "cache_creation_input_tokens": of["kept"],
        }
    details = {"cached_tokens": of["cached"], "cache_write_tokens": of["kept"]}
    whole |= {"prompt_tokens": of["prompt"], "prompt_tokens_details": details}
    return whole | ({"cost": float(cost)} if dialect == "openrouter" else {})
