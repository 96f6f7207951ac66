"""What was paid for and could not be stored stands in the run's books all the same."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.connection import Request
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
PRICED = "prices: {input: 3, output: 15}"
STEPS = "  - summarize:\n  - classify: {labels: {a: the first, b: the second}}\n"
BOOKED = "state, attempts, calls, prompt_tokens + completion_tokens, round(cost_usd, 9)"


def without_outcomes(project: Project, cache: Path) -> None:
    with sqlite3.connect(project.root / "results.db") as connection:
        connection.execute("drop table docmill_outcomes")


def without_a_cache(project: Project, cache: Path) -> None:
    (cache / "chat").rename(cache / "moved")
    (cache / "chat").write_text("no directory")


@pytest.mark.parametrize("spoil", [without_outcomes, without_a_cache])
def test_a_run_that_cannot_store_says_what_it_has_paid(
    project: Project, provider: Provider, cache: Path, spoil: Callable[[Project, Path], None]
):
    project.documents(**{f"d{number}": f"text {number}" for number in range(8)})

    def spoiling(request: Request) -> None:
        if request.number == 12:
            spoil(project, cache)

    provider.rule(spoiling)
    endpoint = f"{{base_url: '{provider.url}', {PRICED}}}"
    assert project.run("run", str(project.pipeline(endpoint, STEPS, limits="{concurrency: 3}"))) == 3
    [(state, attempts, calls, tokens, cost)] = project.rows(f"select {BOOKED} from docmill_runs")
    assert (state, attempts, calls) == ("failed", len(provider.requests), len(provider.requests))
    assert tokens > 0 < cost
