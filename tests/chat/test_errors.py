"""What a server's refusal means, and that the errors of the tree survive what Prefect does to them."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect.serializers import JSONSerializer

from docmill.schemas.errors import (
    Blocked,
    ChatError,
    ConfigError,
    DocmillError,
    Fatal,
    MaybeBilled,
    OverBudget,
    Permanent,
    RateLimited,
    Transient,
    Unserved,
)
from docmill.tasks.chat.errors import (
    EXCERPT_CHARS,
    NAME_CHARS,
    NO_MODEL_REMEDY,
    REDIRECTED,
    REMEDIES,
    refusal,
)

SECRET = "sk-a/very/secret"
MEANINGS: dict[type[ChatError], list[int]] = {
    Fatal: [300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405],
    Permanent: [201, 204, 400, 406, 410, 411, 413, 414, 415, 416, 422, 431, 451, 499],
    Transient: [408, 409, 425, 500, 501, 502, 503, 505, 520, 521, 522, 523, 599],
    MaybeBilled: [504, 524],
    RateLimited: [429, 529],
}
BY_STATUS = [(status, kind) for kind, statuses in MEANINGS.items() for status in statuses]
NO_302AI_MODEL = {
    "err_code": -10008,
    "message": "No available models currently",
    "message_cn": "当前无可用模型",
    "type": "api_error",
}


def said(status: int, body: Any = b"", secret: str | None = None, **headers: str) -> ChatError:
    """Give the error of an answer; `retry_after="1"` is the header retry-after."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(status, named, content, secret)


def message(text: str, **others: Any) -> dict[str, Any]:
    return {"error": {"message": text, **others}}


def every(kind: type[DocmillError]) -> list[type[DocmillError]]:
    return [kind, *(leaf for below in kind.__subclasses__() for leaf in every(below))]


# The status alone


@pytest.mark.parametrize(("status", "kind"), BY_STATUS)
def test_a_status_has_one_meaning(status, kind):
    error = said(status)
    assert type(error) is kind
    assert error.status == status
    assert not error.again


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_what_stops_the_run_names_its_remedy(status):
    assert said(status).remedy == REMEDIES[status]


def test_a_redirect_stops_the_run_and_says_why_it_is_not_followed():
    assert said(307, location="https://elsewhere.example").remedy == REDIRECTED


# The server's wish


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Transient), (401, Transient), (422, Transient), (500, Transient), (504, MaybeBilled)],
)
def test_a_server_that_wants_another_try_gets_it(status, kind):
    error = said(status, x_should_retry="true", retry_after="7")
    assert type(error) is kind
    assert error.retry_after_s == 7


@pytest.mark.parametrize("status", [429, 529])
def test_a_rate_limit_stays_one_when_the_server_wants_another_try(status):
    """Anthropic sends the header with its rate limits: they still spend no try."""
    error = said(status, x_should_retry="true", retry_after="7")
    assert type(error) is RateLimited
    assert error.retry_after_s == 7


@pytest.mark.parametrize("status", [400, 408, 409, 429, 500, 503, 504, 529])
def test_a_server_that_wants_no_other_try_is_asked_no_more(status):
    assert type(said(status, x_should_retry="false", retry_after="7")) is Permanent


@pytest.mark.parametrize("status", [302, 401, 402, 403, 404, 405])
def test_what_stops_the_run_stops_it_whether_or_not_it_may_be_tried_again(status):
    assert type(said(status, x_should_retry="false")) is Fatal


@pytest.mark.parametrize("wish", ["", "TRUE", "yes", "0"])
def test_another_wish_is_none(wish):
    assert type(said(400, x_should_retry=wish)) is Permanent
    assert type(said(500, x_should_retry=wish)) is Transient


def test_a_redirect_is_not_tried_again_whatever_the_server_wants():
    assert type(said(302, x_should_retry="true")) is Fatal


# What the body says of money


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, message("You exceeded your current quota, please check your plan", type="insufficient_quota")),
        (429, message("Quota used up", code="insufficient_quota")),
        (429, message("exceeded", type="exceeded_current_quota_error")),
        (429, message("Insufficient balance")),
        (429, message("余额不足或无可用资源包", code="1113")),
        (429, b"account_balance is too low"),
        (403, message("user quota is not enough", code="insufficient_user_quota")),
        (400, message("Access denied: is the account in good standing?", code="Arrearage")),
        (400, message("Your credit balance is too low to access the API.", type="invalid_request_error")),
        (400, message("You have reached your specified API usage limits.")),
        (400, message("Billing hard limit has been reached", code="billing_hard_limit_reached")),
        (400, message("The workspace has reached its monthly spend limit")),
        (402, message("Payment required")),
        (429, [message("insufficient funds")]),
        (429, {"msg": "out of credits"}),
        (429, {"error": "insufficient credit"}),
    ],
)
def test_an_account_without_money_stops_the_run(status, body):
    error = said(status, body)
    assert type(error) is Fatal
    assert error.remedy == REMEDIES[402]


