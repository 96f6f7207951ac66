"""Replies as gateways and models spoil them: what is put right, and what is not taken."""

import json
from typing import Any

import pytest

from docmill.schemas.chat import Completion
from docmill.schemas.errors import ChatError, CutShort, InvalidReply, MaybeBilled, Permanent, Refused
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.reading import accepted
from docmill.tasks.chat.usage import Allowed

SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"type": "string"},
        "size": {"enum": ["Extra large", "small", "S", "s"]},
    },
    "required": ["colour"],
    "additionalProperties": False,
}
LABELS = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": ["delivery note", "Memo", "x", "X"]}},
    "required": ["category"],
    "additionalProperties": False,
}
ALLOWED = Allowed(request_bytes=600, answer_tokens=1000, context_tokens=30_000)
FREE = Expected(tool=None, schema=None)
RECORD = Expected(tool=None, schema=json.dumps(SCHEMA))
LABEL = Expected(tool=None, schema=json.dumps(LABELS))
FORCED = Expected(tool="note_it", schema=json.dumps(SCHEMA))
GREEN, BLUE = '{"colour": "green"}', '{"colour": "blue"}'


def read(message: Any, expected: Expected, finish: Any = "stop", **top: Any) -> Completion:
    """Read a reply of one choice."""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return accepted(reply_of(json.dumps({"choices": [choice], **top}).encode()), expected, ALLOWED)


def said(content: Any, expected: Expected, finish: Any = "stop") -> str:
    """Give the text that a content comes to."""
    return read({"content": content}, expected, finish).text


def called(*functions: Any, expected: Expected = FORCED, **message: Any) -> Completion:
    """Read a reply that calls tools."""
    calls = [{"id": f"c{number}", "function": each} for number, each in enumerate(functions)]
    return read({"content": None, "tool_calls": calls, **message}, expected, "tool_calls")


def error_of(kind: type[ChatError], *arguments: Any, **keys: Any) -> ChatError:
    """Give the error that reading ends in."""
    with pytest.raises(kind) as caught:
        read(*arguments, **keys)
    assert type(caught.value) is kind
    return caught.value


# The end


@pytest.mark.parametrize(
    "finish",
    ["STOP", "Stop", " stop ", "FinishReason.STOP", "FINISH_REASON_STOP", "endTurn", "eos", "COMPLETE"],
)
def test_a_text_that_ended_is_taken_however_its_end_is_spelt(finish: str):
    done = read({"content": "A text."}, FREE, finish)
    assert (done.text, done.finish_reason) == ("A text.", finish)


@pytest.mark.parametrize(
    "finish", ["MAX_TOKENS", "Length", "FinishReason.MAX_TOKENS", "maxTokens", "model_length"]
)
def test_a_reply_that_was_cut_short_is_not_taken_however_that_is_spelt(finish: str):
    error_of(CutShort, {"content": GREEN}, RECORD, finish)


@pytest.mark.parametrize(
    "finish", ["SAFETY", "sensitive", "FinishReason.PROHIBITED_CONTENT", "contentFilter", "RECITATION"]
)
def test_a_filter_that_ended_the_reply_refused_it(finish: str):
    error_of(Refused, {"content": GREEN}, RECORD, finish)


@pytest.mark.parametrize("refusal", [False, None, "", 0, []])
def test_a_refusal_that_says_nothing_is_none(refusal: Any):
    assert read({"content": "A text.", "refusal": refusal}, FREE).text == "A text."


@pytest.mark.parametrize("finish", ["error", "ERROR", "network_error"])
def test_an_answer_that_ended_with_an_error_is_not_taken(finish: str):
    error_of(MaybeBilled, {"content": GREEN}, RECORD, finish)


def test_a_call_that_the_server_itself_calls_malformed_is_not_taken():
    error_of(InvalidReply, {"content": GREEN}, RECORD, "MALFORMED_FUNCTION_CALL")


@pytest.mark.parametrize(
    "beside",
    [{"message": "upstream closed", "code": 502}, {"message": "m", "type": "server_error"}, "closed"],
)
def test_an_error_beside_an_answer_is_never_accepted_and_may_have_been_billed(beside: Any):
    error_of(MaybeBilled, {"content": "Half a te"}, FREE, error=beside)
    choice = {"message": {"content": "Half a te"}, "finish_reason": "stop", "error": beside}
    with pytest.raises(MaybeBilled):
        reply_of(json.dumps({"choices": [choice]}).encode())


