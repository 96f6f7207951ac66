"""A budget holds, by the provider's own count: reserved before each attempt, settled by its usage."""

import json
import signal
from collections import Counter
from typing import Any

import pytest

from tests.support.connection import Reply, Request
from tests.support.counting import Biller, priced, said, usd, wordy
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import SHAPES, Shape, altered, completion, saying, usage, written

pytestmark = pytest.mark.usefixtures("prefect_api")

ONE = "  - summarize: {max_words: 20}\n"


def documents(project: Project, count: int) -> None:
    project.documents(
        **{f"d{number:03}": f"Protocol {number}. " + "It rained. " * 20 for number in range(count)}
    )


def run(project: Project, provider: Provider, *options: str, steps: str = ONE, **keys: str) -> int:
    keys = {"limits": "{concurrency: 16}", **keys}
    return project.run("run", str(project.pipeline(priced(provider), steps, **keys)), *options)


def last_run(project: Project) -> dict[str, Any]:
    names = "state, documents_in, done, deferred, calls, cost_usd, max_cost_usd"
    [row] = project.rows(f"select {names} from docmill_runs order by started_at desc limit 1")
    return dict(zip(names.split(", "), row, strict=True))


def doubtful(request: Request) -> Reply:
    """Decline, as dearly as can be: the next model is asked."""
    reply = said(wordy(request))
    reply["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot."}
    return written(reply)


def three_choices(request: Request) -> Reply:
    """Give three answers, each as long as may be, in one reply."""
    reply = completion(request, '{"category": "a"}')
    reply["choices"] *= 3
    read, limit = len(request.body), 3 * request.parsed["max_tokens"]
    reply["usage"] = {"prompt_tokens": read, "completion_tokens": limit, "total_tokens": read + limit}
    return written(reply)


@pytest.mark.slow
def test_what_the_budget_does_not_hold_is_deferred(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 40)
    biller = Biller(provider)
    assert run(project, provider, "--max-cost", "5") == 3
    ended, printed = last_run(project), capsys.readouterr()
    assert 3 < biller.usd <= 5
    assert ended["state"] == "stopped"
    assert ended["done"] > 5
    assert ended["deferred"] > 0
    assert ended["documents_in"] == ended["done"] + ended["deferred"]
    assert ended["cost_usd"] == pytest.approx(biller.usd)
    assert ended["max_cost_usd"] == 5
    said = "the budget of the run, $5.00, does not hold the next call, which may cost $"
    [reason] = project.rows("select distinct error from docmill_outcomes where status = 'deferred'")
    assert said in reason[0]
    assert "are missing" in reason[0]
    assert printed.err.count(said) == 1


