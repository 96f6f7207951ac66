"""The cache key: what makes two requests the same, down to the last digit of the digest."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from docmill.tasks.chat.key import cache_key
from docmill.tasks.checks.request import parsed

REQUEST: dict[str, Any] = {
    "model": "claude-3-haiku-20240307",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße 😀 \u2028"}],
    "max_tokens": 100,
    "temperature": 0.5,
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SCHEMA = '{"type":"object"}'
UNHASHED = ("stream", "stream_options", "user")
IDENTITY = "https://api.302.ai/v1"


def key(request: Any = REQUEST, schema: str | None = None, identity: str = IDENTITY) -> str:
    return cache_key(rfc8785.dumps(request), schema, identity)


@pytest.mark.parametrize(
    ("request_", "schema", "identity", "digest"),
    [
        (REQUEST, None, IDENTITY, "d6cdc3a94e9edcbdc1187daf4bde657d339c53d03641fe869a69bee1391caa5e"),
        (REQUEST, SCHEMA, IDENTITY, "c5e9e63f05f274ac3d5eadb3f36980ee19b42e97e2286c7f692f97db389bc3b6"),
        (REQUEST, None, "local/abc", "fad96fefdac04be0fae778460440df11954613c04fcb1ace01db5354a2a7b6a8"),
        (
            {**REQUEST, "tools": [TOOL], "stop": ["\n"]},
            None,
            IDENTITY,
            "b2b7803bc2c62087fb94f81a5f96214ee22e49fe343fb8f51c7f929b74992932",
        ),
        (
            {**REQUEST, "temperature": 1.0, "stream": True, "user": "a"},
            None,
            IDENTITY,
            "2672e6881d98f4046bc39bac69806b08f49171f3e25811f483f69de66f4d5575",
        ),
        ({}, None, "", "4bcbed87266171e562bec79ceb0f20f94ebd938d0ecb371a29299499d2edd8bc"),
    ],
)
def test_these_keys_never_change(request_: Any, schema: str | None, identity: str, digest: str):
    """Another digest here empties everyone's cache: every reply in it would be paid for again."""
    assert key(request_, schema, identity) == f"chat/v1/{digest[:2]}/{digest}"


def test_the_key_is_the_hash_of_the_hashes_of_its_parts():
    """As anyone can compute it with other tools."""
    parts = (rfc8785.dumps(REQUEST), SCHEMA.encode(), IDENTITY.encode())
    whole = b"".join(hashlib.sha256(part).digest() for part in parts)
    assert key(schema=SCHEMA).endswith(f"/{hashlib.sha256(whole).hexdigest()}")


def test_a_key_is_a_path_below_the_records_spread_over_256_folders():
    assert re.fullmatch(r"chat/v1/([0-9a-f]{2})/\1[0-9a-f]{62}", key())


TEXT = st.text(max_size=8)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.dictionaries(TEXT | st.sampled_from(list(REQUEST)), JSON, max_size=6)
UNHASHED_FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(UNHASHED, JSON))


def reordered(value: Any) -> Any:
    """Give the same value with the members of every object the other way round."""
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def as_floats(value: Any) -> Any:
    """Give the same value with every whole number written as a float."""
    if isinstance(value, dict):
        return {name: as_floats(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_floats(item) for item in value]
    return float(value) if type(value) is int else value


@given(REQUESTS)
@example({"maximum": 1e18, "minimum": -(2.0**53)})
def test_a_body_that_is_read_can_be_written_anew(request_: Any):
    body = rfc8785.dumps(request_)
    assert rfc8785.dumps(parsed(body)) == body


@given(REQUESTS)
def test_the_order_of_members_does_not_matter(request_: Any):
    assert key(reordered(request_)) == key(request_)


@given(REQUESTS)
def test_a_whole_number_is_the_same_with_a_point(request_: Any):
    assert key(as_floats(request_)) == key(request_)


@given(REQUESTS, UNHASHED_FIELDS, UNHASHED_FIELDS)
@example({"maximum": 1e18}, {"user": "a"}, {})
def test_stream_and_user_do_not_matter(request_: Any, these: Any, those: Any):
    plain = {name: value for name, value in request_.items() if name not in UNHASHED}
    assert key(plain | these) == key(plain | those) == key(plain)


def test_stream_and_user_matter_where_they_are_not_the_requests_own():
    """A tool may well have a property `user`."""
    for name in UNHASHED:
        assert key({**REQUEST, "metadata": {name: 1}}) != key({**REQUEST, "metadata": {}})


def _dropped(request: dict[str, Any], name: str, _: Any) -> dict[str, Any]:
    return {other: value for other, value in request.items() if other != name}


def _set(request: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**request, name: value}


def _wrapped(request: dict[str, Any], name: str, _: Any) -> dict[str, Any]:
    return {**request, name: [request.get(name)]}


@given(REQUESTS, st.sampled_from([_dropped, _set, _wrapped]), st.sampled_from(list(REQUEST)), JSON)
def test_any_other_change_is_another_key(
    request_: Any, change: Callable[[Any, str, Any], Any], name: str, value: Any
):
    changed = change(request_, name, value)
    assume(rfc8785.dumps(changed) != rfc8785.dumps(request_))
    assert key(changed) != key(request_)


@pytest.mark.parametrize(
    "other",
    [
        {**REQUEST, "model": "claude-3-opus-20240229"},
        {**REQUEST, "max_tokens": 101},
        {**REQUEST, "temperature": 0.50000001},
        {**REQUEST, "temperature": None},
        {**REQUEST, "messages": REQUEST["messages"][::-1]},
        {**REQUEST, "messages": [{"role": "user", "content": "Gru\u0308ße 😀 \u2028"}]},
        {**REQUEST, "tools": []},
        {**REQUEST, "User": "a"},
    ],
)
def test_another_request_is_another_key(other: Any):
    assert key(other) != key()


@given(JSON.map(json.dumps), JSON.map(json.dumps), TEXT, TEXT)
def test_schema_and_identity_are_parts_of_their_own(schema: str, other: str, identity: str, elsewhere: str):
    """What moves from one part to the next is another key."""
    assert (key(schema=schema) == key(schema=other)) == (schema == other)
    assert (key(identity=identity) == key(identity=elsewhere)) == (identity == elsewhere)
    assert key(schema=schema + identity, identity="") != key(schema=schema, identity=identity) or not identity
    assert key(schema=schema, identity="") != key(schema=None, identity=schema)