def test_an_error_beside_an_answer_means_what_it_says():
    error_of(Permanent, {"content": "Half"}, FREE, error={"message": "m", "code": 422})


# Thinking


@pytest.mark.parametrize(
    "text",
    [
        "<think>Is it short? Yes.</think>\nA text.",
        "<think>\n\n</think>\n\nA text.",
        "<Thinking>a</Thinking><think>b</think>A text.",
        "It has to be short.\n</think>\nA text.",
        [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "A text."}],
    ],
)
def test_thinking_is_in_no_text(text: Any):
    assert said(text, FREE).strip() == "A text."


@pytest.mark.parametrize(
    "text", ["<think>mention the boxes, the", "<think>all of it</think>", "a\n</think>\n"]
)
def test_thinking_alone_is_no_text(text: str):
    error_of(InvalidReply, {"content": text}, FREE)


@pytest.mark.parametrize(
    "text",
    ["It explains <b> and </b>.", "The tag <think> and its end </think> are told.", "Of </think> alone."],
)
def test_a_text_that_speaks_of_tags_keeps_them(text: str):
    assert said(text, FREE) == text


def test_a_draft_in_the_thinking_is_no_answer():
    assert said(f"<think>{BLUE}?</think>{GREEN}", RECORD) == GREEN
    assert called({"name": "note_it", "arguments": GREEN}, content=f"<think>{BLUE}</think>").text == GREEN
    error_of(InvalidReply, {"content": f"<think>{BLUE}</think>"}, RECORD)
    error_of(InvalidReply, {"content": f"<think>{BLUE}</think>"}, FORCED)


