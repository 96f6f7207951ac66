"""What a run knows of one key: whether there is another attempt, when, and with which body."""

import json
from copy import deepcopy
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.chat import Reply
from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.errors import (
    ChatError,
    CutShort,
    Deferred,
    InvalidReply,
    MaybeBilled,
    Permanent,
    RateLimited,
    Refused,
    Transient,
)
from docmill.tasks.chat.request_state import MOST_RETRIES, RequestState
from docmill.tasks.checks.request import parsed

CAP = 1000
REQUEST: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "max_tokens": 100,
}
BODY = rfc8785.dumps(REQUEST)
BAD = Reply.model_validate({"choices": [{"message": {"content": "bad"}}]})


def target(identity: str = "https://api.302.ai/v1") -> Target:
    endpoint = Endpoint(base_url="https://api.302.ai/v1", max_output_tokens=CAP)
    return Target(name="t", endpoint=endpoint, model="m", identity=identity)


@pytest.fixture(autouse=True)
def scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "1")


def fail(
    state: RequestState, *errors: ChatError, request: Any = REQUEST, whom: Target | None = None
) -> ChatError:
    """Fail one attempt after another; gives what the last one raises."""
    raised = [state.failed(error, BAD, request, whom or target(), now=0.0) for error in errors]
    return raised[-1]


def attempts(*errors: ChatError) -> list[bool]:
    """Tell for each failed attempt whether there is another."""
    state = RequestState()
    return [fail(state, error).again for error in errors]


def transient(retry_after_s: float | None = None) -> Transient:
    error = Transient("m")
    error.retry_after_s = retry_after_s
    return error


# Tries


def test_there_are_five_tries():
    assert attempts(*(Transient() for _ in range(5))) == [True, True, True, True, False]


def test_there_are_two_tries_where_the_failed_one_may_have_been_billed():
    assert attempts(MaybeBilled(), MaybeBilled()) == [True, False]


def test_the_tries_that_may_have_been_billed_are_tries():
    assert attempts(Transient(), Transient(), MaybeBilled(), Transient(), Transient()) == [True] * 4 + [False]
    assert attempts(Transient(), MaybeBilled(), Transient(), MaybeBilled()) == [True] * 3 + [False]


@pytest.mark.parametrize(("error", "said"), [(Transient, "(5 tries)"), (MaybeBilled, "(2 tries)")])
def test_a_document_whose_tries_are_used_up_is_deferred(error: type[ChatError], said: str):
    state = RequestState()
    last = error("no luck", status=503, code="c", request_id="r", body="b")
    raised = fail(state, *(error() for _ in range(4 if error is Transient else 1)), last)
    assert type(raised) is Deferred
    assert str(raised) == f"no luck {said}"
    assert (raised.status, raised.code, raised.request_id, raised.body) == (503, "c", "r", "b")


def test_a_wait_that_is_too_long_ends_the_tries():
    assert attempts(transient(120)) == [True]
    assert attempts(transient(121)) == [False]
    assert str(fail(RequestState(), transient(121))) == "m (1 try)"


@pytest.mark.parametrize("kind", [Permanent, Refused, RateLimited])
def test_other_failures_are_final(kind: type[ChatError]):
    state = RequestState()
    error = kind("m")
    assert type(fail(state, error)) is kind
    assert not error.again
    assert type(state.failure) is kind
    assert state.failure.__traceback__ is None  # it would hold all frames of its document


# When


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_wait_doubles_and_is_at_least_half_of_that(number: int):
    for _ in range(20):
        state = RequestState()
        fail(state, *(Transient() for _ in range(number)))
        assert 2 ** (number - 2) <= state.not_before <= 2 ** (number - 1)


def test_the_wait_is_no_shorter_than_the_server_asks():
    state = RequestState()
    fail(state, transient(60))
    assert state.not_before == 60


def test_the_wait_is_no_shorter_because_the_server_asks_for_less():
    state = RequestState()
    fail(state, *(Transient() for _ in range(3)), transient(0.1))
    assert state.not_before >= 4


