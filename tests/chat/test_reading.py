"""From a reply's bytes to a completion: what is taken, and what it is called where it is not."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docmill.schemas.chat import Completion, Reply
from docmill.schemas.errors import (
    ChatError,
    ConfigError,
    CutShort,
    Fatal,
    InvalidReply,
    MaybeBilled,
    Permanent,
    RateLimited,
    Refused,
    Transient,
    Unserved,
)
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.reading import accepted
from docmill.tasks.chat.usage import Allowed, tokens_of

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FREE = Expected(tool=None, schema=None)
STRUCTURED = Expected(tool=None, schema=json.dumps(SCHEMA))
FORCED = Expected(tool="record", schema=json.dumps(SCHEMA))
GOOD = '{"n": 1}'
ALLOWED = Allowed(request_bytes=300, answer_tokens=100, context_tokens=1000)


def body(message: Any = None, finish: Any = "stop", **others: Any) -> bytes:
    """Write a reply's body."""
    choice = {"index": 0, "message": message or {"content": "text"}, "finish_reason": finish}
    usage = {"prompt_tokens": 5, "completion_tokens": 7}
    return json.dumps({"id": "r", "model": "m", "choices": [choice], "usage": usage} | others).encode()


def called(arguments: Any = GOOD, name: Any = "record", **others: Any) -> dict[str, Any]:
    """Write a message with one tool call."""
    function = {"name": name, "arguments": arguments}
    return {"content": "", "tool_calls": [{"id": "c", "type": "function", "function": function}], **others}


def read(content: bytes, expected: Expected = FREE) -> Completion:
    """Do what an attempt does with a reply's body."""
    reply = reply_of(content)
    tokens_of(reply, ALLOWED)
    return accepted(reply, expected, ALLOWED)


def refused(content: bytes, expected: Expected = FREE) -> ChatError:
    """Give the error of a reply that is not taken."""
    with pytest.raises(ChatError) as caught:
        read(content, expected)
    return caught.value


# What a request expects


def test_a_forced_tool_expects_its_call():
    tools = [
        {"type": "function", "function": {"name": "other", "parameters": {}}},
        {"type": "function", "function": {"name": "record", "parameters": SCHEMA}},
    ]
    choice = {"type": "function", "function": {"name": "record"}}
    assert Expected.of({"tools": tools, "tool_choice": choice}, None) == FORCED


def test_a_tool_without_parameters_expects_an_object():
    tools = [{"type": "function", "function": {"name": "record"}}]
    expected = Expected.of({"tools": tools, "tool_choice": {"function": {"name": "record"}}}, None)
    assert read(body(called("")), expected).text == "{}"
    assert type(refused(body(called("[]")), expected)) is InvalidReply


def test_a_response_format_expects_json():
    declared = {"type": "json_schema", "json_schema": {"name": "record", "schema": SCHEMA}}
    assert Expected.of({"response_format": declared}, None) == STRUCTURED


def test_what_the_body_does_not_carry_is_told_beside_it():
    assert Expected.of({}, json.dumps(SCHEMA)) == STRUCTURED
    assert Expected.of({"response_format": {"type": "json_object"}}, json.dumps(SCHEMA)) == STRUCTURED


@pytest.mark.parametrize(
    "form", [None, {"type": "text"}, {"type": "json_schema", "json_schema": {"name": "n"}}]
)
def test_a_response_format_without_a_schema_expects_text(form: Any):
    assert Expected.of({"response_format": form}, None) == FREE


TOOLS = [
    {"type": "function", "function": {"name": "record", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "wait"}},
]
OFFERED = Expected.of({"tools": TOOLS}, None)
REQUIRED = Expected.of({"tools": TOOLS, "tool_choice": "required"}, None)


def test_tools_that_the_model_must_not_call_expect_text():
    assert Expected.of({"tools": TOOLS, "tool_choice": "none"}, None) == FREE


def test_tools_that_are_not_forced_expect_text_or_calls():
    assert Expected.of({"tools": TOOLS, "tool_choice": "auto"}, None) == OFFERED
    assert read(body(), OFFERED).text == "text"
    assert read(body(), OFFERED).calls == ()