@pytest.mark.parametrize("wish", [{}, {"x_should_retry": "false"}, {"x_should_retry": "true"}])
def test_a_429_about_money_is_no_rate_limit_whatever_the_server_wants(wish):
    assert type(said(429, message("quota", code="insufficient_quota"), **wish)) is Fatal


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for requests",
        "Quota exceeded: 60 requests per minute",
        "Quota exceeded for metric GenerateRequestsPerMinutePerProject",
        "You exceeded your current quota of 3 requests / per min",
        "You exceeded your current quota. Read https://ai.example/docs/rate-limits",
        "This request would exceed your organization's rate limit of 50,000 input tokens per minute",
        "Too many requests, your balance is fine",
        "Daily quota: 1000 requests per day",
        "the load balancer is busy",
        "",
    ],
)
def test_a_limit_in_time_is_waited_out(text):
    assert type(said(429, message(text))) is RateLimited


@pytest.mark.parametrize(
    "text",
    [
        "Invalid value: 'The balance of 20 EUR is due on Friday'",
        "messages[1].content: the export quota was raised",
        "Prompt token usage exceeds the limit of the context",
        "Unbalanced parenthesis in the schema",
    ],
)
def test_a_400_that_quotes_the_document_fails_the_document_alone(text):
    assert type(said(400, message(text))) is Permanent


@pytest.mark.parametrize("status", [408, 500, 502, 503, 529])
def test_a_broken_server_that_speaks_of_quotas_is_a_broken_server(status):
    assert type(said(status, message("the quota service does not answer"))) is not Fatal


# What the body says of the model


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, message("The model `m` does not exist", code="model_not_found")),
        (404, message("model: claude-9 not found", type="not_found_error")),
        (400, message("Unknown model m")),
        (400, message("Model m is not supported by any provider")),
        (503, message("No available model m in group default")),
    ],
)
def test_a_model_that_is_not_served_stops_the_run(status, body):
    error = said(status, body)
    assert type(error) is Fatal
    assert error.remedy == NO_MODEL_REMEDY


@pytest.mark.parametrize("status", [200, 500, 503])
def test_302ai_says_of_a_model_that_it_is_not_there_at_the_moment(status):
    error = said(status, {"error": NO_302AI_MODEL})
    assert type(error) is Unserved
    assert error.remedy == NO_MODEL_REMEDY


def test_the_other_codes_of_302ai_mean_what_their_status_means():
    """-10003 stands for a wrong parameter and for a network error alike."""
    body = {"error": {"err_code": -10003, "message": "Parameter error", "type": "api_error"}}
    assert type(said(400, body)) is Permanent
    assert type(said(500, body)) is Transient


# What the error carries


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": NO_302AI_MODEL}, "-10008"),
        (message("m", code="c", type="t"), "c"),
        (message("m", code=None, type="t"), "t"),
        (message("m", code="", type="t"), "t"),
        (message("m", code={"a": 1}, type=["t"]), None),
        (message("m", code=429), "429"),
        ({"code": 7, "msg": "m"}, "7"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "overloaded_error"),
        ({"error": "text", "code": "c"}, "c"),
        ({"error": 5}, None),
        ({"error": None}, None),
        ({}, None),
        ([message("m", code="c")], "c"),
        ("text", None),
    ],
)
def test_the_code_is_read_out_of_any_envelope(body, code):
    error = said(400, body)
    assert error.code == code
    assert str(error) == "the server answered 400" + (f" ({code})" if code else "")


@pytest.mark.parametrize("name", ["x-request-id", "request-id"])
def test_the_request_id_is_kept(name):
    assert refusal(500, {name: "req-1"}, b"").request_id == "req-1"


def test_x_request_id_comes_before_request_id():
    assert said(500, x_request_id="a", request_id="b").request_id == "a"


def test_the_body_is_kept_up_to_500_characters():
    assert said(400, "ä".encode() * 1000).body == "ä" * EXCERPT_CHARS
    assert said(400, b"short").body == "short"


def test_the_wait_is_kept():
    assert said(429, retry_after="7").retry_after_s == 7
    assert said(503, retry_after_ms="1500").retry_after_s == 1.5
    assert said(503).retry_after_s is None