@pytest.mark.slow
def test_nine_tenths_are_told_once(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    documents(project, 10)
    biller = Biller(provider, lambda _: wordy)
    assert run(project, provider, "--max-cost", "13", limits="{concurrency: 1}") == 0
    assert 12 < biller.usd < 13
    assert capsys.readouterr().out.count("of the budget of the run, $13.00, are spent") == 1


@pytest.mark.slow
def test_a_later_run_with_money_goes_on_and_pays_nothing_twice(project: Project, provider: Provider):
    documents(project, 20)
    biller = Biller(provider)
    assert run(project, provider, budget="{run_usd: 4}") == 3
    assert run(project, provider, budget="{run_usd: 400}") == 0
    assert len(provider.bodies()) == len(set(provider.bodies())) == 20
    assert project.rows("select sum(cost_usd) from docmill_runs")[0][0] == pytest.approx(biller.usd)


def test_repairs_retries_and_what_may_have_been_billed_draw_on_the_same_purse(
    project: Project, provider: Provider
):
    documents(project, 60)
    shapes: list[Shape] = [saying(" "), SHAPES["bad_gateway"], SHAPES["disconnect_mid_body"], "ok"]
    biller = Biller(provider, lambda request: shapes[request.number % 4] if request.number % 3 else wordy)
    assert run(project, provider, "--max-cost", "12", steps="  - extract: {schema: thing}\n") == 3
    hung_up = sum(
        usd(len(request.body) // 4, 256)
        for request in provider.requests
        if request.number % 3 and request.number % 4 == 2
    )
    assert biller.usd + hung_up <= 12


@pytest.mark.slow
def test_models_in_turn_draw_on_the_same_purse(project: Project, provider: Provider):
    documents(project, 60)
    biller = Biller(provider, lambda request: doubtful if request.parsed["model"] == "cheap" else wordy)
    provider.delay_s = 0.02  # so that all sixteen are in flight
    assert run(project, provider, "--max-cost", "50", model="[cheap, strong]") == 3
    asked = Counter(request.parsed["model"] for request in provider.requests)
    assert min(asked["cheap"], asked["strong"]) > 5
    assert provider.most_in_flight > 8
    assert 45 < biller.usd <= 50
    assert last_run(project)["cost_usd"] == pytest.approx(biller.usd)


@pytest.mark.slow
def test_each_choice_of_a_reply_draws_on_the_purse(project: Project, provider: Provider):
    documents(project, 60)
    biller = Biller(provider, lambda _: three_choices)
    provider.delay_s = 0.02
    steps = "  - classify: {labels: {a: the first, b: the second}, votes: 3}\n"
    endpoint = priced(provider).replace("}}", "}, choices: true}")
    keys = {"limits": "{concurrency: 16}", "budget": "{run_usd: 40}"}
    assert project.run("run", str(project.pipeline(endpoint, steps, **keys))) == 3
    assert {request.parsed["n"] for request in provider.requests} == {3}
    assert provider.most_in_flight > 8
    assert 35 < biller.usd <= 40
    assert last_run(project)["cost_usd"] == pytest.approx(biller.usd)


def test_where_the_server_books_itself_no_list_prices_are_named(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 2)
    provider.script(*[altered(lambda reply: reply["usage"].update(cost=0.25))] * 2)
    pipeline = str(project.pipeline(provider.url, ONE, model="gpt-4o-mini"))
    assert project.run("run", pipeline) == 0
    assert "written, $0.50\n" in capsys.readouterr().out
    assert project.rows("select cost_booked from docmill_runs") == [(1,)]
    assert project.run("report", pipeline, "--html", "page.html") == 0
    assert "as its server booked it" in (project.root / "page.html").read_text()
    documents(project, 3)
    assert project.run("run", pipeline) == 0
    assert " by list prices" in capsys.readouterr().out


def test_nothing_is_sent_where_a_model_has_no_price(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 1)
    pipeline = project.pipeline(provider.url, ONE, model="nobody-knows", budget="{run_usd: 1}")
    assert project.run("run", str(pipeline)) == 2
    assert "no price is known for the model nobody-knows: give the endpoint as a mapping with `prices" in (
        capsys.readouterr().err
    )
    assert not provider.requests


def test_nothing_is_sent_where_no_call_could_ever_fit(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 1)
    assert run(project, provider, budget="{day_usd: 0.1}") == 2
    assert "budget: $0.10 is less than one call of summarize with m may cost" in capsys.readouterr().err
    assert not provider.requests


def test_a_document_that_alone_could_never_fit_is_told_and_deferred_and_the_others_go_on(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 3)
    project.documents(long="x " * 4000)
    pipeline = str(project.pipeline(priced(provider), ONE, budget="{run_usd: 6}"))
    assert project.run("plan", pipeline, "--json") == 0
    assert json.loads(capsys.readouterr().out)["beyond_budget"] == ["in/long.txt"]
    told = "1 deferred, as one call may cost more than the whole budget: in/long.txt"
    assert project.run("plan", pipeline) == 0
    assert told in capsys.readouterr().out
    assert not provider.requests
    assert project.run("run", pipeline) == 1
    before, _, after = capsys.readouterr().out.partition(told)
    assert "done" in after
    assert "done" not in before  # nothing was sent yet
    [(status, error)] = project.rows(
        "select status, error from docmill_outcomes where document_id like '%long%'"
    )
    assert status == "deferred"
    assert "more than the whole budget of $6.00" in error
    assert last_run(project)["done"] == 3


@pytest.mark.slow
def test_a_day_counts_all_runs_since_midnight(project: Project, provider: Provider):
    documents(project, 8)
    biller = Biller(provider)
    assert run(project, provider, "--limit", "2") == 0  # without a budget
    first = biller.usd
    assert run(project, provider, "--limit", "2", "--max-cost", "50") == 0
    assert run(project, provider, budget=f"{{day_usd: {first * 2 + 1.3:.2f}}}") == 3
    assert biller.usd <= first * 2 + 1.3
    assert run(project, provider, budget="{day_usd: 500}") == 0


@pytest.mark.slow
def test_two_runs_side_by_side_keep_one_day(project: Project, provider: Provider):
    documents(project, 60)
    biller = Biller(provider, lambda _: wordy)
    provider.delay_s = 0.05
    keys = {"limits": "{concurrency: 16}", "budget": "{day_usd: 30}"}
    pipeline = str(project.pipeline(priced(provider), ONE, **keys))
    halves = ["in/d0[0-2]*.txt", "in/d0[3-5]*.txt"]
    runs = [project.begin("run", pipeline, "--documents", half) for half in halves]
    printed = [each.communicate(timeout=100)[0] for each in runs]
    assert 3 in [each.returncode for each in runs], printed
    assert 20 < biller.usd <= 30


@pytest.mark.slow
def test_what_a_killed_run_had_spent_and_reserved_counts_for_the_day(project: Project, provider: Provider):
    documents(project, 60)
    biller = Biller(provider, lambda _: wordy)
    provider.delay_s = 0.2
    keys = {"limits": "{concurrency: 4}", "budget": "{day_usd: 25}"}
    pipeline = str(project.pipeline(priced(provider), ONE, **keys))
    begun = project.begin("run", pipeline)
    while len(provider.requests) < 12:
        assert begun.poll() is None, begun.communicate()
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    killed = biller.usd
    assert project.run("run", pipeline) == 3
    assert killed < biller.usd <= 25


def test_a_budget_of_another_shape_is_refused(project: Project, provider: Provider):
    assert run(project, provider, budget="{}") == 2
    assert run(project, provider, "--max-cost", "-1") == 2
    assert not provider.requests


@pytest.mark.slow
def test_what_the_server_books_itself_is_what_a_call_has_cost(project: Project, provider: Provider):
    documents(project, 3)
    provider.rule(lambda request: written(completion(request), x_cost="0.25"))
    assert run(project, provider, "--max-cost", "50") == 0
    assert last_run(project)["cost_usd"] == pytest.approx(0.75)


@pytest.mark.slow
def test_what_reasoning_takes_beyond_max_tokens_is_reserved_once_it_is_known(
    project: Project, provider: Provider
):
    documents(project, 30)
    details = {"completion_tokens": 3000, "completion_tokens_details": {"reasoning_tokens": 2990}}
    biller = Biller(provider, lambda _: usage(**details, total_tokens=3100))
    assert run(project, provider, "--max-cost", "60", limits="{concurrency: 1}") == 3
    assert 40 < biller.usd <= 60
