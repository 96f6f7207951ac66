"""A run makes task runs no faster than Prefect's server records them, and goes on where that records none."""

import pytest

from docmill.flows.run import backpressure
from docmill.tasks.chat import backlog
from docmill.tasks.chat.backlog import Backlog, Sample
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")

ONE = "  - summarize: {max_words: 20}\n"
UNDER_WAY = 2 * 16 + 8  # at a concurrency of 16, all of which may have been let through at once


def run(project: Project, provider: Provider, count: int) -> int:
    project.documents(**{f"d{number:03}": f"Protocol {number}." for number in range(count)})
    return project.run("run", str(project.pipeline(provider.url, ONE, limits="{concurrency: 16}")))


@pytest.mark.slow
def test_calls_wait_until_the_server_has_recorded_those_before(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(backlog, "FIRST", 20)
    monkeypatch.setattr(backlog, "MOST", 20)
    monkeypatch.setattr(backlog, "LEAST", 20)
    monkeypatch.setattr(backlog, "EACH", 5)
    open_calls: list[int] = []
    passed: list[Sample] = []
    ended, recorded = Backlog.ended, Backlog.recorded

    def noted_end(self: Backlog, *args: object) -> None:
        ended(self, *args)  # type: ignore[arg-type]
        open_calls.append(self._ended - self._recorded)

    def noted_record(self: Backlog, sample: Sample) -> None:
        recorded(self, sample)
        passed.append(sample)

    monkeypatch.setattr(Backlog, "ended", noted_end)
    monkeypatch.setattr(Backlog, "recorded", noted_record)
    assert run(project, provider, 200) == 0
    assert len(open_calls) == 200
    assert max(open_calls) <= 20 + UNDER_WAY
    assert passed[-1].count >= 200 - 20 - UNDER_WAY


@pytest.mark.slow
def test_a_server_that_records_nothing_holds_up_nothing_for_long_and_is_told_of_once(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(backlog, "FIRST", 20)
    monkeypatch.setattr(backlog, "EACH", 5)
    monkeypatch.setattr(backpressure, "LOST_S", 0.5)
    monkeypatch.setattr(backpressure, "LOOK_TIMEOUT_S", 0.0)  # as one that answers too late
    assert run(project, provider, 60) == 0
    assert project.rows("select sum(done) from docmill_runs") == [(60,)]
    assert capsys.readouterr().out.count("does not record task runs in time") == 1