# Which JSON is the answer


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GREEN}\n```",
        f"```JSON\n{GREEN}\n```\n",
        f"Here it is: {GREEN} Is that all?",
        f"First {BLUE}, no: {GREEN}",
        f"```json\n{BLUE}\n```\nWrong.\n```json\n{GREEN}\n```",
        f'```json\n{{"lines": 3}}\n```\n{GREEN}',
        f'{GREEN}\n{{"confidence": 0.9}}',
        f"The set {{colour}} is meant: {GREEN} {{so it is}}",
    ],
)
def test_of_several_json_texts_the_last_of_the_asked_shape_is_the_answer(text: str):
    assert said(text, RECORD) == GREEN


@pytest.mark.parametrize(
    "text",
    [
        f'{BLUE} No: {{"colour": 5}}',
        f'{BLUE} No: {{"colour": "green", "colour": "red"}}',
        f'{{"colour": "green", "parts": [{BLUE}',
        f'{{"colour": oops}} {GREEN}',
    ],
    ids=["the answer is invalid", "the answer has duplicate keys", "cut", "broken"],
)
def test_a_draft_does_not_stand_in_for_an_answer_that_is_not_valid(text: str):
    error_of(InvalidReply, {"content": text}, RECORD)


def test_a_content_that_is_an_object_is_its_json():
    assert said({"colour": "green"}, RECORD) == GREEN


def test_a_content_that_is_a_list_of_texts_is_joined():
    assert said(["A ", "text."], FREE) == "A text."


# Tool calls


@pytest.mark.parametrize("name", ["functions.note_it", "Note_It", "note-it", "functions.note_it:0", None, ""])
def test_a_tool_is_found_by_a_name_that_was_spoilt(name: str | None):
    assert called({"name": name, "arguments": GREEN}).text == GREEN


@pytest.mark.parametrize("name", ["note", "search", "note_it.x"])
def test_another_tool_is_not_taken_for_the_one(name: str):
    with pytest.raises(InvalidReply):
        called({"name": name, "arguments": GREEN})


def test_a_call_that_is_repeated_counts_once_and_one_that_differs_is_invalid():
    once = {"name": "note_it", "arguments": GREEN}
    assert called(once, once).text == GREEN
    with pytest.raises(InvalidReply):
        called(once, {"name": "note_it", "arguments": BLUE})


@pytest.mark.parametrize(
    "content",
    [
        GREEN,
        f"```json\n{GREEN}\n```",
        f'{{"name": "note_it", "arguments": {GREEN}}}',
        f'<tool_call>\n{{"name": "note_it", "arguments": {GREEN}}}\n</tool_call>',
        f'<tool_call>{{"name": "note_it", "parameters": {json.dumps(GREEN)}}}',
    ],
)
def test_a_call_in_the_content_is_one(content: str):
    assert said(content, FORCED) == GREEN


def test_the_old_form_of_a_call_is_one():
    assert (
        read({"function_call": {"name": "note_it", "arguments": GREEN}}, FORCED, "function_call").text
        == GREEN
    )


@pytest.mark.parametrize("arguments", [f"```json\n{GREEN}\n```", {"colour": "green"}, json.dumps(GREEN)])
def test_arguments_are_read_in_a_fence_as_an_object_or_encoded_twice(arguments: Any):
    assert called({"name": "note_it", "arguments": arguments}).text == GREEN


def test_arguments_below_the_tools_name_are_taken_out():
    assert called({"name": "note_it", "arguments": {"note_it": {"colour": "green"}}}).text == GREEN


def test_arguments_are_not_looked_for_in_prose():
    with pytest.raises(InvalidReply):
        called({"name": "note_it", "arguments": f"Sure: {GREEN}"})


def test_a_tool_that_the_model_chose_is_found_in_the_same_ways():
    tools = [
        {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("one", "two")
    ]
    free = Expected.of({"tools": tools, "tool_choice": "auto"}, None)
    done = called({"name": "functions.One", "arguments": GREEN}, expected=free)
    assert [(call.name, call.arguments) for call in done.calls] == [("one", GREEN)]
    tagged = f'<tool_call>{{"name": "two", "arguments": {GREEN}}}</tool_call>'
    assert [call.name for call in read({"content": tagged}, free).calls] == ["two"]
    assert read({"content": f'{{"name": "two", "arguments": {GREEN}}}'}, free).calls == ()


# Labels


@pytest.mark.parametrize(
    "label", ["Delivery Note", " delivery note ", '"delivery note"', "delivery_note.", "**delivery note**"]
)
def test_a_label_is_found_however_it_is_spelt(label: str):
    assert json.loads(said(json.dumps({"category": label}), LABEL)) == {"category": "delivery note"}
    assert json.loads(said(label, LABEL)) == {"category": "delivery note"}


def test_labels_that_case_tells_apart_are_told_apart():
    assert json.loads(said('{"category": "X"}', LABEL)) == {"category": "X"}
    error_of(InvalidReply, {"content": '{"category": "X."}'}, LABEL)


@pytest.mark.parametrize("label", ["recipe", "delivery note, Memo", "", "delivery"])
def test_a_label_that_is_none_is_invalid(label: str):
    error_of(InvalidReply, {"content": json.dumps({"category": label})}, LABEL)


def test_an_enum_of_a_record_is_put_right_and_the_rest_stays():
    spelt = '{"colour": "GREEN ", "size": "extra-large"}'
    assert json.loads(said(spelt, RECORD)) == {"colour": "GREEN ", "size": "Extra large"}


# The form of the answer


def whole(tail: str = "", **top: Any) -> bytes:
    """Write a good reply's bytes, with something behind or within it."""
    choice = {"message": {"content": "A text."}, "finish_reason": "stop"}
    return (json.dumps({"choices": [choice], **top}) + tail).encode()


@pytest.mark.parametrize("tail", ["\ndata: [DONE]\n\n", "[DONE]", "\n\n data:[DONE]"])
def test_the_end_of_a_stream_behind_a_reply_does_no_harm(tail: str):
    assert accepted(reply_of(whole(tail)), FREE, ALLOWED).text == "A text."


@pytest.mark.parametrize(
    "content",
    [
        whole(x="\ud800"),
        whole().replace(b"A text", b"A \xff text"),
        whole().replace(b"}]}", b'}], "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}"),
        whole().replace(b"}]}", b'}], "x": ' + b"[" * 500 + b"]" * 500 + b"}"),
        whole().replace(b"}]}", b'}], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        whole().replace(b'{"choices"', b'{"choices": [], "choices"'),
        whole().replace(b'"content"', b'"content": "another", "content"'),
        b'{"choices": [null]}',
        b'{"choices": [{"message": {"content": 5}}]}',
    ],
    ids=["surrogate", "utf-8", "digits", "depth", "more depth", "choices", "content", "null", "number"],
)
def test_what_cannot_be_read_as_a_whole_is_an_invalid_reply(content: bytes):
    """It was paid for, and comes again as it is: to be asked anew is what may help."""
    with pytest.raises(InvalidReply):
        reply_of(content)


def test_a_number_that_no_database_takes_does_no_harm_where_nobody_reads_it():
    reply = whole().replace(b"}]}", b'}], "x": [NaN, 1e999, 99999999999999999999]}')
    assert accepted(reply_of(reply), FREE, ALLOWED).text == "A text."
