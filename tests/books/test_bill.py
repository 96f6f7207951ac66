"""docmill's books beside the provider's own bill: with a prompt cache, reasoning and spoilt replies."""

from typing import Any

import pytest

from tests.support.billing import PRICES, Bill, Dialect
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
DECLARED = f"prices: {{input: {PRICES.input}, output: {PRICES.output}, cached_input: {PRICES.cached_input}"
STEPS = "  - classify: {labels: {a: the first, b: the second}}\n  - extract: {schema: thing}\n"


def billed(project: Project, provider: Provider, dialect: Dialect, documents: int, prices: str) -> Bill:
    """Run documents through two steps at a provider that has a bill of its own."""
    project.documents(
        **{f"d{n}": f"Document {n}. " + "What all of them say. " * 100 for n in range(documents)}
    )
    bill = Bill(dialect)
    provider.rule(bill.rule)
    endpoint = f"{{base_url: '{provider.url}', {prices}}}"
    assert project.run("run", str(project.pipeline(endpoint, STEPS))) == 0
    return bill


def booked(project: Project) -> tuple[Any, ...]:
    """Give what the run's row says: cost, calls, cached, reasoning and prompt tokens, whether estimated."""
    columns = "cost_usd, calls, cached_tokens, reasoning_tokens, prompt_tokens, cost_estimated"
    [row] = project.rows(f"select {columns} from docmill_runs")
    return row


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["openai", "claude"])
def test_the_books_are_the_providers_bill(project: Project, provider: Provider, dialect: Dialect):
    bill = billed(project, provider, dialect, 15, f"{DECLARED}, cache_write: {PRICES.cache_write}}}")
    cost, calls, cached, reasoning, prompt, estimated = booked(project)
    assert cost == pytest.approx(float(bill.usd), rel=0.01)
    assert (calls, estimated) == (bill.replies, False)
    assert (cached, reasoning, prompt) == tuple(bill.tokens[n] for n in ("cached", "reasoning", "prompt"))
    assert cached > 0 < reasoning


def test_a_servers_own_bill_comes_before_all_prices(project: Project, provider: Provider):
    bill = billed(project, provider, "openrouter", 5, "prices: {input: 100, output: 100}")
    cost, *_, estimated = booked(project)
    assert cost == pytest.approx(float(bill.usd))
    assert not estimated


@pytest.mark.slow
def test_the_bill_of_a_thousand_calls_is_within_one_percent(project: Project, provider: Provider):
    bill = billed(project, provider, "openai", 500, f"{DECLARED}, cache_write: {PRICES.cache_write}}}")
    cost, calls, *_ = booked(project)
    assert calls == bill.replies >= 1_000
    assert cost == pytest.approx(float(bill.usd), rel=0.01)


def test_what_was_cached_and_thought_is_told(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    billed(project, provider, "openai", 5, "prices: {input: 1, output: 1}")
    _, _, cached, reasoning, *_ = booked(project)
    said = f"({cached:,} of them cached)", f"({reasoning:,} of them reasoning)"
    assert project.run("report", "p.yaml") == 0
    summary, _, report = capfd.readouterr().out.partition("results: ")
    assert all(each in text for each in said for text in (summary, report))
