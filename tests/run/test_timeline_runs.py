"""A run's time, and what held it back: as it is shown, kept, reported and drawn."""

import json
import re
from pathlib import Path

import pytest

from tests.support.counting import priced
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import rate_limited

pytestmark = pytest.mark.usefixtures("prefect_api")

ONE = "  - summarize: {max_words: 20}\n"
Printed = pytest.CaptureFixture[str]


def documents(project: Project, count: int) -> None:
    project.documents(**{f"d{number:02}": f"Protocol {number}. It rained." for number in range(count)})


@pytest.mark.slow
def test_calls_one_after_the_other_are_held_back_by_concurrency_and_drawn(
    project: Project, provider: Provider, capfd: Printed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "1")
    documents(project, 12)
    provider.delay_s = 0.2
    provider.script(rate_limited("0.2"))
    assert project.run("run", str(project.pipeline(priced(provider), ONE, limits="{concurrency: 1}"))) == 0
    assert "held back by concurrency" in capfd.readouterr().out
    [(slot_s, series, held)] = project.rows("select slot_s, series, held_back from docmill__timelines")
    [(calls, cost)] = project.rows("select calls, cost_usd from docmill_runs")
    sums = {name: sum(values) for name, values in json.loads(series).items()}
    assert slot_s == 1
    assert (sums["calls"], sums["refused"]) == (calls, 1) == (12, 1)
    assert cost > 0
    assert sums["usd"] == pytest.approx(cost)
    assert json.loads(held)["concurrency"] > 1
    assert json.loads(held)["server"] > 0

    assert project.run("report", "p.yaml") == 0
    assert re.search(r"held back by concurrency \d+ % of the time", capfd.readouterr().out)
    assert project.run("report", "p.yaml", "--json") == 0
    assert sum(json.loads(capfd.readouterr().out)["timeline"]["calls"]) == 12
    assert project.run("report", "p.yaml", "--html", "page.html") == 0
    page = Path("page.html").read_text()
    titles = ["Calls", "Refused by the server", "Tokens", "Cost"]
    assert re.findall(r"aria-label=\"(.*) over the run's time\"", page) == titles
    assert re.search(r"The run's time, .*; held back by concurrency \d+ % of the time", page)


@pytest.mark.slow
def test_a_run_that_sends_nothing_has_no_picture_of_its_time(
    project: Project, provider: Provider, capfd: Printed
):
    documents(project, 2)
    pipeline = str(project.pipeline(provider.url, ONE))
    assert [project.run("run", pipeline), project.run("run", pipeline)] == [0, 0]
    capfd.readouterr()
    assert project.run("report", "p.yaml", "--html", "page.html") == 0
    assert "The run's time" not in Path("page.html").read_text()