def test_the_wait_is_scaled_and_counted_from_now(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0.5")
    state = RequestState()
    state.failed(transient(60), None, REQUEST, target(), now=1000.0)
    assert state.not_before == 1030


@pytest.mark.parametrize("error", [InvalidReply("m"), CutShort()])
def test_a_repair_does_not_wait(error: ChatError):
    state = RequestState()
    assert fail(state, error).again
    assert state.not_before == 0


# Repairs


def test_there_are_two_repairs():
    assert attempts(*(InvalidReply() for _ in range(3))) == [True, True, False]


def test_repairs_are_counted_apart_from_tries():
    errors = [InvalidReply(), *(Transient() for _ in range(4)), InvalidReply(), CutShort()]
    assert attempts(*errors) == [True] * 7


@pytest.mark.parametrize(
    "last", [InvalidReply("bad", body="b"), CutShort(), Refused(), Permanent(), Transient(), MaybeBilled()]
)
def test_no_key_has_more_attempts_than_prefect_lets_it_have(last: ChatError):
    """Whatever order they fail in."""
    state = RequestState()
    errors: list[ChatError] = [*(Transient() for _ in range(4)), InvalidReply(), InvalidReply(), CutShort()]
    assert len(errors) == MOST_RETRIES
    fail(state, *errors)
    assert not fail(state, last).again


def test_a_reply_that_stays_invalid_ends_as_invalid():
    state = RequestState()
    raised = fail(state, InvalidReply("1"), InvalidReply("2"), InvalidReply("3", body="b"))
    assert type(raised) is InvalidReply
    assert (str(raised), raised.body) == ("3", "b")


def test_a_repair_sends_the_request_followed_by_the_reply_and_its_fault():
    state = RequestState()
    fail(state, InvalidReply("it is wrong", body="n: must be integer"))
    repaired = json.loads(state.body(BODY, REQUEST, CAP))
    *before, reply, fault = repaired.pop("messages")
    assert before == REQUEST["messages"]
    assert (reply, fault["role"]) == ({"role": "assistant", "content": "bad"}, "user")
    assert "n: must be integer" in fault["content"]
    assert repaired == {name: value for name, value in REQUEST.items() if name != "messages"}


def test_the_second_repair_follows_the_request_not_the_first():
    state = RequestState()
    fail(state, InvalidReply("first"), InvalidReply("second"))
    repaired = json.loads(state.body(BODY, REQUEST, CAP))
    assert len(repaired["messages"]) == len(REQUEST["messages"]) + 2
    assert "second" in repaired["messages"][-1]["content"]


def test_a_repair_outlives_a_failed_try():
    state = RequestState()
    fail(state, InvalidReply("it is wrong"), Transient())
    assert b"it is wrong" in state.body(BODY, REQUEST, CAP)


def test_a_try_sends_the_requests_own_bytes():
    state = RequestState()
    assert state.body(BODY, REQUEST, CAP) is BODY
    fail(state, Transient())
    assert state.body(BODY, REQUEST, CAP) is BODY


def test_the_callers_request_is_left_as_it_is():
    state, request = RequestState(), deepcopy(REQUEST)
    fail(state, InvalidReply(), CutShort(), request=request)
    state.body(BODY, request, CAP)
    assert request == REQUEST


# Enlargement


def test_a_reply_that_was_cut_is_asked_for_twice_as_long_once():
    state = RequestState()
    assert fail(state, CutShort()).again
    assert json.loads(state.body(BODY, REQUEST, CAP)) == {**REQUEST, "max_tokens": 200}
    raised = fail(state, CutShort())
    assert type(raised) is CutShort
    assert not raised.again


@pytest.mark.parametrize(
    ("limit", "enlarged"), [(499, 998), (500, 1000), (501, 1000), (999, 1000), (1000, None), (2000, None)]
)
def test_twice_as_long_ends_at_the_cap(limit: int, enlarged: int | None):
    state, request = RequestState(), {**REQUEST, "max_tokens": limit}
    assert fail(state, CutShort(), request=request).again is (enlarged is not None)
    assert json.loads(state.body(rfc8785.dumps(request), request, CAP))["max_tokens"] == (enlarged or limit)


def test_a_request_without_a_limit_is_not_asked_for_more():
    request = {name: value for name, value in REQUEST.items() if name != "max_tokens"}
    assert not fail(RequestState(), CutShort(), request=request).again


def test_the_embedded_model_is_not_asked_again():
    assert not fail(RequestState(), CutShort(), whom=target("local/abc")).again


def test_a_repair_is_enlarged_and_an_enlargement_repaired():
    for errors in [InvalidReply("wrong"), CutShort()], [CutShort(), InvalidReply("wrong")]:
        state = RequestState()
        fail(state, *errors)
        sent = json.loads(state.body(BODY, REQUEST, CAP))
        assert sent["max_tokens"] == 200
        assert "wrong" in sent["messages"][-1]["content"]


def test_a_large_number_in_the_request_survives_its_repair():
    request = {**REQUEST, "tools": [{"function": {"parameters": {"properties": {"n": {"maximum": 1e18}}}}}]}
    body = rfc8785.dumps(request)
    state = RequestState()
    fail(state, InvalidReply(), CutShort())
    assert b'"maximum":1000000000000000000' in state.body(body, parsed(body), CAP)


# The failure


def test_what_ended_the_key_is_raised_for_everyone_who_asks():
    state = RequestState()
    state.raise_failure()
    fail(state, Permanent("no", status=400, body="b"))
    caught = []
    for _ in range(2):
        with pytest.raises(Permanent, match="no") as each:
            state.raise_failure()
        caught.append(each.value)
    assert [(error.status, error.body) for error in caught] == [(400, "b")] * 2
    assert len({id(error) for error in (*caught, state.failure)}) == 3


ERRORS = st.sampled_from([Transient, MaybeBilled, InvalidReply, CutShort, Refused, Permanent, RateLimited])


@given(st.lists(ERRORS, min_size=MOST_RETRIES + 1, max_size=MOST_RETRIES + 1))
def test_every_key_comes_to_an_end(kinds: list[type[ChatError]]):
    """In no order of failures is there an attempt more than Prefect counts, and the last is never `again`."""
    state = RequestState()
    for kind in kinds:
        raised = fail(state, kind("m"))
        assert raised.again is (state.failure is None)
        if state.failure:
            break
    assert state.failure
    assert not isinstance(state.failure, Transient)
