"""What is wrong with a request, found before it is sent."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from docmill.schemas.chat_request import ChatRequest
from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.pictures import BYTES_PER_TOKEN as BYTES_PER_TOKEN
from docmill.tasks.checks.pictures import counted

SAFE_INTEGERS = range(-(2**53) + 1, 2**53)  # the integers that RFC 8785 takes
LONGEST_QUOTED_BYTES = 16_384  # of a reply that is answered; a longer one is not sent back
LIMITS = ("max_completion_tokens", "max_tokens")
PROBE: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "text"}]}


def parsed(body: bytes) -> dict[str, Any]:
    """Read a canonical body so that it can be written anew: a large whole number is a float, as it was."""
    request: dict[str, Any] = json.loads(body, parse_int=_number)
    return request


def _number(digits: str) -> int | float:
    return int(digits) if int(digits) in SAFE_INTEGERS else float(digits)


def request_faults(request: Any) -> list[tuple[Place, str]]:
    """List the fields that break a rule of the endpoint's page, each with its value and the rule."""
    try:
        ChatRequest.model_validate(request)
    except ValidationError as error:
        return faults(error, request, ChatRequest)
    return []


def parameter_faults(parameters: Mapping[str, Any]) -> list[tuple[Place, str]]:
    """List what is wrong with further parameters of a request whose messages are docmill's own."""
    said = {name: value for name, value in parameters.items() if value is not None}
    return request_faults({**PROBE, **said})


def require_request(request: Any) -> None:
    """Raise ConfigError where a request must not be sent, a line for each fault."""
    if wrong := request_faults(request):
        lines = (": ".join(part for part in (place(at), fault) if part) for at, fault in wrong)
        raise ConfigError("\n".join(lines))


def limit_of(request: Mapping[str, Any]) -> int | None:
    """Give the limit of a request's answer in tokens, under the name that it has."""
    return next((limit for name in LIMITS if (limit := request.get(name))), None)


def require_room(body: bytes, endpoint: Endpoint) -> None:
    """Refuse what the endpoint's context cannot hold, before it is sent: nothing is cut silently.

    Raises Unreadable; tokens are estimated as bytes / 3, those of a picture as the endpoint says.
    """
    limit = endpoint.context_tokens
    if (needed := _needed(body, endpoint)) > limit:
        raise Unreadable(
            f"too long: about {needed:,} tokens with the reply, and the endpoint takes {limit:,}. "
            "Give the step `long: parts`, or max_input_tokens, or use a model with a larger context"
        )


def has_room(body: bytes, endpoint: Endpoint) -> bool:
    """Say whether the endpoint's context can hold a request."""
    return _needed(body, endpoint) <= endpoint.context_tokens


def _needed(body: bytes, endpoint: Endpoint) -> int:
    """Estimate the tokens of a request with its reply."""
    request = json.loads(body)
    return _bytes(request, endpoint) // BYTES_PER_TOKEN + _reply(request, endpoint)


def most_bytes(request: Mapping[str, Any], endpoint: Endpoint) -> int:
    """Count the bytes that a request's messages may grow by until the endpoint's context is full."""
    room = endpoint.context_tokens - _reply(request, endpoint)
    return (room + 1) * BYTES_PER_TOKEN - 1 - _bytes(request, endpoint)


def _bytes(request: Mapping[str, Any], endpoint: Endpoint) -> int:
    return sum(counted(message, endpoint.picture_tokens) for message in request["messages"])


def _reply(request: Mapping[str, Any], endpoint: Endpoint) -> int:
    return limit_of(request) or endpoint.max_output_tokens