def test_calls_that_the_model_chose_are_kept_with_name_and_arguments_as_text():
    message = called('{"n": 1}')
    message["tool_calls"].append({"function": {"name": "wait", "arguments": ""}})
    done = read(body(message, "tool_calls"), OFFERED)
    assert [(call.id, call.name, call.arguments) for call in done.calls] == [
        ("c", "record", '{"n": 1}'),
        ("call_1", "wait", "{}"),
    ]
    assert done.text == ""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (called('{"n": "one"}'), "arguments of record: n: must be integer"),
        (called("{"), "arguments of record: "),
        (called(GOOD, "other"), 'there is no tool "other": call one of record, wait'),
        (called(GOOD, None), "there is no tool"),
        (called(GOOD, content="a\0"), "U+0000"),
        ({"tool_calls": called()["tool_calls"] * 129}, "at most 128 tools called"),
    ],
)
def test_a_chosen_call_that_does_not_satisfy_its_tool_is_invalid(message: Any, said: str):
    error = refused(body(message, "tool_calls"), OFFERED)
    assert type(error) is InvalidReply
    assert said in f"{error} {error.body}"


def test_a_chosen_call_needs_a_reply_that_says_it_is_complete():
    assert type(refused(body(called(), None), OFFERED)) is InvalidReply


def test_a_call_that_is_required_has_to_come():
    assert "call one of record, wait" in refused(body(), REQUIRED).body
    assert read(body(called(), "tool_calls"), REQUIRED).calls[0].name == "record"


def test_an_offered_tool_with_a_wrong_schema_is_told_before_anything_is_sent():
    with pytest.raises(ConfigError, match="schema"):
        Expected.of({"tools": [{"function": {"name": "t", "parameters": {"type": "strnig"}}}]}, None)


# Several choices


def choices(*texts: Any) -> bytes:
    """Write a reply with a choice for each text."""
    answers = [{"message": {"content": text}, "finish_reason": "stop"} for text in texts]
    return body(choices=answers)


def test_as_many_choices_are_given_as_were_asked_for():
    done = read(choices("a", "b", "c"), Expected.of({"n": 2}, None))
    assert [choice.text for choice in done.choices] == ["a", "b"]
    assert done.text == "a"


def test_a_server_that_gives_fewer_choices_is_taken_at_that():
    assert len(read(choices("a"), Expected.of({"n": 3}, None)).choices) == 1


def test_one_choice_that_is_not_valid_makes_the_reply_invalid():
    error = refused(choices("a", ""), Expected.of({"n": 2}, None))
    assert type(error) is InvalidReply
    assert error.choice == 1


def test_a_usage_that_is_not_told_is_estimated_over_all_choices():
    reply = reply_of(json.dumps({"choices": [{"message": {"content": "abc" * 10}}] * 3}).encode())
    tokens = tokens_of(reply, Allowed(30, 100, 1000))
    assert (tokens.prompt, tokens.completion, tokens.estimated) == (10, 30, True)


def test_a_record_of_the_time_before_several_choices_is_read():
    kept: dict[str, Any] = {"id": "r", "model": "m", "text": "t", "finish_reason": "stop"}
    kept |= {"prompt_tokens": 1, "completion_tokens": 2, "usage_estimated": False}
    done = Completion.model_validate_json(json.dumps(kept))
    assert (done.calls, [choice.text for choice in done.choices]) == ((), ["t"])


@pytest.mark.parametrize("choice", [{"function": {"name": "other"}}, {"function": {}}, {"type": "custom"}])
def test_a_tool_that_is_forced_and_not_declared_is_told_before_anything_is_sent(choice: Any):
    tools = [{"type": "function", "function": {"name": "record"}}, {"type": "custom", "custom": {}}]
    with pytest.raises(ConfigError, match="does not declare"):
        Expected.of({"tools": tools, "tool_choice": choice}, None)


