"""The repair: what is sent back of a bad reply, so that every server takes it and a model can act on it."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.chat import Reply
from docmill.tasks.chat.repair import (
    LONGEST_PROBLEM_CHARS,
    MOST_QUOTED_CALLS,
    follow_up,
)
from docmill.tasks.checks.request import LONGEST_QUOTED_BYTES

PROBLEM = "n: must be integer."
WRONG = f"That reply is not valid: {PROBLEM} Answer again, correctly and completely."
UNQUOTED = [
    {"role": "assistant", "content": "[a reply that was not valid]"},
    {"role": "user", "content": WRONG},
]


def reply(content: Any = None, *calls: tuple[Any, Any, Any]) -> Reply:
    """Make a reply with a text and tool calls: id, name, arguments."""
    made = [{"id": id_, "function": {"name": name, "arguments": given}} for id_, name, given in calls]
    return Reply.model_validate({"choices": [{"message": {"content": content, "tool_calls": made or None}}]})


def test_a_text_is_quoted_and_followed_by_what_is_wrong_with_it():
    assert follow_up(reply("bad"), PROBLEM) == [
        {"role": "assistant", "content": "bad"},
        {"role": "user", "content": WRONG},
    ]


def test_every_call_is_answered_under_its_id():
    quoted = [
        {"id": id_, "type": "function", "function": {"name": "record", "arguments": text}}
        for id_, text in (("a", "{}"), ("b", "[]"))
    ]
    assert follow_up(reply("", ("a", "record", "{}"), ("b", "record", "[]")), PROBLEM) == [
        {"role": "assistant", "content": None, "tool_calls": quoted},
        {"role": "tool", "tool_call_id": "a", "content": WRONG},
        {"role": "tool", "tool_call_id": "b", "content": WRONG},
    ]


def test_text_beside_a_call_is_quoted_with_it():
    quoted, _ = follow_up(reply([{"text": "Here:"}], ("a", "record", "{}")), PROBLEM)
    assert quoted["content"] == "Here:"


@pytest.mark.parametrize("id_", [None, ""])
def test_a_call_without_an_id_is_given_one(id_: str | None):
    quoted, *answers = follow_up(reply(None, (id_, "record", "{}"), (id_, "record", "{}")), PROBLEM)
    assert [call["id"] for call in quoted["tool_calls"]] == ["call_0", "call_1"]
    assert [answer["tool_call_id"] for answer in answers] == ["call_0", "call_1"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"n": "ä"}, '{"n": "ä"}'), ({}, "{}"), (None, "{}"), ("", "{}"), ("{bad", "{bad")],
)
def test_arguments_are_quoted_as_text(arguments: Any, text: str):
    quoted, _ = follow_up(reply(None, ("a", "record", arguments)), PROBLEM)
    assert quoted["tool_calls"][0]["function"]["arguments"] == text


@pytest.mark.parametrize("content", [None, "", " \n", []])
def test_an_empty_reply_is_not_quoted(content: Any):
    """Claude refuses a request with an empty message in it."""
    assert follow_up(reply(content), PROBLEM) == UNQUOTED


def test_a_reply_without_choices_is_not_quoted():
    assert follow_up(Reply(), PROBLEM) == UNQUOTED


@pytest.mark.parametrize("content", ["x" * LONGEST_QUOTED_BYTES, "ä" * (LONGEST_QUOTED_BYTES // 2)])
def test_a_reply_of_16_kilobytes_is_the_longest_that_is_quoted(content: str):
    assert follow_up(reply(content), PROBLEM)[0]["content"] == content
    assert follow_up(reply(content + "x"), PROBLEM) == UNQUOTED


def test_all_parts_of_a_reply_count_towards_its_length():
    half = LONGEST_QUOTED_BYTES // 2
    assert len(follow_up(reply("x" * half, ("a", "record", "x" * (half - 1))), PROBLEM)) == 2
    assert follow_up(reply("x" * half, ("a", "record", "x" * half)), PROBLEM) == UNQUOTED
    assert follow_up(reply("", ("a" * 2 * half, "record", "{}")), PROBLEM) == UNQUOTED
    twice = ("a", "record", "x" * half), ("b", "record", "x" * half)
    assert follow_up(reply("", *twice), PROBLEM) == UNQUOTED


def test_a_flood_of_calls_is_not_answered_one_by_one():
    calls = [(str(number), "record", "{}") for number in range(MOST_QUOTED_CALLS + 1)]
    assert len(follow_up(reply("", *calls[1:]), PROBLEM)) == 1 + MOST_QUOTED_CALLS
    assert follow_up(reply("", *calls), PROBLEM) == UNQUOTED


@pytest.mark.parametrize("name", [None, "", "functions.record", "record it", "récord", "x" * 65, "record\n"])
def test_a_name_that_servers_refuse_is_not_quoted(name: str | None):
    """The repair would be a bad request, and the document failed instead of invalid."""
    assert follow_up(reply(None, ("a", name, "{}")), PROBLEM) == UNQUOTED


def test_two_calls_of_one_id_are_not_quoted():
    assert follow_up(reply(None, ("a", "record", "{}"), ("a", "record", "{}")), PROBLEM) == UNQUOTED


def test_a_long_problem_is_cut():
    said = follow_up(reply("bad"), "%" * 10_000)[1]["content"]
    assert said.count("%") == LONGEST_PROBLEM_CHARS
    assert said.endswith("Answer again, correctly and completely.")


TEXT = st.text(max_size=20)
CALL = st.tuples(
    st.none() | TEXT, st.none() | TEXT | st.just("record"), st.none() | TEXT | st.dictionaries(TEXT, TEXT)
)


@given(st.none() | TEXT | st.lists(st.fixed_dictionaries({"text": TEXT})), st.lists(CALL, max_size=4), TEXT)
def test_what_follows_is_a_turn_of_the_assistant_and_its_answer(content: Any, calls: Any, problem: str):
    """Whatever the reply: roles alternate, each call has one answer, nothing is empty, all can be sent."""
    first, *answers = follow_up(reply(content, *calls), problem)
    assert first["role"] == "assistant"
    if quoted := first.get("tool_calls"):
        assert [answer["tool_call_id"] for answer in answers] == [call["id"] for call in quoted]
        assert {answer["role"] for answer in answers} == {"tool"}
    else:
        assert [answer["role"] for answer in answers] == ["user"]
        assert first["content"].strip()
    assert all(problem in answer["content"] for answer in answers)
    assert json.loads(rfc8785.dumps([first, *answers])) == [first, *answers]


def test_of_several_choices_the_bad_one_is_quoted():
    two = Reply.model_validate({"choices": [{"message": {"content": text}} for text in ("good", "bad")]})
    assert follow_up(two, PROBLEM, 1)[0] == {"role": "assistant", "content": "bad"}
