"""The tokens of a reply: as the server counted them, where that can be."""

import math
from dataclasses import dataclass
from typing import Any

from docmill.schemas.chat import CompletionDetails, Message, PromptDetails, Reply, Usage
from docmill.schemas.endpoint import Endpoint
from docmill.tasks.chat.toolcalls import arguments_of
from docmill.tasks.checks.pictures import beyond_text
from docmill.tasks.checks.request import BYTES_PER_TOKEN, limit_of

MOST_BILLED_USD = 10_000.0  # a reply: beyond that it is no amount of money
SLACK_TOKENS = 64  # of ends and forms that servers count beyond max_tokens


@dataclass(frozen=True)
class Allowed:
    """What a request allows its usage to be: its bytes, the tokens of all its answers, the context's.

    A picture counts as many bytes as its tokens do.
    """

    request_bytes: int
    answer_tokens: int
    context_tokens: int

    @classmethod
    def of(cls, request: dict[str, Any], request_bytes: int, endpoint: Endpoint) -> "Allowed":
        """Read it out of a request."""
        answers = (limit_of(request) or endpoint.max_output_tokens) * (request.get("n") or 1)
        pictures = beyond_text(request, endpoint.picture_tokens)
        return cls(max(0, request_bytes - pictures), answers, endpoint.context_tokens)


@dataclass(frozen=True)
class Tokens:
    """What a reply took. `completion` has the `reasoning` in it, `prompt` what was `cached` and `kept`.

    `kept` is what the server put into its cache. `estimated` says that a count was missing or beyond what the
    request allows: bytes / 3 then. `billed_usd` is what the server itself says that it books.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False
    kept: int = 0
    billed_usd: float | None = None


def tokens_of(reply: Reply, allowed: Allowed) -> Tokens:
    """Count a reply's tokens.

    Reasoning that the server books beside completion_tokens is counted by total_tokens, or by its own
    figure. It may exceed max_tokens, but with all else not the context.
    """
    usage = reply.usage or Usage()
    prompt, said = _count(usage.prompt_tokens), _count(usage.completion_tokens)
    cached, kept = _cached(usage), _kept(usage)
    beside = max(0, _count(usage.total_tokens) - prompt - said) if prompt else 0
    if beside and beside in (cached, cached + kept):  # Claude's own count of the prompt leaves these out
        prompt, beside = prompt + beside, 0
    completion = said + beside
    told = _count((usage.completion_tokens_details or CompletionDetails()).reasoning_tokens)
    reasoning = min(max(told, beside if said else 0), completion)
    most = allowed.answer_tokens + SLACK_TOKENS
    sound = 0 < completion - reasoning * bool(said) <= most and completion <= most + allowed.context_tokens
    sound_prompt = 0 < prompt <= max(allowed.context_tokens, 2 * allowed.request_bytes)
    if not sound:
        completion, reasoning = _written_tokens(reply), 0
    if not sound_prompt:
        prompt, cached, kept = allowed.request_bytes // BYTES_PER_TOKEN, 0, 0
    estimated, cached = not (sound and sound_prompt), min(cached, prompt)
    return Tokens(
        prompt, completion, cached, reasoning, estimated, min(kept, prompt - cached), billed(usage.cost)
    )


def _cached(usage: Usage) -> int:
    details = usage.prompt_tokens_details or PromptDetails()
    names = details.cached_tokens, usage.prompt_cache_hit_tokens, usage.cache_read_input_tokens
    return max(map(_count, names))


def _kept(usage: Usage) -> int:
    details = usage.prompt_tokens_details or PromptDetails()
    names = details.cache_creation_tokens, details.cache_write_tokens, usage.cache_creation_input_tokens
    return max(map(_count, names))


def billed(cost: float | str | None) -> float | None:
    """Take a server's own bill in USD where it is an amount of money that one reply may cost."""
    try:
        usd = float(cost) if cost is not None else math.nan
    except ValueError:
        return None
    return usd if 0 <= usd <= MOST_BILLED_USD else None


def _count(tokens: int | None) -> int:
    return max(0, tokens or 0)


def _written_tokens(reply: Reply) -> int:
    return sum(len(_written(choice.message).encode()) for choice in reply.choices or []) // BYTES_PER_TOKEN


def _written(message: Message) -> str:
    return message.text() + "".join(arguments_of(call) for call in message.tool_calls or [])
