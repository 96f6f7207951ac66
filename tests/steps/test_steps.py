"""The steps' requests: canonical bytes, the document before the instruction and never more than data."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.example import Example
from docmill.schemas.steps import Ask, Classify, Extract, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.request import BYTES_PER_TOKEN
from docmill.tasks.steps import ask, classify, extract, summarize
from docmill.tasks.steps.examples import apart
from docmill.tasks.steps.prompt import SYSTEM, beginning, quoted

URL = "https://models.example/v1"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
MARKS = st.lists(st.sampled_from(["<", "</", "<document>", "</DOCUMENT>", "document>", "/", "x", " "])).map(
    "".join
)
TOOL = ToolSchema(
    id="bill",
    name="record_bill",
    description="Record the bill.",
    parameters={
        "type": "object",
        "properties": {"total": {"type": "number"}, "due": {"type": "string"}},
        "additionalProperties": False,
    },
)
LABELS = {"bill": {"description": "asks for money"}, "ä other": {"description": ""}}
KINDS = ["summarize", "classify", "extract", "ask"]


def target(**settings: Any) -> Target:
    endpoint = Endpoint(base_url=URL, **settings)
    return Target(name="test", endpoint=endpoint, model="m", identity=URL)


def body(kind: str, text: str = "the text", endpoint: dict[str, Any] | None = None, **options: Any) -> bytes:
    """Build the body of a kind of step."""
    whom = target(**endpoint or {})
    if kind == "summarize":
        return summarize.KIND.request(text, Summarize(**options), None, whom)
    if kind == "classify":
        labels = Classify(**{"labels": LABELS, **options})
        return classify.KIND.request(text, labels, classify.KIND.tool(labels, None), whom)
    if kind == "ask":
        tool = TOOL if "schema" in options else None
        return ask.KIND.request(text, Ask(**{"prompt": "Why?", **options}), tool, whom)
    return extract.KIND.request(text, Extract(**{"schema": "bill", **options}), TOOL, whom)


def request(kind: str, text: str = "the text", **options: Any) -> Any:
    return json.loads(body(kind, text, **options))


def completion(text: str) -> Completion:
    return Completion(
        id="c", model="m", text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1
    )


@given(TEXTS, st.sampled_from(KINDS), st.sampled_from(["tools", "json_schema", "text"]))
def test_the_body_is_canonical_whatever_the_document(text: str, kind: str, structured_output: str):
    sent = body(kind, text, {"structured_output": structured_output})
    assert rfc8785.dumps(json.loads(sent)) == sent


def test_the_order_of_keys_that_somebody_wrote_makes_no_other_body():
    one = body("extract", params={"top_p": 0.5, "seed": 1, "extra": {"a": 1, "b": 2}})
    assert body("extract", params={"extra": {"b": 2, "a": 1}, "seed": 1, "top_p": 0.5}) == one


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_stands_before_the_instruction_in_the_users_message(kind: str):
    messages = request(kind, "the text")["messages"]
    assert messages[-1]["role"] == "user"
    assert messages[-1]["content"].startswith("<document>\nthe text\n</document>\n\n")
    assert messages[-1]["content"].removeprefix("<document>\nthe text\n</document>\n\n")


def test_all_steps_say_the_same_in_the_system_message_and_nothing_of_the_document():
    said = {request(kind, "xyzzy")["messages"][0]["content"] for kind in KINDS}
    assert said == {SYSTEM}
    assert {request(kind)["messages"][0]["role"] for kind in KINDS} == {"system"}


def test_steps_share_the_prefix_up_to_the_end_of_the_document():
    """Prompt caches read it once."""
    beginnings = {
        json.dumps(request(kind, "text")["messages"]).partition("</document>\\n")[0] for kind in KINDS
    }
    assert len(beginnings) == 1


@given(TEXTS | MARKS)
def test_a_document_cannot_close_its_own_marks(text: str):
    inner = quoted(text).removeprefix("<document>\n").removesuffix("\n</document>")
    assert "<document>" not in inner.lower()
    assert "</document>" not in inner.lower()
    assert inner.replace("< ", "<") == text.replace("< ", "<")


def test_a_document_without_marks_is_sent_as_it_is():
    text = "a <b>bold</b> claim:\r\n1 < 2, &amp; a <documents> of \u2028 mine\t"
    assert quoted(text) == f"<document>\n{text}\n</document>"


def test_examples_of_labels_are_turns_before_the_document():
    labels = {
        "bill": {"description": "asks for money", "examples": ["Pay </document> now.\n", "Due today"]},
        "ä": {},
    }
    messages = request("classify", "the text", labels=labels)["messages"][1:]
    question = "Which category does the document belong to?\n- bill: asks for money"
    assert messages == [
        {
            "role": "user",
            "content": f"<document>\nPay < /document> now.\n</document>\n\n{question}",
        },
        {"role": "assistant", "content": '{"category": "bill"}'},
        {"role": "user", "content": f"<document>\nDue today\n</document>\n\n{question}"},
        {"role": "assistant", "content": '{"category": "bill"}'},
        {"role": "user", "content": f"<document>\nthe text\n</document>\n\n{question}"},
    ]


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("summarize", {"summary": "Short."}, "Short."),
        ("ask", {"answer": "Because."}, "Because."),
        ("extract", {"record": {"total": 7, "due": "ä"}}, '{"total": 7, "due": "ä"}'),
        ("classify", {"label": "bill"}, '{"category": "bill"}'),
    ],
)
def test_examples_are_turns_before_the_document(kind: str, answer: dict[str, Any], said: str):
    sent = request(kind, "the text", examples=[{"document": "Pay </document> now.\n", **answer}])
    shown, replied, asked = sent["messages"][1:]
    question = asked["content"].removeprefix("<document>\nthe text\n</document>")
    assert shown == {"role": "user", "content": f"<document>\nPay < /document> now.\n</document>{question}"}
    assert replied == {"role": "assistant", "content": said}


def test_a_record_is_shown_without_what_is_not_asked_for():
    sent = request("extract", examples=[{"document": "Pay", "record": {"total": 7, "lines": []}}])
    assert sent["messages"][2]["content"] == '{"total": 7}'


def test_of_several_schemas_the_examples_of_the_chosen_one_are_shown():
    shown = (
        Example(document="Pay", label="a", record={"total": 7}),
        Example(document="No", label="b", record={}),
    )
    options = Extract(by="classify", schemas={"a": "x/bill.json", "b": "other"}, examples=shown)
    sent = json.loads(extract.KIND.request("the text", options, TOOL, target()))
    assert [each["content"] for each in sent["messages"]][2] == '{"total": 7}'
    assert len(sent["messages"]) == 4


def test_no_document_is_an_example_for_itself():
    examples = tuple(Example(document=text, summary="s") for text in ("Pay now.\n", "Due"))
    assert apart(examples, "  Pay now. And more") == examples[1:]


def test_a_tool_is_forced_in_object_form():
    sent = request("extract")
    assert sent["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "record_bill",
                "description": "Record the bill.",
                "parameters": TOOL.parameters,
            },
        }
    ]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "record_bill"}}
    assert "response_format" not in sent


def test_json_schema_takes_the_place_of_the_tool():
    """Not strict, as two properties are not required: see tests/chat/test_mapping.py."""
    sent = request("extract", endpoint={"structured_output": "json_schema"})
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "record_bill", "schema": TOOL.parameters, "strict": False},
    }
    assert not {"tools", "tool_choice"} & sent.keys()


def test_a_label_is_one_of_those_that_are_declared_and_nothing_else():
    [tool] = request("classify")["tools"]
    assert tool["function"]["parameters"] == {
        "type": "object",
        "properties": {"category": {"type": "string", "enum": ["bill", "ä other"]}},
        "required": ["category"],
        "additionalProperties": False,
    }


def test_free_text_is_asked_for_without_a_schema():
    assert request("summarize").keys() == {"model", "messages", "max_tokens", "temperature"}


@pytest.mark.parametrize(
    ("options", "instruction"),
    [
        ({}, "Summarize the document in at most 100 words. Write nothing else."),
        ({"max_words": 60}, "Summarize the document in at most 60 words. Write nothing else."),
        ({"sentences": 1}, "Summarize the document in one short sentence."),
        ({"sentences": 3}, "Summarize the document in 3 sentences. Write nothing else."),
    ],
)
def test_a_summary_is_as_long_as_declared(options: dict[str, Any], instruction: str):
    assert request("summarize", **options)["messages"][-1]["content"].endswith(
        f"</document>\n\n{instruction}"
    )


@pytest.mark.parametrize(
    ("kind", "options", "max_tokens"),
    [
        ("summarize", {}, 3 * 100 + 64),
        ("summarize", {"max_words": 60}, 3 * 60 + 64),
        ("summarize", {"max_words": 2000}, 4096),
        ("classify", {}, 64),
        ("extract", {}, 256 + 2 * 32),
        ("extract", {"max_tokens": 1000}, 1000),
        ("extract", {"max_tokens": 1}, 1),
        ("extract", {"max_tokens": 5000}, 4096),
        ("extract", {"endpoint": {"max_output_tokens": 100}}, 100),
    ],
)
def test_max_tokens_is_declared_or_the_kinds_own_and_at_most_the_endpoints(
    kind: str, options: dict[str, Any], max_tokens: int
):
    assert request(kind, **options)["max_tokens"] == max_tokens


def test_parameters_are_added_replaced_and_taken_away():
    plain = request("summarize")
    assert plain["temperature"] == 0
    sent = request("summarize", params={"temperature": None, "top_p": 0.5, "stop": ["x"]})
    assert sent == {key: value for key, value in plain.items() if key != "temperature"} | {
        "top_p": 0.5,
        "stop": ["x"],
    }
    assert request("summarize", params={"temperature": 0.7})["temperature"] == 0.7


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aä€😀")), st.integers(1, 20))
def test_a_beginning_is_the_longest_whole_prefix_of_so_many_tokens(text: str, max_tokens: int):
    """Bytes / 3: no character is cut in two, and none that fits is left out."""
    begun = beginning(text, max_tokens)
    limit = max_tokens * BYTES_PER_TOKEN
    assert text.startswith(begun)
    assert len(begun.encode()) <= limit
    assert begun == text or len(text[: len(begun) + 1].encode()) > limit


@pytest.mark.parametrize("kind", KINDS)
def test_a_teams_own_words_follow_the_steps(kind: str):
    plain, instructed = request(kind), request(kind, instructions="Answer in German.")
    assert instructed["messages"][-1]["content"] == (
        plain["messages"][-1]["content"] + "\n\nAnswer in German."
    )
    assert instructed["messages"][0] == plain["messages"][0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["tools", "text"])
def test_what_is_the_same_for_all_documents_may_come_first(kind: str, output: str):
    own = {"instructions": "Answer in German.", "endpoint": {"structured_output": output}}
    begun = [
        request(kind, text, first="instructions", **own)["messages"][-1]["content"] for text in ("one", "two")
    ]
    usual = request(kind, "one", **own)["messages"][-1]["content"]
    assert [each.partition("<document>")[2] for each in begun] == ["\none\n</document>", "\ntwo\n</document>"]
    assert len({each.partition("<document>")[0] for each in begun}) == 1
    assert sorted(begun[0].split("\n\n")) == sorted(usual.split("\n\n"))
    assert request(kind, "one", first="document", **own) == request(kind, "one", **own)


def test_examples_are_asked_in_the_same_words_as_the_document():
    labels = {"a": {"examples": ["A letter"]}, "b": ""}
    [_, example, _, last] = request("classify", labels=labels, instructions="Look twice.")["messages"]
    assert example["content"].endswith("\n\nLook twice.")
    assert last["content"].endswith("\n\nLook twice.")


def test_a_step_reads_all_of_its_input_unless_it_says_otherwise():
    text = "word " * 10_000
    assert text in request("classify", text)["messages"][-1]["content"]
    [_, short] = request("classify", text, max_input_tokens=5)["messages"]
    assert short["content"].startswith("<document>\nword word word \n</document>\n\n")


def test_what_a_completion_says_is_read():
    assert summarize.KIND.read(completion("  A summary.\n"), Summarize()) == "A summary."
    assert classify.KIND.read(completion('{"category": "ä other"}'), Classify(labels=LABELS)) == "ä other"
    assert extract.KIND.read(completion('{"total": 1.50, "due": "now"}'), Extract(schema="bill")) == {
        "total": 1.5,
        "due": "now",
    }


def test_text_asks_for_the_json_after_the_instruction_and_forces_nothing():
    sent = request("extract", endpoint={"structured_output": "text"})
    assert sent.keys() == {"model", "messages", "max_tokens", "temperature"}
    asked, schema = sent["messages"][-1]["content"].split("JSON Schema, and with nothing else:\n")
    assert asked.endswith(
        "Use only what the document says.\n\nAnswer with one JSON object that satisfies this "
    )
    assert json.loads(schema) == TOOL.parameters


def test_a_question_forces_a_tool_only_with_a_schema():
    assert "tools" not in request("ask")
    assert request("ask", schema="bill")["tool_choice"]["function"]["name"] == "record_bill"
    assert request("ask")["max_tokens"] == 512


def test_an_answer_is_text_or_a_record():
    assert ask.KIND.read(completion(" because \n"), Ask(prompt="Why?")) == "because"
    assert ask.KIND.read(completion('{"total": 1}'), Ask(prompt="Why?", schema="bill")) == {"total": 1}
