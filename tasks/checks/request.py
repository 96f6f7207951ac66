"""What is wrong with a request, found before it is sent."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from docmill.schemas.chat import ChatRequest
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.faults import place

PROBE: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "text"}]}


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
