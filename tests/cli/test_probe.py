"""`docmill probe`: what servers of different habits can, and the mapping that a pipeline then needs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from docmill.flows import cli
from docmill.flows.pipeline.file import load
from tests.cli.test_commands import without_prefect
from tests.support.connection import Reply, Request
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import completion, error, html, written
from tests.support.streams import streaming

RECORD = {"colour": "red", "count": 3}
Server = Callable[[Request], Any]


def answer(request: Request, content: str, *, called: bool = False) -> Reply:
    """Answer with a text, or with a call of the first tool."""
    reply = completion(request, content)
    if not called:
        reply["choices"][0] |= {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    reply["choices"] *= request.parsed.get("n", 1)
    return written(reply)


def models(*names: str) -> Reply:
    return written({"object": "list", "data": [{"id": name} for name in names]})


def newest(request: Request) -> Any:
    """Take max_completion_tokens alone, no temperature, and json_schema as strict as OpenAI does."""
    if request.method == "GET":
        return models("m", "other")
    asked = request.parsed
    if "max_tokens" in asked:
        return error(
            400, "'max_tokens' is not supported: use 'max_completion_tokens'", "unsupported_parameter"
        )
    if asked.get("temperature", 1) != 1:
        return error(400, "'temperature' does not support 0", "unsupported_value")
    if asked.get("stream"):
        return streaming()
    if "tools" in asked or "response_format" in asked:
        return answer(request, json.dumps(RECORD), called="tools" in asked)
    return answer(request, "alpha" if "stop" in asked else "red")


def small(request: Request) -> Any:
    """Know no tools and no strict schemas, heed no stop, and give one choice, as small servers do."""
    if request.method == "GET":
        return error(404, "no such path")
    asked = request.parsed
    if "tools" in asked:
        return error(400, "tools param requires --jinja flag")
    form = asked.get("response_format")
    if form and form["json_schema"]["strict"]:
        return error(400, "strict is not supported")
    if asked.get("stream"):
        return streaming(lambda chunks: chunks[:-1])
    reply = completion(request, json.dumps(RECORD) if form else "alpha gamma omega")
    return written(reply)


def gateway(request: Request) -> Any:
    """Pass over all that it does not know, and never stream, as old gateways do."""
    if request.method == "GET":
        return html(200)
    return written({**completion(request, "Red, three."), "choices": [ANSWER]})


ANSWER = {"message": {"role": "assistant", "content": "Red, three."}, "finish_reason": "stop"}


def found(server: Server, provider: Provider, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Probe a server; gives what was printed with --json."""
    provider.rule(server)
    assert cli.invoke(["probe", provider.url, "--model", "m", "--json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def works(printed: dict[str, Any]) -> dict[str, bool]:
    return {finding["name"]: finding["works"] for finding in printed["findings"]}


def test_a_server_that_takes_max_completion_tokens_alone(
    provider: Provider, capsys: pytest.CaptureFixture[str]
):
    printed = found(newest, provider, capsys)
    assert works(printed) == {
        "max_tokens": False,
        "temperature 0": False,
        "tools, forced by name": True,
        "tools, required": True,
        "json_schema, strict": True,
        "json_schema, not strict": True,
        "stop": True,
        "n: 2": True,
        "stream": True,
        "stream, its usage": True,
        "list of models": True,
    }
    mapping = {"structured_output": "tools", "max_tokens_name": "max_completion_tokens", "choices": True}
    assert printed["mapping"] == {"base_url": provider.url, **mapping}
    said = {finding["name"]: finding["means"] for finding in printed["findings"]}
    assert "params: {temperature: null}" in said["temperature 0"]
    assert said["list of models"] == "2, has m"


def test_a_server_without_tools(provider: Provider, capsys: pytest.CaptureFixture[str]):
    printed = found(small, provider, capsys)
    assert works(printed) == {
        "max_tokens": True,
        "temperature 0": True,
        "tools, forced by name": False,
        "tools, required": False,
        "json_schema, strict": False,
        "json_schema, not strict": True,
        "stop": False,
        "n: 2": False,
        "stream": True,
        "stream, its usage": False,
        "list of models": False,
    }
    mapping = {"structured_output": "json_schema", "strict": False}
    assert printed["mapping"] == {"base_url": provider.url, **mapping}


def test_a_gateway_that_passes_over_what_it_does_not_know(
    provider: Provider, capsys: pytest.CaptureFixture[str]
):
    printed = found(gateway, provider, capsys)
    assert [name for name, can in works(printed).items() if can] == [
        "max_tokens",
        "temperature 0",
        "stop",
        "stream, its usage",
    ]
    assert printed["mapping"] == {"base_url": provider.url, "structured_output": "text"}


def test_the_mapping_stands_alone_on_stdout_and_a_pipeline_takes_it(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.rule(newest)
    assert cli.invoke(["probe", provider.url, "--model", "m"]) == 0
    printed = capsys.readouterr()
    assert "asked for" in printed.err
    file = project.root / "q.yaml"
    file.write_text(f"name: q\ndocuments: in/*\nsteps: [{{summarize: }}]\n{printed.out}")
    endpoint = load(file).pipeline.endpoint
    assert endpoint.max_tokens_name == "max_completion_tokens"  # type: ignore[union-attr]


def test_a_rate_limit_is_waited_out(
    provider: Provider, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0.01")
    refused = iter([True, True])
    provider.rule(lambda request: error(429, "Slow down") if next(refused, False) else None)
    assert found(newest, provider, capsys)["mapping"]["structured_output"] == "tools"


def test_a_server_that_answers_nothing_is_an_error(provider: Provider, capsys: pytest.CaptureFixture[str]):
    provider.always(error(401, "The key is wrong"))
    assert cli.invoke(["probe", provider.url, "--model", "m"]) == 1
    printed = capsys.readouterr()
    assert "the server answered 401" in printed.err
    assert printed.out == ""


@pytest.mark.slow
def test_it_does_not_import_prefect(provider: Provider):
    provider.rule(newest)
    codes, _ = without_prefect(["probe", provider.url, "--model", "m"])
    assert codes == [0]