@pytest.mark.parametrize("schema", ['{"type": "strnig"}', '{"$ref": "https://example.com/s"}', "[]", "{", ""])
def test_a_schema_that_is_wrong_is_told_before_anything_is_sent(schema: str):
    with pytest.raises(ConfigError, match="schema"):
        Expected.of({}, schema)


# The text


@pytest.mark.parametrize(
    "content",
    [
        "a text",
        [{"type": "text", "text": "a text"}],
        [{"type": "text", "text": "a "}, {"type": "text", "text": "text"}],
        [{"type": "image_url"}, None, 5, "not a part", {"text": "a text"}, {"text": None}, {"text": 7}],
    ],
    ids=["text", "part", "parts", "odd parts"],
)
def test_content_is_text_or_parts(content: Any):
    assert read(body({"content": content})).text == "a text"


@pytest.mark.parametrize(
    "content", [None, "", " \n", [], [{"type": "text", "text": ""}], [{"type": "image"}], [{"type": []}]]
)
def test_an_empty_text_is_invalid(content: Any):
    assert type(refused(body({"content": content}))) is InvalidReply


def test_json_in_parts_is_json():
    parts = [{"text": GOOD[:4]}, {"text": GOOD[4:]}]
    assert read(body({"content": parts}), STRUCTURED).text == GOOD


@pytest.mark.parametrize("text", ["a\0b", [{"text": "\0"}]])
def test_a_text_that_databases_do_not_take_is_invalid(text: Any):
    """As it is within JSON."""
    assert "U+0000" in str(refused(body({"content": text})))
    assert "U+0000" in refused(body(called('{"n": 1, "x": "\\u0000"}')), FORCED).body


def test_a_completion_says_what_the_reply_said():
    done = read(body(called(), "tool_calls"), FORCED)
    assert done == Completion(
        id="r",
        model="m",
        text=GOOD,
        finish_reason="tool_calls",
        prompt_tokens=5,
        completion_tokens=7,
    )


@pytest.mark.parametrize("missing", ["id", "model"])
def test_a_reply_without_a_name_is_taken(missing: str):
    assert getattr(read(body(**{missing: None})), missing) == ""


def test_the_first_choice_counts():
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in ("a", "b")]
    assert read(body(choices=choices)).text == "a"


# Tool calls


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (GOOD, GOOD),
        ({"n": 1}, GOOD),
        (json.dumps(GOOD), GOOD),
        (f" {GOOD}\n", f" {GOOD}\n"),
        ({"n": 1, "x": "ä"}, '{"n": 1, "x": "ä"}'),
    ],
    ids=["text", "object", "doubly encoded", "spaces", "object with umlaut"],
)
def test_arguments_are_text_an_object_or_encoded_twice(arguments: Any, text: str):
    assert read(body(called(arguments)), FORCED).text == text


@pytest.mark.parametrize("arguments", ["", None, {}])
def test_no_arguments_are_an_empty_object(arguments: Any):
    anything = Expected(tool="record", schema='{"type": "object"}')
    assert read(body(called(arguments)), anything).text == "{}"
    assert refused(body(called(arguments)), FORCED).body == 'property "n" is missing'


@pytest.mark.parametrize(
    "arguments",
    [
        '{"n": 1',
        '{"n": 1}}',
        f"Sure! {GOOD}",
        '{"n": NaN}',
        {"n": float("nan")},
        {"n": 10**30},
        '{"n": 1, "n": 2}',
        '{"n": "1"}',
        "[1]",
        "null",
        json.dumps(json.dumps(GOOD)),
        "[" * 100_000,
        '{"n":' * 500 + "1" + "}" * 500,
        '{"n": 1, "x": "\\ud800"}',
    ],
    ids=str,
)
def test_arguments_that_are_not_what_was_asked_for_are_invalid(arguments: Any):
    assert type(refused(body(called(arguments)), FORCED)) is InvalidReply


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"content": "I would rather talk."}, "none"),
        ({"content": "No.", "tool_calls": None}, "none"),
        ({"content": None, "tool_calls": []}, "none"),
        (called(name="another"), '"another"'),
        ({"tool_calls": [*called()["tool_calls"], *called('{"n": 2}')["tool_calls"]]}, '"record", "record"'),
    ],
)
def test_the_tool_is_called_exactly_once(message: dict[str, Any], said: str):
    error = refused(body(message), FORCED)
    assert type(error) is InvalidReply
    assert error.body == f"call the tool record exactly once (tools called: {said})"