@pytest.mark.parametrize("written", [SECRET, json.dumps(SECRET), SECRET.replace("/", "\\/")])
@pytest.mark.parametrize("place", ["message", "code"])
def test_the_key_is_in_nothing_that_the_error_carries(written, place):
    """Some servers escape the slash in JSON."""
    body = f'{{"error": {{"{place}": "Incorrect key {written.strip(chr(34))}"}}}}'.encode()
    error = refusal(401, {"x-request-id": SECRET}, body, SECRET)
    assert "secret" not in f"{error!r} {error.__dict__}"
    assert "[key]" in error.body


def test_the_key_is_taken_out_before_the_body_is_cut():
    body = b"." * (EXCERPT_CHARS - 5) + SECRET.encode()
    assert refusal(401, {}, body, SECRET).body.endswith(".[key]")


def test_what_cannot_stand_in_a_database_or_a_log_is_left_out():
    """PostgreSQL takes no U+0000, no encoder half of a surrogate pair, and a log has one line."""
    assert said(400, b'{"error": {"code": "a\\u0000\\ud800\\nb\\u001b[31m"}}').code == "ab[31m"
    assert said(400, b"a\0b").body == "a\ufffdb"
    assert len(said(400, message("m", code="c" * 1000)).code or "") == NAME_CHARS


# Odd bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"\xed\xa0\x80",
        b"null",
        b"[]",
        b'""',
        b"NaN",
        b"1" * 5000,
        b"[" * 100_000,
        b'{"error":' * 100_000,
        b'{"error": {"message": ["a"], "code": 1e400}}',
        b'{"error": {"message": {"text": "a"}}}',
        b'{"error": []}',
        b'{"error": true, "code": false}',
    ],
    ids=lambda body: body[:20].decode(errors="replace"),
)
def test_a_body_of_any_shape_means_what_its_status_means(body):
    for status, kind in BY_STATUS:
        assert type(said(status, body)) is kind


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ('{"error":', "}"), ('{"message":', "}"), ('{"error":{"code":', "}}")],
)
def test_no_depth_of_nesting_crashes(opening, closing):
    """At some depths a value can just be read and no longer be written."""
    for depth in range(1, 1200):
        assert type(said(400, f"{opening * depth}1{closing * depth}".encode())) is Permanent


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "err_code", "type", "msg", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "x-request-id"]),
    st.text() | st.sampled_from(["true", "false"]),
)


@given(st.integers(100, 999), HEADERS, st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
@example(400, {}, b'{"error": {"code": "\\ud800"}}')
def test_any_answer_is_an_error_that_can_be_stored(status, headers, body):
    """Whatever a server sends is an error of the tree, in text that every database and log takes."""
    error = refusal(status, headers, body, SECRET)
    assert isinstance(error, ChatError)
    assert error.status == status
    told = f"{error}{error.code}{error.request_id}{error.body}"
    assert told.encode().decode() == told
    assert "\0" not in told
    assert "\n" not in f"{error}{error.code}{error.request_id}"
    assert len(error.body) <= EXCERPT_CHARS


# The tree


@pytest.mark.parametrize("kind", every(DocmillError))
def test_an_error_can_be_built_from_its_message_alone(kind):
    """Prefect revives a failed task's error so."""
    assert str(kind("what happened")) == "what happened"


@pytest.mark.parametrize("kind", every(ChatError))
@pytest.mark.parametrize("over", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_keeps_its_attributes(kind, over):
    error = kind("m", remedy="r", status=503, code="c", request_id="id", body="b")
    error.again, error.retry_after_s = True, 7.0
    revived = over(error)
    assert type(revived) is kind
    assert (str(revived), revived.__dict__) == ("m", error.__dict__)


@pytest.mark.parametrize("kind", every(DocmillError))
def test_an_error_comes_back_from_prefects_serializer_by_its_message(kind):
    serializer = JSONSerializer()
    revived = serializer.loads(serializer.dumps(kind("m")))
    assert type(revived) is kind
    assert str(revived) == "m"


def test_only_four_kinds_are_also_another():
    """The class tells what ends a run, a document or a try."""
    leaves = every(ChatError)[1:]
    below = {
        (kind, other) for kind in leaves for other in leaves if kind is not other and issubclass(kind, other)
    }
    assert below == {
        (MaybeBilled, Transient),
        (Unserved, Transient),
        (Blocked, Permanent),
        (OverBudget, Fatal),
    }
    assert not issubclass(ConfigError, ChatError)
