"""`docmill chat`: one request as it stands, printed for a person or for a script; nothing tried again."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.support import streams
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import altered, message, saying

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "samples" / "requests"
KEY = "sk-canary-of-the-chat-tests"
HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_API_KEY", KEY)


def write(project: Project, request: Any = HELLO) -> str:
    file = project.root / "request.json"
    file.write_text(json.dumps(request))
    return str(file)


@pytest.mark.parametrize("example", ["chat.json", "weather.json"])
def test_the_pages_examples_are_delivered_as_they_stand(project: Project, provider: Provider, example: str):
    assert project.run("chat", str(EXAMPLES / example), "--endpoint", provider.url) == 0
    [request] = provider.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.parsed == json.loads((EXAMPLES / example).read_text())
    assert request.body == rfc8785.dumps(request.parsed)


def test_no_example_holds_a_key():
    assert all("sk-" not in file.read_text() for file in EXAMPLES.iterdir())


def test_a_tool_call_is_laid_out_with_usage_and_price(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.always(saying('{"location": "Boston, MA", "days": [1, 2]}'))
    project.run("chat", str(EXAMPLES / "weather.json"), "--endpoint", provider.url)
    call, price = capsys.readouterr().out.split("\n  days: [1, 2]\n")
    assert call == "get_current_weather\n  location: Boston, MA"
    assert "tokens read, " in price
    assert "by list prices; tool_calls; claude-3-5-haiku-20241022 at http://127.0.0.1" in price


def test_json_is_the_servers_reply(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    assert project.run("chat", write(project), "--endpoint", provider.url, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["choices"][0]["message"]["content"].startswith("A short text")
    assert printed["usage"]["total_tokens"] > 0


def test_streamed_it_is_the_same_completion(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.script("ok", streams.GOOD["stream"], streams.GOOD["stream"], "ok")
    for options in ([], ["--stream"]):
        project.run("chat", write(project), "--endpoint", provider.url, "--json", *options)
    plain, streamed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert provider.requests[1].parsed == {**HELLO, "stream": True}
    assert provider.requests[1].headers["accept"] == "text/event-stream"
    assert streamed["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"]
    assert streamed["choices"][0]["finish_reason"] == plain["choices"][0]["finish_reason"]
    for _ in ("a stream", "a server that does not stream"):
        project.run("chat", write(project), "--endpoint", provider.url, "--stream")
    first, second = capsys.readouterr().out.split("A short text, ")[1:]
    assert first.count("\n") == second.count("\n") == 2


def test_standard_input_is_read(project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(HELLO)))
    assert project.run("chat", "-", "--endpoint", provider.url) == 0
    assert provider.requests[0].parsed == HELLO


def test_a_model_is_replaced_by_the_option_alone(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_MODEL", "of-the-environment")
    monkeypatch.setenv("DOCMILL_BASE_URL", provider.url)
    project.run("chat", write(project))
    project.run("chat", write(project), "--model", "other")
    assert [request.parsed["model"] for request in provider.requests] == ["m", "other"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"temperature": 2.5}, "temperature: must be less than or equal to 2, not 2.5"),
        ({"stop": list("abcde")}, "stop: must have at most 4, not 5"),
        ({"logit_bias": {"50256": 200}}, "logit_bias.50256: must be less than or equal to 100, not 200"),
        ({"presence_penalty": -3}, "presence_penalty: must be greater than or equal to -2, not -3"),
        ({"frequency_penalty": 2.1}, "frequency_penalty: must be less than or equal to 2, not 2.1"),
        ({"messages": []}, "messages: must have at least 1, not 0"),
        ({"model": ""}, "model: must not be empty"),
        ({"n": 0}, "n: must be greater than or equal to 1, not 0"),
        ({"top_p": "1"}, "top_p: must be a number, not '1'"),
        ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1, not 0"),
        ({"messages": [{"role": "alien", "content": "x"}]}, "messages[0].role: must be 'system'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0]: a tool's message"),
        (
            {"messages": [{"role": "tool", "content": "x", "tool_call_id": "a"}]},
            "messages[0].tool_call_id: no message before it calls 'a'",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function: is missing"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice: no tool is called"),
    ],
)
def test_what_breaks_a_rule_of_the_page_is_not_sent(
    project: Project, provider: Provider, edit: Any, said: str, capsys: pytest.CaptureFixture[str]
):
    assert project.run("chat", write(project, HELLO | edit), "--endpoint", provider.url) == 2
    assert said in capsys.readouterr().err
    assert provider.requests == []


def test_fields_that_are_not_the_pages_pass_through(project: Project, provider: Provider):
    asked = HELLO | {"seed": 7, "top_k": 5, "x": {"y": [None]}}
    assert project.run("chat", write(project, asked), "--endpoint", provider.url) == 0
    assert provider.requests[0].parsed == asked


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m", "model": "n"}', '{"n": NaN}'])
def test_what_is_no_request_is_not_sent(project: Project, provider: Provider, text: str):
    (project.root / "request.json").write_text(text)
    assert project.run("chat", "request.json", "--endpoint", provider.url) == 2
    assert provider.requests == []


@pytest.mark.parametrize("shape", ["server_error", "rate_limited", "unauthorized", "html_page", "stream_cut"])
def test_a_servers_error_is_told_with_what_it_said_and_asked_once(
    project: Project, provider: Provider, shape: str, capsys: pytest.CaptureFixture[str]
):
    provider.always(streams.BAD.get(shape, shape))
    options = ["--stream"] if shape == "stream_cut" else []
    assert project.run("chat", write(project), "--endpoint", provider.url, *options) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    assert KEY not in said.out + said.err
    assert len(provider.requests) == 1


def test_a_reply_moves_no_cursor(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    provider.always(message(content="a\x1b[2Jb\nc"))
    project.run("chat", write(project), "--endpoint", provider.url)
    assert capsys.readouterr().out.startswith("a [2Jb\nc\n")


def test_every_choice_is_printed(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    def two(reply: dict[str, Any]) -> None:
        reply["choices"].append({**reply["choices"][0], "index": 1, "message": {"content": "the second"}})

    provider.always(altered(two))
    project.run("chat", write(project, HELLO | {"n": 2}), "--endpoint", provider.url)
    assert "choice 2\nthe second\n" in capsys.readouterr().out


def test_without_a_key_nothing_is_sent(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("DOCMILL_API_KEY")
    assert project.run("chat", write(project)) == 2
    assert "https://api.302.ai/v1 needs a key and DOCMILL_API_KEY is not set" in capsys.readouterr().err