def test_text_beside_the_call_does_no_harm():
    assert read(body(called(content="Here it is:")), FORCED).text == GOOD


def test_what_the_model_said_is_in_no_message():
    """A message is our own sentence, which a log may show: the model's words are in `body` alone."""
    for error in (
        refused(body(called(name="secret")), FORCED),
        refused(body(called('{"n": "secret"}')), FORCED),
        refused(body(called('{"secret": 1, "secret": 2}')), FORCED),
        refused(body(finish="secret")),
    ):
        assert type(error) is InvalidReply
        assert "secret" in error.body
        assert "secret" not in str(error)


def test_what_is_wrong_stays_short():
    """It is stored, and sent back to the model."""
    many = {"tool_calls": [called(name="x" * 1000)["tool_calls"][0]] * 1000}
    for error in (
        refused(body(many), FORCED),
        refused(body(finish="y" * 100_000)),
        refused(body(called(json.dumps({"z" * 100_000: 1}))), FORCED),
    ):
        assert len(f"{error}{error.body}") < 1000
        assert "\0" not in f"{error}{error.body}"


def test_a_schema_of_text_is_satisfied_by_text():
    """A text is decoded a second time only where it is not itself what was asked for."""
    label = Expected(tool=None, schema='{"enum": ["a", "b"]}')
    assert read(body({"content": '"a"'}), label).text == '"a"'
    assert read(body({"content": json.dumps('"a"')}), label).text == '"a"'
    assert type(refused(body({"content": '"c"'}), label)) is InvalidReply


# The end

ENDS: dict[Any, type[ChatError] | None] = {
    "stop": None,
    "end_turn": None,
    "stop_sequence": None,
    "tool_calls": None,
    "tool_use": None,
    "function_call": None,
    "length": CutShort,
    "max_tokens": CutShort,
    "model_context_window_exceeded": CutShort,
    "content_filter": Refused,
    "refusal": Refused,
}
UNKNOWN = ["", None, "pause_turn", "because"]


@pytest.mark.parametrize(("finish", "kind"), ENDS.items())
def test_how_a_reply_ended(finish: str, kind: type[ChatError] | None):
    for content, expected in [
        (body(finish=finish), FREE),
        (body(called(), finish), FORCED),
        (body({"content": GOOD}, finish), STRUCTURED),
    ]:
        assert (type(refused(content, expected)) if kind else read(content, expected).finish_reason) == (
            kind or finish
        )


@pytest.mark.parametrize("finish", UNKNOWN)
def test_an_unknown_end_is_taken_only_where_json_validates(finish: str | None):
    assert read(body(called(), finish), FORCED).text == GOOD
    assert read(body({"content": GOOD}, finish), STRUCTURED).text == GOOD
    assert type(refused(body(called(GOOD[:-1]), finish), FORCED)) is InvalidReply
    assert type(refused(body(finish=finish))) is InvalidReply


def test_stop_proves_nothing():
    assert type(refused(body(called(GOOD[:-1]), "stop"), FORCED)) is InvalidReply


def test_a_refusal_in_words_is_one_however_it_ended():
    error = refused(body({"content": None, "refusal": "I\0 will not. " * 100}))
    assert type(error) is Refused
    assert error.body.startswith("I\ufffd will not. ")
    assert len(error.body) == 500


def test_an_empty_refusal_is_none():
    assert read(body({"content": "text", "refusal": ""})).text == "text"


# The usage


