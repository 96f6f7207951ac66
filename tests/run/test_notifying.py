"""`notify`: outcomes that are told by a webhook, at least once, and without holding up a run."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from docmill.flows.observe.observer import Observer
from docmill.flows.run import notifying
from docmill.flows.run.notifying import Courier
from docmill.schemas.errors import StorageError
from docmill.schemas.notify import Notify
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.tasks.chat import webhook
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.outbox import Notice
from tests.support.hooks import Receiver, receiver
from tests.support.project import Project
from tests.support.provider import Provider

__all__ = ["receiver"]
Printed = pytest.CaptureFixture[str]
EXTRACT = "  - extract: {schema: thing}\n"


def pipeline(project: Project, provider: Provider, url: str, more: str = "") -> str:
    return str(project.pipeline(provider.url, EXTRACT, notify=f'{{url: "{url}"{more}}}'))


def waiting(project: Project) -> int:
    [(count,)] = project.rows("select count(*) from docmill__outbox")
    return int(count)


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
class TestRuns:
    def test_each_done_document_is_told_with_its_record(
        self, project: Project, provider: Provider, receiver: Receiver
    ):
        project.documents(a="one", b="two", c="three", empty="")
        assert project.run("run", pipeline(project, provider, receiver.url, ", batch: 2")) == 1
        told = {each["document_id"]: each for each in receiver.taken}
        assert sorted(told) == ["in/a.txt", "in/b.txt", "in/c.txt"]
        assert told["in/a.txt"]["record"]["name"] == "Example"
        assert told["in/a.txt"]["status"] == "done"
        [(run_id,)] = project.rows("select run_id from docmill_runs")
        assert {each["run_id"] for each in receiver.taken} == {run_id}
        assert len({each["id"] for each in receiver.taken}) == 3
        assert len(receiver.ids) >= 2
        assert waiting(project) == 0
        assert project.run("run", "p.yaml") == 1
        assert len(receiver.taken) == 3  # what is unchanged is not told again

    def test_a_request_that_fails_is_sent_again_under_its_id(
        self, project: Project, provider: Provider, receiver: Receiver
    ):
        project.documents(a="one")
        receiver.answers = [503, 429, 500]
        assert project.run("run", pipeline(project, provider, receiver.url)) == 0
        assert len(receiver.taken) == 1
        assert len(receiver.ids) == 4
        assert len(set(receiver.ids)) == 1

    @pytest.mark.slow
    def test_what_is_not_taken_waits_for_the_next_run(
        self,
        project: Project,
        provider: Provider,
        receiver: Receiver,
        monkeypatch: pytest.MonkeyPatch,
        capfd: Printed,
    ):
        monkeypatch.setattr(notifying, "AFTER_S", 0.5)
        project.documents(a="one", b="two")
        receiver.answers = [503] * 10_000
        assert project.run("run", pipeline(project, provider, receiver.url)) == 0
        assert waiting(project) == 2
        said = " ".join(capfd.readouterr().out.split())
        assert "notify: 2 notices wait in the outbox (127.0.0.1 answers 503)" in said
        receiver.answers = [404]
        assert project.run("run", "p.yaml") == 0
        assert waiting(project) == 2
        assert len(receiver.answers) == 0  # a refusal is not asked again in the same run
        assert project.run("run", "p.yaml") == 0
        assert waiting(project) == 0
        assert sorted(each["document_id"] for each in receiver.taken) == ["in/a.txt", "in/b.txt"]

    @pytest.mark.slow
    def test_the_statuses_are_chosen(self, project: Project, provider: Provider, receiver: Receiver):
        project.documents(a="one", empty="")
        assert project.run("run", pipeline(project, provider, receiver.url, ", statuses: [failed]")) == 1
        assert [(each["document_id"], each["error"]) for each in receiver.taken] == [
            ("in/empty.txt", "the file is empty")
        ]

    @pytest.mark.slow
    def test_nothing_is_sent_where_notices_could_not_be(
        self, project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, capfd: Printed
    ):
        project.documents(a="one")
        monkeypatch.delenv("DOCMILL_NOTIFY_SECRET", raising=False)
        for url, said in (
            ("https://hooks.example/x", "notify: DOCMILL_NOTIFY_SECRET is not set"),
            ("http://hooks.example/x", "notify.url: must be https://"),
        ):
            assert project.run("run", pipeline(project, provider, url)) == 2
            assert said in capfd.readouterr().err
        monkeypatch.setenv("DOCMILL_HOSTS", "127.0.0.1")
        assert project.run("run", pipeline(project, provider, "https://hooks.example/x")) == 2
        assert "notify.url: DOCMILL_HOSTS does not hold hooks.example" in capfd.readouterr().err
        assert provider.bodies() == []


def outbox_of(database: str, *documents: str) -> ReviewedResults:
    """Give results with a notice for each of these documents."""
    results = ReviewedResults.open(Into(url=database), "p", {})
    results.notify = Notify(url="https://h/x")
    for document in documents:
        outcome = Outcome(document_id=document, uri="u", content_sha256="c", status="done")
        results.write([outcome], "r1", "s")
    return results


def delivered(results: ReviewedResults, receiver: Receiver, batch: int) -> list[str]:
    """Give the documents that a run which is over yet delivers."""

    async def deliver() -> None:
        courier = Courier(Notify(url=receiver.url, batch=batch), results.outbox())
        courier.ended.set()
        await courier.go_on()
        await courier.close()

    before = len(receiver.taken)
    asyncio.run(deliver())
    return [each["document_id"] for each in receiver.taken[before:]]


def test_a_notice_that_is_refused_holds_up_no_other(database: str, receiver: Receiver):
    results = outbox_of(database, *"abcdefgh")
    receiver.unfit = {"a", "d"}
    assert sorted(delivered(results, receiver, 100)) == list("bcefgh")
    assert results.outbox().count() == 2
    assert delivered(results, receiver, 100) == []
    receiver.unfit = {"a"}
    assert delivered(results, receiver, 1) == ["d"]
    results.close()


def test_a_webhook_that_refuses_everything_is_asked_a_few_times(database: str, receiver: Receiver):
    results = outbox_of(database, *"abcdefgh")
    receiver.unfit = set("abcdefg")
    assert delivered(results, receiver, 1) == []
    assert len(receiver.ids) == 3
    assert delivered(results, receiver, 1) == []
    assert delivered(results, receiver, 1) == ["h"]  # those that were refused came last
    results.close()


def test_a_webhook_that_is_closed_is_asked_once(database: str, receiver: Receiver):
    results = outbox_of(database, "a", "b")
    for status in (301, 401, 404, 410):
        receiver.answers = [status]
        receiver.ids.clear()
        assert delivered(results, receiver, 1) == []
        assert len(receiver.ids) == 1
    results.close()


@pytest.mark.parametrize(("endless", "connections"), [(False, 1), (True, 2)])
def test_an_answer_is_read_as_far_as_that_leaves_the_connection(
    database: str, receiver: Receiver, endless: bool, connections: int
):
    results = outbox_of(database, "a", "b")
    receiver.endless = endless
    assert sorted(delivered(results, receiver, 1)) == ["a", "b"]
    assert receiver.connections == connections
    receiver.endless = False
    results.close()


def test_a_webhook_that_takes_for_ever_is_left(
    database: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(webhook, "MOST_S", 0.2)
    receiver.endless, receiver.pause_s = True, 0.05
    hook = webhook.Webhook(receiver.url)

    async def post() -> webhook.Answer:
        try:
            return await hook.post("id", b'{"notices": []}')
        finally:
            await hook.close()

    answer = asyncio.run(post())
    receiver.endless = False
    assert answer.taken == "later"
    assert "takes longer than" in answer.said


def test_notices_are_stored_with_their_outcomes_or_not_at_all(database: str):
    results = ReviewedResults.open(Into(url=database), "p", {})
    results.notify = Notify(url="https://h/x")
    outcome = Outcome(document_id="d", uri="u", content_sha256="c", status="done", record={"ä": 1})
    results.write([outcome], "r1", "s")
    [notice] = results.outbox().waiting(10, datetime.now(UTC))
    assert notice.body["record"] == {"ä": 1}
    assert notice.body["at"].endswith("+00:00")
    with pytest.raises(StorageError), results.deciding() as deciding:
        deciding.change("d", {"status": "done", "uri": None})
    assert results.outbox().count() == 1
    results.outbox().remove([notice])
    assert results.outbox().count() == 0
    with results.deciding() as deciding:
        deciding.change("d", {"status": "review"})
    assert results.outbox().count() == 0
    with results.deciding() as deciding:
        deciding.change("d", {"status": "done", "record": {"ä": 2}})
    [told] = results.outbox().waiting(10, datetime.now(UTC))
    assert told.body["record"] == {"ä": 2}
    results.close()


def test_a_request_holds_as_many_notices_as_fit_and_one_at_least():
    third, over = "x" * (notifying.MOST_BYTES // 3), "x" * notifying.MOST_BYTES
    of_three = [Notice(f"{number}", {"text": third}) for number in range(3)]
    first, body = notifying._request(of_three)
    assert (len(first), len(json.loads(body)["notices"])) == (2, 2)
    assert notifying._request([Notice("large", {"text": over}), *of_three])[0][0].id == "large"
    assert len(notifying._request([Notice("large", {"text": over}), *of_three])[0]) == 1


@pytest.mark.parametrize(("documents", "many"), [(["a"], "1 notice waits"), (["a", "b"], "2 notices wait")])
def test_what_was_not_delivered_is_said_in_a_sentence(documents: list[str], many: str, database: str):
    warned: list[str] = []

    class Told(Observer):
        def warn(self, message: str) -> None:
            warned.append(message)

    results = outbox_of(database, *documents)
    for said, why in (("", ""), ("HTTP 500", " (HTTP 500)")):
        courier: Any = SimpleNamespace(said=said)
        asyncio.run(notifying._tell(courier, results.outbox(), Told()))
        assert warned.pop() == f"notify: {many} in the outbox{why}: the next run delivers what is left"
    results.close()
