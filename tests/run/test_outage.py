"""A server that is down, or now and then: the damage is bounded, and no document is lost."""

from collections import Counter

import pytest

from tests.support.project import Project
from tests.support.provider import Provider, Rule
from tests.support.shapes import Shape

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
NOBODY = "http://127.0.0.1:9/v1"
TRIES = 5


def _run(
    project: Project, url: str, documents: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int, Counter[str]]:
    """Run over documents without delays; gives exit code, attempts, and the outcomes' counts."""
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0")
    project.documents(**{f"d{number:04}": f"text {number}" for number in range(documents)})
    code = project.run("run", str(project.pipeline(url, "  - summarize:\n")))
    [(attempts,)] = project.rows("select attempts from docmill_runs")
    return code, attempts, Counter(project.statuses().values())


@pytest.mark.parametrize("shape", ["server_error", "disconnect", None])
def test_a_hundred_documents_cost_a_dead_server_few_attempts(
    project: Project, provider: Provider, shape: Shape | None, monkeypatch: pytest.MonkeyPatch
):
    if shape:
        provider.always(shape)
    code, attempts, statuses = _run(project, provider.url if shape else NOBODY, 100, monkeypatch)
    assert (code, statuses) == (1, {"deferred": 100})
    assert attempts <= 40
    assert len(provider.requests) == (attempts if shape else 0)


def test_why_nothing_goes_on_is_told_once_and_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    _run(project, NOBODY, 20, monkeypatch)
    said = "no connection to the server 127.0.0.1:9: Connection refused"
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith(said)]
    assert lines == [f"{said} (try 1 of 5 of a request: it is tried again)"]
    errors = {error for (error,) in project.rows("select error from docmill_outcomes")}
    assert errors
    assert all(said in error for error in errors), errors


def test_a_stop_does_not_hide_it(project: Project):
    project.documents(a="text", b="text b")
    run = project.begin("run", str(project.pipeline(NOBODY, "  - summarize:\n", limits="{concurrency: 1}")))
    assert run.stdout is not None
    printed = next(line for line in run.stdout if "Connection refused" in line)
    assert printed.startswith("no connection to the server 127.0.0.1:9")
    run.terminate()
    run.communicate(timeout=60)
    errors = [error for (error,) in project.rows("select error from docmill_outcomes")]
    assert errors
    for error in errors:
        assert "Connection refused" in error


@pytest.mark.slow
def test_a_thousand_documents_cost_a_dead_server_no_more(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.always("server_error")
    code, attempts, statuses = _run(project, provider.url, 1000, monkeypatch)
    assert (code, statuses) == (1, {"deferred": 1000})
    assert attempts <= 40


def test_a_dead_server_that_limits_in_between_is_dead(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.rule(lambda request: "rate_limited" if request.number % 2 else "server_error")
    code, attempts, statuses = _run(project, provider.url, 100, monkeypatch)
    assert (code, statuses) == (1, {"deferred": 100})
    assert attempts <= 60


def _every_ninth(otherwise: Shape) -> Rule:
    return lambda request: "ok" if request.number % 9 == 0 else otherwise


def test_a_server_that_fails_but_now_and_then_costs_each_document_its_tries(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.rule(_every_ninth("server_error"))
    code, attempts, statuses = _run(project, provider.url, 40, monkeypatch)
    assert code == 1
    assert attempts <= TRIES * 40
    assert statuses == {"done": attempts // 9, "deferred": 40 - attempts // 9}


def test_a_server_that_limits_but_now_and_then_is_waited_for(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.rule(_every_ninth("rate_limited"))
    assert _run(project, provider.url, 20, monkeypatch) == (0, 9 * 20, {"done": 20})