@pytest.mark.parametrize(
    ("usage", "prompt_tokens", "completion_tokens"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, 5, 7),
        ({"prompt_tokens": 5.0, "completion_tokens": "7"}, 5, 7),
        ({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": None}, 1000, 100),
    ],
)
def test_a_usage_is_believed(usage: Any, prompt_tokens: int, completion_tokens: int):
    tokens = tokens_of(reply_of(body(usage=usage)), ALLOWED)
    assert (tokens.prompt, tokens.completion, tokens.estimated) == (prompt_tokens, completion_tokens, False)


@pytest.mark.parametrize(
    ("usage", "prompt_tokens", "completion_tokens"),
    [
        (None, 100, 4),
        ({}, 100, 4),
        ({"prompt_tokens": 0, "completion_tokens": 0}, 100, 4),
        ({"prompt_tokens": None, "completion_tokens": 7}, 100, 7),
        ({"prompt_tokens": 5}, 5, 4),
        ({"prompt_tokens": -5, "completion_tokens": -7}, 100, 4),
        ({"prompt_tokens": 10**30, "completion_tokens": 7}, 100, 7),
        ({"prompt_tokens": 1001, "completion_tokens": 7}, 100, 7),
        ({"prompt_tokens": 5, "completion_tokens": 1_000}, 5, 4),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 10**9}, 5, 4),
    ],
)
def test_a_usage_that_cannot_be_is_estimated(usage: Any, prompt_tokens: int, completion_tokens: int):
    """A third of the bytes: 300 of the request, 12 of the text or of the arguments."""
    for message, expected in [({"content": "ä" * 6}, FREE), (called('{"n": 12345}'), FORCED)]:
        done = read(body(message, usage=usage), expected)
        assert (done.prompt_tokens, done.completion_tokens) == (prompt_tokens, completion_tokens)
        assert done.usage_estimated


# What is no reply


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><h1>Welcome</h1>",
        b'{"choices": [',
        b"\xff",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{}",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": {}}',
        b'{"error": null}',
        body() + body(),
        body() + b"[DONE",
    ],
    ids=lambda content: content[:70].decode(errors="replace"),
)
def test_what_is_no_reply_may_have_been_billed(content: bytes):
    error = refused(content)
    assert type(error) is MaybeBilled
    assert error.status == 200
    assert error.body == content[:500].decode(errors="replace")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"message": "m", "code": 400}, Permanent),
        ({"message": "m", "code": 401}, Fatal),
        ({"message": "m", "code": 429}, RateLimited),
        ({"message": "m", "code": "429"}, RateLimited),
        ({"message": "m", "code": 529}, RateLimited),
        ({"message": "m", "code": 503}, Transient),
        ({"message": "m", "code": 504}, MaybeBilled),
        ({"message": "m", "code": 200}, Transient),
        ({"message": "m", "code": 999}, Transient),
        ({"message": "m", "code": True}, Transient),
        ({"message": "m", "code": {"a": 1}}, Transient),
        ({"message": "m", "type": "api_error"}, Transient),
        ({"err_code": -10008, "message": "No available models currently"}, Unserved),
        ({"message": "Insufficient balance"}, Fatal),
        ({"message": "The model m does not exist"}, Fatal),
        ("Insufficient balance", Fatal),
        ("broken", Transient),
        (["broken"], Transient),
        (5, Transient),
    ],
)
@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}])
def test_an_error_within_a_reply_means_what_it_says(said: Any, kind: type[ChatError], choices: Any):
    error = refused(json.dumps({"error": said, **choices}).encode())
    assert type(error) is kind


def test_an_error_within_a_reply_is_not_said_to_be_a_status_that_it_had_not():
    error = refused(b'{"error": {"message": "m", "type": "api_error"}}')
    assert (error.status, str(error)) == (200, "the server answered 200 with an error (api_error)")


def test_a_byte_order_mark_does_no_harm():
    assert read(b"\xef\xbb\xbf" + body()).text == "text"


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {"message": "Insufficient balance of sk-secret", "code": "sk-secret"}}',
        b'{"error": {"message": "sk-secret", "code": "sk-secret"}}',
        b'{"choices": [], "key": "sk-secret"}',
        b"<html>sk-secret",
        b"." * 495 + b"sk-secret",
    ],
)
def test_the_key_is_in_no_error_of_a_good_answer(content: bytes):
    with pytest.raises(ChatError) as caught:
        reply_of(content, "sk-secret")
    assert "sk-" not in f"{caught.value} {caught.value.__dict__}"


