"""Replies in which a model's own template, or a gateway's, stands around the answer."""

import json
from typing import Any

import pytest

from docmill.schemas.errors import InvalidReply
from docmill.tasks.chat.expected import Expected
from tests.chat.test_gateways import FORCED, FREE, GREEN, LABEL, RECORD, SCHEMA, called, error_of, read, said

NAMED = {"name": "note_it", "arguments": json.loads(GREEN)}


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>analysis<|message|>short?<|end|><|start|>assistant<|channel|>final<|message|>A text.",
        "[THINK]short?[/THINK]A text.",
        '<think duration="3">short?</think>A text.',
        "A text.<|im_end|>",
        "A text.</s>\n",
    ],
)
def test_thinking_and_ends_of_a_template_are_no_part_of_a_text(text: str):
    assert said(text, FREE) == "A text."


@pytest.mark.parametrize("text", ["The final channel is <|message|>", "It writes [THINK] before it thinks."])
def test_a_text_that_speaks_of_a_templates_marks_keeps_them(text: str):
    assert said(text, FREE) == text


@pytest.mark.parametrize("text", ["\u200b", "```\n```", " \n"])
def test_a_text_of_nothing_to_be_read_is_empty(text: str):
    error_of(InvalidReply, {"content": text}, FREE)


@pytest.mark.parametrize("wrapped", [[json.loads(GREEN)], {"note": json.loads(GREEN)}, NAMED])
def test_a_record_in_a_list_of_one_or_below_a_name_is_taken_out(wrapped: Any):
    assert json.loads(said(json.dumps(wrapped), RECORD)) == json.loads(GREEN)


@pytest.mark.parametrize(
    "wrapped",
    [
        [json.loads(GREEN)] * 2,
        {"note": {}},
        {"note": [json.loads(GREEN)]},
        {"note": json.loads(GREEN), "other": 1},
        {"colour": json.loads(GREEN)},
    ],
)
def test_what_holds_more_or_less_than_a_record_is_none(wrapped: Any):
    error_of(InvalidReply, {"content": json.dumps(wrapped)}, RECORD)


def test_a_record_without_one_asked_property_is_not_taken_out():
    loose = Expected(tool=None, schema=json.dumps({**SCHEMA, "required": []}))
    error_of(InvalidReply, {"content": json.dumps({"note": {}})}, loose)


@pytest.mark.parametrize("name", ["default_api.note_it", "tools:note_it", "noteIt", "Note-It"])
def test_a_tools_name_may_stand_in_a_space_of_names(name: str):
    assert called({"name": name, "arguments": GREEN}).text == GREEN


def test_another_tool_in_that_space_is_another():
    call = {"id": "c", "function": {"name": "default_api.search", "arguments": GREEN}}
    error_of(InvalidReply, {"content": None, "tool_calls": [call]}, FORCED)


@pytest.mark.parametrize(
    "text",
    [
        "<|python_tag|>" + json.dumps(NAMED),
        "[TOOL_CALLS]" + json.dumps([NAMED]),
        json.dumps({"type": "function", "function": NAMED}),
    ],
)
def test_a_call_of_a_models_template_in_the_content_is_one(text: str):
    assert json.loads(said(text, FORCED)) == json.loads(GREEN)


def test_a_call_may_hold_name_and_arguments_itself():
    call = {"id": "c", "name": "note_it", "arguments": GREEN}
    assert read({"content": None, "tool_calls": [call]}, FORCED, "tool_calls").text == GREEN


@pytest.mark.parametrize("arguments", [GREEN + "<|im_end|>", f"<think>green?</think>{GREEN}"])
def test_arguments_are_read_without_what_a_template_adds(arguments: str):
    assert called({"name": "note_it", "arguments": arguments}).text == GREEN


def test_a_record_that_a_gateway_asked_for_with_a_tool_of_its_own_is_read_out_of_its_call():
    call = {"id": "c", "function": {"name": "json_tool_call", "arguments": GREEN}}
    assert read({"content": None, "tool_calls": [call]}, RECORD, "tool_calls").text == GREEN


def test_a_label_in_parentheses_is_that_label():
    assert json.loads(said('{"category": "(memo)"}', LABEL)) == {"category": "Memo"}


def test_tokens_are_counted_under_either_pair_of_names():
    usage = {"input_tokens": 100, "output_tokens": 20}
    done = read({"content": "A text."}, FREE, usage=usage)
    assert (done.prompt_tokens, done.completion_tokens, done.usage_estimated) == (100, 20, False)
