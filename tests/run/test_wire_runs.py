"""Runs against servers as they really are: what is waited for, what is booked, and what is not stored."""

import json
import time

import pytest

from tests.support.connection import Request
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import altered, html, rate_limited, saying, usage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]

SUMMARY = "  - summarize: {max_words: 40}\n"
BOOKED = "select prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_estimated from {}"


@pytest.mark.parametrize("limit", ["", ", requests_per_minute: 600"])
def test_thirty_refusals_that_say_how_long_to_wait_hold_sixty_documents_for_seconds(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, limit: str
):
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "1")
    project.documents(**{f"d{number}": f"Text {number}." for number in range(60)})
    provider.script(*[rate_limited("0.3")] * 30)
    pipeline = str(project.pipeline(provider.url, SUMMARY, limits=f"{{concurrency: 8{limit}}}"))
    began = time.monotonic()
    assert project.run("run", pipeline) == 0
    assert time.monotonic() - began < 60  # the pauses are 15 s at most; the rest is the machine's
    assert set(project.statuses().values()) == {"done"}
    assert len(provider.requests) == 90


def test_reasoning_and_cached_tokens_stand_in_every_book(project: Project, provider: Provider):
    project.documents(a="Text.")
    provider.always(
        usage(
            prompt_tokens=900,
            completion_tokens=20,
            total_tokens=1220,
            prompt_tokens_details={"cached_tokens": 800},
        )
    )
    prices = "prices: {input: 10, output: 100, cached_input: 1}"
    endpoint = f"{{base_url: '{provider.url}', {prices}}}"
    assert project.run("run", str(project.pipeline(endpoint, SUMMARY))) == 0
    for table in ("docmill_outcomes", "docmill_runs"):
        assert project.rows(BOOKED.format(table)) == [(900, 320, 800, 300, 0)]
    [(steps, cost)] = project.rows("select steps, cost_usd from docmill_outcomes")
    [step] = json.loads(steps).values()
    assert (step["cached_tokens"], step["reasoning_tokens"]) == (800, 300)
    assert cost == pytest.approx((100 * 10 + 800 * 1 + 320 * 100) / 1_000_000)


def test_a_usage_beyond_what_the_request_allows_is_estimated_and_marked(project: Project, provider: Provider):
    project.documents(a="Text.")
    provider.always(usage(prompt_tokens=100, completion_tokens=10**9))
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 0
    [(_, completion_tokens, _, _, estimated)] = project.rows(BOOKED.format("docmill_outcomes"))
    assert completion_tokens < 100
    assert estimated


def test_a_summary_of_millions_of_characters_is_invalid_and_says_how_many_it_may_have(
    project: Project, provider: Provider
):
    project.documents(a="Text.")
    provider.always(saying("x" * 2_000_000))
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 1
    [(status, error)] = project.rows("select status, error from docmill_outcomes")
    assert status == "invalid"
    assert error.endswith("it has 2,000,000 characters: write at most 1,600")


def test_a_reply_that_cannot_be_read_is_asked_anew_and_paid(project: Project, provider: Provider):
    project.documents(a="Text.")
    provider.script(altered(lambda reply: reply.update(x="\ud800")))
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 0
    assert project.rows("select status, calls, attempts, cost_estimated from docmill_outcomes") == [
        ("done", 2, 2, 1)
    ]


def test_an_error_beside_an_answer_is_asked_once_more_and_never_stored(project: Project, provider: Provider):
    project.documents(a="Text.")
    provider.always(altered(lambda reply: reply.update(error={"message": "closed", "code": 502})))
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 1
    assert project.rows("select status, summary, attempts from docmill_outcomes") == [("deferred", None, 2)]


def test_one_document_that_a_firewall_takes_offence_at_fails_alone(project: Project, provider: Provider):
    project.documents(a="Text.", b="Offence.", c="More.")
    provider.rule(lambda request: html(403) if "Offence" in request.text else None)
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 1
    assert project.statuses() == {"in/a.txt": "done", "in/b.txt": "failed", "in/c.txt": "done"}


def test_a_firewall_before_every_document_stops_the_run(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(**{f"d{number}": f"Text {number}." for number in range(20)})
    provider.always(html(403))
    assert project.run("run", str(project.pipeline(provider.url, SUMMARY))) == 3
    assert len(provider.requests) < 20
    assert "A page stands in front of the server" in capfd.readouterr().err


def _asked(request: Request) -> int:
    return int(request.parsed["max_completion_tokens"])


def test_a_model_that_takes_max_completion_tokens_alone_is_used_by_the_mapping(
    project: Project, provider: Provider
):
    project.documents(a="Text.")
    endpoint = f"{{base_url: '{provider.url}', max_tokens_name: max_completion_tokens}}"
    provider.script("length")
    assert project.run("run", str(project.pipeline(endpoint, SUMMARY))) == 0
    assert [_asked(request) for request in provider.requests] == [184, 368]
