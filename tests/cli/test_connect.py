"""`docmill check --connect`: what answers is said, and what does not; no Prefect, and no document is sent."""

import json

import pytest

from tests.support.databases import fresh
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import error

Printed = pytest.CaptureFixture[str]
ONE_STEP = "  - summarize:\n"


def _checked(
    project: Project, capfd: Printed, url: str, **keys: str
) -> tuple[int, dict[str, dict[str, object]]]:
    project.documents(a="text")
    code = project.run("check", str(project.pipeline(url, ONE_STEP, **keys)), "--connect", "--json")
    return code, json.loads(capfd.readouterr().out)["connect"]


def test_all_three_answer_and_the_list_holds_the_model(project: Project, provider: Provider, capfd: Printed):
    provider.models = ["l", "m", "n"]
    code, told = _checked(project, capfd, provider.url)
    assert (code, [each["ok"] for each in told.values()]) == (0, [True, True, True])
    assert told["endpoint"]["said"] == "answers and lists m among 3 models"
    assert told["into"]["said"] == "does not exist yet: the first run makes it"
    assert "in/a.txt" in str(told["source"]["said"])
    assert [request.path for request in provider.requests] == ["/v1/models"]
    assert not (project.root / "results.db").exists()


@pytest.mark.parametrize("models", [None, ["big-m-1", "other"]])
def test_a_model_that_no_list_holds_is_asked_for_one_token(
    models: list[str] | None, project: Project, provider: Provider, capfd: Printed
):
    provider.models = models
    code, told = _checked(project, capfd, provider.url)
    assert code == 0
    assert told["endpoint"]["listed"] is False
    assert "m was asked for one token and answers" in str(told["endpoint"]["said"])
    assert provider.requests[-1].parsed["max_tokens"] == 1


def test_a_model_that_is_not_served_is_told_before_anything_runs(
    project: Project, provider: Provider, capfd: Printed
):
    provider.models = ["n"]
    provider.always(error(404, "The model `m` does not exist", "model_not_found"))
    code, told = _checked(project, capfd, provider.url)
    assert (code, told["endpoint"]["ok"], told["into"]["ok"]) == (2, False, True)
    assert told["endpoint"]["said"] == (
        "the server answered 404 (model_not_found). The endpoint does not serve this model: name another "
        f"with --model or in the pipeline. The model asked for is 'm', at {provider.url}. "
        "It does not list m among 1 models; known: n"
    )


def test_each_model_that_a_step_may_ask_is_asked_for(project: Project, provider: Provider, capfd: Printed):
    provider.models = ["first"]
    refused = error(404, "The model does not exist", "model_not_found")
    provider.rule(lambda request: refused if request.parsed.get("model") == "gone" else None)
    project.documents(a="text")
    steps = "  - summarize: {model: own}\n  - summarize: {id: other}\n"
    pipeline = project.pipeline(provider.url, steps, model="[first, gone]")
    assert project.run("check", str(pipeline), "--connect", "--json") == 2
    told = json.loads(capfd.readouterr().out)["connect"]
    assert {name: each["ok"] for name, each in told.items()} == {
        "endpoint": True,
        "model first": True,
        "model gone": False,
        "into": True,
        "source": True,
    }
    assert "own was asked for one token" in told["endpoint"]["said"]
    assert [request.path.rpartition("/")[2] for request in provider.requests] == [
        "models",
        "completions",
        "completions",
    ]


def test_one_token_is_asked_for_by_the_name_that_the_server_has_for_it(
    project: Project, provider: Provider, capfd: Printed
):
    mapped = f"{{base_url: {provider.url}, max_tokens_name: max_completion_tokens}}"
    assert _checked(project, capfd, mapped)[0] == 0
    assert provider.requests[-1].parsed["max_completion_tokens"] == 1


def test_a_key_that_is_not_accepted_is(project: Project, provider: Provider, capfd: Printed):
    provider.always("unauthorized")
    code, told = _checked(project, capfd, provider.url)
    assert (code, told["endpoint"]["ok"]) == (2, False)


def test_what_does_not_answer_is_told_and_the_rest_too(project: Project, capfd: Printed):
    into = "postgresql://u@127.0.0.1:9/d"
    code, told = _checked(project, capfd, "http://127.0.0.1:9/v1", into=into)
    assert (code, [each["ok"] for each in told.values()]) == (2, [False, False, True])
    assert "no connection to the server 127.0.0.1:9: Connection refused" in str(told["endpoint"]["said"])
    assert "cannot be opened" in str(told["into"]["said"])


def test_a_cache_in_a_database_is_asked_too(
    project: Project, provider: Provider, capfd: Printed, postgres: str, monkeypatch: pytest.MonkeyPatch
):
    provider.models = ["m"]
    monkeypatch.setenv("DOCMILL_CACHE", fresh(postgres).replace("+psycopg", ""))
    code, told = _checked(project, capfd, provider.url)
    assert (code, told["cache"]["ok"]) == (0, True)
    assert "answers, and holds no records yet" in str(told["cache"]["said"])
    monkeypatch.setenv("DOCMILL_CACHE", "postgresql://me:secret@127.0.0.1:9/d")
    code, told = _checked(project, capfd, provider.url)
    assert (code, told["cache"]["ok"]) == (2, False)
    assert "secret" not in str(told)


def test_in_words_too(project: Project, provider: Provider, capfd: Printed):
    provider.models = ["m"]
    project.documents(a="text")
    assert project.run("check", str(project.pipeline(provider.url, ONE_STEP)), "--connect") == 0
    assert "endpoint ok: answers and lists m among 1 models" in capfd.readouterr().out


def test_without_it_nothing_is_sent(project: Project, provider: Provider):
    project.documents(a="text")
    assert project.run("check", str(project.pipeline(provider.url, ONE_STEP))) == 0
    assert not provider.requests
