"""OpenTelemetry's view of calls: a span and its duration each, and what they took, by the GenAI conventions.

Written through OpenTelemetry's API, which Prefect brings; where no SDK is configured, that does nothing.
Never a text, a key or an error's words: numbers, and names that the pipeline declares.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from docmill.schemas.chat import Reply, Usage
from docmill.schemas.endpoint import Target
from docmill.schemas.outcome import Tally

Attributes = Mapping[str, str | int]

# The conventions' own bounds.
BOUNDS_S = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]

# Proxies: they write from the moment that an SDK is configured, also after this import.
METER = metrics.get_meter("docmill")
DURATION = METER.create_histogram(
    "gen_ai.client.operation.duration",
    "s",
    "How long one HTTP request for a completion took",
    explicit_bucket_boundaries_advisory=BOUNDS_S,
)
CALLS = METER.create_counter("docmill.calls", "{call}", "Replies paid for")
TOKENS = METER.create_counter("docmill.tokens", "{token}", "Tokens of prompts and replies")
COST = METER.create_counter("docmill.cost", "USD", "Cost of the calls that have a price")


@contextmanager
def spanned(name: str, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """Open a span around the block; what is raised in it is told by its class alone."""
    tracer = trace.get_tracer("docmill")
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


@contextmanager
def call_span(target: Target) -> Iterator[Callable[[Reply], None]]:
    """Open the span of one request, and time it; gives what takes its reply."""
    asked, fault = _asked(target), {}
    begun = time.perf_counter()
    try:
        with spanned(f"chat {target.model}", asked, SpanKind.CLIENT) as span:
            yield lambda reply: span.set_attributes(_answered(reply))
    except BaseException as error:
        fault["error.type"] = type(error).__name__
        raise
    finally:
        DURATION.record(time.perf_counter() - begun, {**asked, **fault})


def booked(target: Target, tally: Tally) -> None:
    """Count what a call took, as it is booked."""
    asked = _asked(target)
    CALLS.add(tally.calls, asked)
    TOKENS.add(tally.prompt_tokens, {**asked, "gen_ai.token.type": "input"})
    TOKENS.add(tally.completion_tokens, {**asked, "gen_ai.token.type": "output"})
    if tally.cost_usd is not None:
        COST.add(tally.cost_usd, asked)


def _asked(target: Target) -> dict[str, str | int]:
    url = urlsplit(target.endpoint.base_url)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": target.name,
        "gen_ai.request.model": target.model,
        "server.address": url.hostname or "",
        "server.port": url.port or (443 if url.scheme == "https" else 80),
    }


def _answered(reply: Reply) -> dict[str, str | int | list[str]]:
    usage = reply.usage or Usage()
    reasons = [choice.finish_reason for choice in reply.choices or () if choice.finish_reason]
    said = {
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": reasons or None,
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }
    return {name: value for name, value in said.items() if value is not None}
