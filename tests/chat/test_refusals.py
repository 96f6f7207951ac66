"""Which error a server's refusal is: a minute's limit, an empty account, one document, or a busy server."""

import json
from typing import Any

import pytest

from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.errors import Blocked, ChatError, Fatal, Permanent, RateLimited, Refused, Transient
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.errors import refusal
from docmill.tasks.chat.session import MOST_PAGES, session

PAGE = b"<!DOCTYPE html><html><body>Blocked by the load balancer. Access denied.</body></html>"


def said(answered: int, message: str, **others: Any) -> ChatError:
    """Give the error of a refusal in the protocol's envelope."""
    return refusal(answered, {}, json.dumps({"error": {"message": message, **others}}).encode())


@pytest.mark.parametrize(
    ("message", "others"),
    [
        ("Quota reached for requests per minute", {}),
        ("Your TPM quota is used up", {"type": "tokens"}),
        ("The quota of this minute is spent", {"code": 429, "status": "RESOURCE_EXHAUSTED"}),
        ("Resource exhausted, see the quota", {"status": "RESOURCE_EXHAUSTED"}),
        ("Too many requests for the quota", {"code": "Throttling.RateQuota"}),
        ("The allocated quota is used up", {"code": "Throttling.AllocationQuota"}),
        ("Check your plan and billing", {"details": [{"quotaId": "TokensPerMinutePerProject"}]}),
        ("Your balance of requests per day is used up", {}),
        ("Slow down", {}),
    ],
)
def test_a_429_that_speaks_of_a_limit_is_a_rate_limit(message: str, others: Any):
    assert type(said(429, message, **others)) is RateLimited


@pytest.mark.parametrize(
    ("message", "others"),
    [
        ("The quota of your plan is spent", {"code": "insufficient_quota"}),
        ("See your billing page", {"type": "billing_error"}),
        ("Your account is in arrears", {}),
        ("The balance is too low: recharge it", {}),
    ],
)
def test_a_429_that_says_that_the_account_is_empty_stops_the_run(message: str, others: Any):
    assert type(said(429, message, **others)) is Fatal


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ({"message": "m", "details": [{"retryDelay": "1.5s"}]}, 1.5),
        ({"message": "Please try again in 250ms."}, 0.25),
        ({"message": "come back in 2s"}, 2.0),
        ({"message": "Retry after 3 s"}, 3.0),
        ({"message": "Try again in a minute"}, None),
    ],
)
def test_how_long_to_wait_is_read_out_of_the_body_where_no_header_says_it(words: Any, seconds: float | None):
    assert said(429, words.pop("message"), **words).retry_after_s == seconds


def test_a_header_comes_before_what_the_body_says():
    body = json.dumps({"error": {"message": "try again in 9s"}}).encode()
    assert refusal(429, {"retry-after": "0.3"}, body).retry_after_s == 0.3


def test_googles_list_of_errors_is_read():
    body = json.dumps([{"error": {"message": "m", "status": "RESOURCE_EXHAUSTED", "code": 429}}]).encode()
    assert refusal(429, {}, body).code == "429"


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize(
    ("message", "others"),
    [
        ("Rejected", {"code": "content_filter"}),
        ("It breaks our content policy", {}),
        ("The input was flagged by a check", {"type": "moderation", "code": 403}),
        ("m", {"code": "data_inspection_failed"}),
    ],
)
def test_a_moderated_document_is_refused_and_ends_no_run(status: int, message: str, others: Any):
    assert type(said(status, message, **others)) is Refused


def test_a_403_of_the_key_stops_the_run():
    assert type(said(403, "This key has no access", code="forbidden")) is Fatal


@pytest.mark.parametrize("status", [403, 406])
def test_a_page_in_the_servers_place_fails_its_document_whatever_words_it_has(status: int):
    error = refusal(status, {}, PAGE)
    assert type(error) is Blocked
    assert "a page" in str(error)


async def test_pages_alone_from_the_beginning_stop_the_run_and_after_a_reply_they_do_not():
    target = Target(name="t", endpoint=Endpoint(base_url="http://127.0.0.1:9/v1"), model="m", identity="t")
    page = Blocked("a page", status=403)
    async with session(target, Limits()) as opened:
        for _ in range(MOST_PAGES - 1):
            opened.blocked(page)
        with pytest.raises(Fatal):
            opened.blocked(page)
    async with session(target, Limits()) as opened:
        opened.served = True
        for _ in range(2 * MOST_PAGES):
            opened.blocked(page)


@pytest.mark.parametrize(
    "message",
    [
        "This model is currently not available due to high demand.",
        "The model is overloaded and not available",
        "Model not available, try again later",
    ],
)
def test_a_busy_server_is_asked_again(message: str):
    assert type(said(503, message)) is Transient


def test_a_model_that_is_not_there_stops_the_run():
    assert type(said(503, "The model m is not available")) is Fatal


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (
            "'max_tokens' is not supported: use 'max_completion_tokens'",
            "max_tokens_name: max_completion_tokens",
        ),
        ("'temperature' does not support 0", "params: {temperature: null}"),
        ("schema is not strict: 'required' has to name each property", "strict: false"),
        ("response_format is not supported", "structured_output: tools, or text"),
        ("tool_choice is not supported", "structured_output: json_schema, or text"),
        ("stream_options is unknown", "stream: false"),
    ],
)
def test_a_parameter_that_is_not_taken_is_told_with_the_key_that_helps(message: str, key: str):
    error = said(400, message)
    assert type(error) is Permanent
    assert key in str(error)
    assert key in error.remedy


def test_what_a_400_says_of_something_else_names_no_key():
    assert str(said(400, "The document is too long")) == "the server answered 400"
