"""The requests of the votes of a step: where it can be one that asks for several choices, else one a vote."""

import rfc8785

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.steps import StepOptions
from docmill.tasks.checks.request import parsed

TEMPERATURE = 0.7  # at 0 a model says the same again


def asking_choices(body: bytes, options: StepOptions, votes: int) -> bytes:
    """Write a body so that it asks for the choices of all votes."""
    return rfc8785.dumps({**parsed(body), **_warmer(options), "n": votes})


def asking_again(body: bytes, options: StepOptions, vote: int) -> bytes:
    """Write a body as a vote asks it, counted from 0: the first asks as a step without votes does.

    The others differ by their `seed`, which is in the cache's key: each is a call of its own.
    """
    if vote == 0:
        return body
    request = parsed(body)
    return rfc8785.dumps({**request, **_warmer(options), "seed": int(request.get("seed") or 0) + vote})


def bodies(body: bytes, options: StepOptions, votes: int, endpoint: Endpoint) -> list[bytes]:
    """List the bodies of all votes on one request."""
    if votes == 1:
        return [body]
    if endpoint.choices:
        return [asking_choices(body, options, votes)]
    return [asking_again(body, options, vote) for vote in range(votes)]


def _warmer(options: StepOptions) -> dict[str, float]:
    """Give the votes' temperature, unless the step has its own or asks for none."""
    return {} if "temperature" in options.params else {"temperature": TEMPERATURE}
