"""What Prefect has of a run that its budget warned of, and ended: state, report, log and events."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from docmill.flows.process import process
from tests.evaluate.test_runs import events
from tests.support.browser import Watched, elsewhere
from tests.support.counting import Biller, priced, wordy
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import serving

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]

SPENT = "of the budget of the run, $13.00, are spent"
OVER = "the budget of the run, $13.00, does not hold the next call, which may cost $1.2"
Ended = tuple[State[Any], Watched, Project]


@pytest.fixture(scope="module")
def ended(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Give a flow run of twenty documents whose budget holds ten."""
    with elsewhere(tmp_path_factory) as project, serving() as provider:
        Biller(provider, lambda _: wordy)
        project.documents(
            **{f"d{number:02}": f"Protocol {number}. " + "It rained. " * 20 for number in range(20)}
        )
        keys = {"limits": "{concurrency: 1}", "budget": "{run_usd: 13}"}
        file = project.pipeline(priced(provider), "  - summarize: {max_words: 20}\n", **keys)
        state: State[Any] = asyncio.run(process(file, return_state=True))  # type: ignore[arg-type]
        yield state, Watched(prefect_api, project, str(state.state_details.flow_run_id)), project


def told(ended: Ended) -> dict[str, Any]:
    """Give the payloads of the run's events."""
    _, run, project = ended
    [(run_id,)] = project.rows("select run_id from docmill_runs")
    assert eventually(lambda: "docmill.run.finished" in events(run.api, run_id))
    return events(run.api, run_id)


def test_a_flow_run_that_its_budget_ends_is_stopped_and_says_what_is_missing(ended: Ended):
    state, run, _ = ended
    assert (state.name, state.is_failed(), run.flow_run()["state_name"]) == ("Stopped", True, "Stopped")
    assert OVER in str(state.message)
    assert "are missing" in str(state.message)


def test_its_report_says_so_too(ended: Ended):
    report = ended[1].report()
    assert report.startswith("# p: stopped\n")
    assert OVER.replace("$", r"\$") in report
    assert ended[1].artifacts("markdown")[0]["description"].startswith("stopped: ")


def test_its_end_is_an_event(ended: Ended):
    finished = told(ended)["docmill.run.finished"]
    assert (finished["state"], finished["done"]) == ("stopped", 10)
    assert finished["documents_in"] == finished["done"] + finished["deferred"]
    assert 12 < finished["cost_usd"] <= 13


def test_nine_tenths_of_a_budget_are_one_warning_in_the_log(ended: Ended):
    warned = [message for level, message in ended[1].logs() if level == logging.WARNING and SPENT in message]
    assert len(warned) == 1


def test_nine_tenths_of_a_budget_are_an_alert(ended: Ended):
    alert = told(ended)["docmill.alert"]
    assert (alert["threshold"], alert["budget"], alert["limit"]) == ("budget", "run", 13)
    assert 0.9 * 13 <= alert["value"] <= 13