@pytest.mark.parametrize("error", [None, {}, ""])
def test_an_error_that_says_nothing_is_none(error: Any):
    assert read(body(error=error)).text == "text"


# Whatever comes

KEYS = ["id", "choices", "message", "content", "tool_calls", "function", "name", "arguments", "finish_reason"]
KEYS += ["usage", "prompt_tokens", "completion_tokens", "error", "code", "text", "refusal", "model", "n"]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]))
)
JSON = st.recursive(
    LEAVES | st.sampled_from(["record", "stop", "length", GOOD, "429"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=5)
    ),
    max_leaves=12,
)
FUNCTIONS = st.fixed_dictionaries({}, optional={"name": JSON | st.just("record"), "arguments": JSON})
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON | st.lists(st.fixed_dictionaries({"text": LEAVES})),
        "tool_calls": JSON
        | st.lists(st.fixed_dictionaries({"id": JSON, "function": FUNCTIONS | JSON}), max_size=3),
        "refusal": JSON,
    },
)
REPLIES = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"message": MESSAGES | JSON, "finish_reason": JSON}), max_size=2
        )
    },
    optional={
        "usage": JSON | st.fixed_dictionaries({"prompt_tokens": JSON, "completion_tokens": JSON}),
        "id": JSON,
        "model": JSON,
        "error": JSON,
    },
)
EXPECTED = st.sampled_from([FREE, STRUCTURED, FORCED, OFFERED, Expected.of({"n": 2}, None)])


def judge(content: bytes, expected: Expected) -> None:
    """Read a body as an attempt does; what is taken can be stored, and what is not is an error that can."""
    try:
        reply = reply_of(content)
        assert isinstance(reply, Reply)
        tokens = tokens_of(reply, ALLOWED)
        assert 0 <= tokens.cached <= tokens.prompt <= 1000
        assert 0 <= tokens.reasoning <= tokens.completion <= 10_000
        done = accepted(reply, expected, ALLOWED)
    except ChatError as error:
        told = f"{error}{error.code}{error.body}"
    else:
        told = done.text
        assert Completion.model_validate_json(done.model_dump_json()) == done
        assert expected.schema is None or json.loads(done.text)
        told += "".join(call.name + call.arguments for each in done.choices for call in each.calls)
    assert told.encode().decode() == told
    assert "\0" not in told


@given(JSON | REPLIES, EXPECTED, st.booleans())
@example({"choices": [{"message": {"content": [{"text": "\ud800"}]}, "finish_reason": "stop"}]}, FREE, True)
@example({"choices": [{"message": called({"\ud800": 1}), "finish_reason": "stop"}]}, FORCED, True)
@example({"choices": [{"message": {"content": "a\0"}, "finish_reason": "stop"}]}, FREE, True)
@example({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "id": "\ud800"}, FREE, True)
def test_any_json_is_a_completion_or_an_error(value: Any, expected: Expected, ascii_only: bool):
    judge(json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass"), expected)


@given(st.binary() | st.text().map(str.encode), EXPECTED)
def test_any_bytes_are_a_completion_or_an_error(content: bytes, expected: Expected):
    judge(content, expected)


@given(REPLIES.map(lambda reply: json.dumps(reply).encode()), st.data())
def test_a_reply_that_breaks_off_is_an_error(content: bytes, data: st.DataObject):
    end = data.draw(st.integers(0, len(content) - 1))
    assert type(refused(content[:end])) is MaybeBilled


@pytest.mark.parametrize(
    "place", ['"content": ', '"tool_calls": [{"function": {"name": "record", "arguments": ']
)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"n":', "}"), ('[{"text":', "}]")])
def test_no_depth_of_nesting_crashes(place: str, opening: str, closing: str):
    """At some depths a value can just be read and no longer be written."""
    end = "}}]" if "tool_calls" in place else ""
    for depth in range(1, 1200):
        deep = f"{opening * depth}1{closing * depth}"
        judge(f'{{"choices": [{{"message": {{{place}{deep}{end}}}}}]}}'.encode(), FORCED)
