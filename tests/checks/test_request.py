"""What an endpoint's context cannot hold is refused, at the token."""

import json
from typing import Any

import pytest

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import Unreadable
from docmill.tasks.checks.request import BYTES_PER_TOKEN, limit_of, require_room

ENDPOINT = Endpoint(base_url="http://127.0.0.1/v1", context_tokens=1000, max_output_tokens=100)


def body(tokens: int, **keys: Any) -> bytes:
    """Write a request whose messages are so many tokens long."""
    messages = [{"role": "user", "content": "x" * (tokens * BYTES_PER_TOKEN)}]
    return json.dumps({"model": "m", "messages": messages, **keys}).encode()


@pytest.mark.parametrize(("tokens", "limit"), [(900, None), (900, 100), (800, 200), (1, 999), (10, 50)])
def test_what_fits_to_the_token_is_taken(tokens: int, limit: int | None):
    require_room(body(tokens, max_tokens=limit), ENDPOINT)


@pytest.mark.parametrize(("tokens", "limit"), [(901, None), (901, 100), (801, 200), (1, 1000), (5000, 1)])
def test_a_token_more_is_refused_with_both_numbers(tokens: int, limit: int | None):
    needed = tokens + (limit or ENDPOINT.max_output_tokens)
    with pytest.raises(Unreadable, match=rf"^too long: about {needed:,} tokens .* takes 1,000\."):
        require_room(body(tokens, max_tokens=limit), ENDPOINT)


def test_the_limit_has_either_name():
    assert limit_of({"max_completion_tokens": 7, "max_tokens": 5}) == 7
    assert limit_of({"max_tokens": 5}) == 5
    assert limit_of({"max_tokens": None}) is None
