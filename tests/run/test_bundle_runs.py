"""Whole runs over files that hold several documents."""

import json
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.api.results import results
from docmill.flows.pipeline.file import load
from docmill.flows.review.documents import documents
from docmill.flows.review.pages import drawn
from docmill.flows.review.review import opened, source_of
from docmill.schemas.document import Document
from docmill.tasks.sources import scans
from tests.support.bundled import by_the_page, letter, mail
from tests.support.documents import pdf, zipped
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import error, saying

pytestmark = pytest.mark.usefixtures("prefect_api")
STEPS = "  - summarize:\n"
ADA, BOB = letter("Ada Ltd", "one", "two"), letter("Bob & Co", "three")


def bundles(project: Project, provider: Provider, **keys: str) -> str:
    """Write a pipeline that divides the files in in/."""
    Path("in").mkdir(exist_ok=True)
    provider.rule(by_the_page)
    return str(project.pipeline(provider.url, STEPS, documents="in/*", **({"split": "true"} | keys)))


def counts(project: Project) -> list[tuple[int, ...]]:
    """Give the counts of each run."""
    return project.rows(
        "select documents_in, done, unchanged, failed, calls from docmill_runs order by started_at"
    )


@pytest.mark.slow
def test_a_bundle_of_letters_is_divided_once_and_each_is_a_document(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    assert project.run("run", pipeline) == 0
    assert project.statuses() == {"in/scan.pdf#pages=1-2": "done", "in/scan.pdf#pages=3-3": "done"}
    assert project.run("run", pipeline) == 0
    assert counts(project) == [(2, 2, 0, 0, 5), (2, 0, 2, 0, 0)]
    asked = [request.text for request in provider.requests]
    assert sum("Ada Ltd" in text and "goes on: two" in text for text in asked) == 1
    [(steps,)] = project.rows("select steps from docmill_outcomes where document_id like '%1-2'")
    assert json.loads(steps)["split"]["output"] == "pages 1-2, 3-3"


@pytest.mark.slow
def test_what_is_attached_or_packed_are_documents_of_their_own(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    inner = zipped({"../../etc/passwd": "root", "b.txt": "second"})
    Path("in/a.eml").write_bytes(mail(("bill.txt", b"Pay 5"), ("bill.txt", b"Pay 6"), ("in.zip", inner)))
    Path("in/c.txt").write_text("a letter")
    assert project.run("run", pipeline) == 0
    assert set(project.statuses()) == {
        "in/a.eml",
        "in/a.eml#attachment=bill.txt",
        "in/a.eml#attachment=bill.txt#2",
        "in/a.eml#attachment=in.zip#attachment=..%2F..%2Fetc%2Fpasswd",
        "in/a.eml#attachment=in.zip#attachment=b.txt",
        "in/c.txt",
    }
    assert project.run("run", pipeline) == 0
    assert counts(project) == [(6, 6, 0, 0, 6), (6, 0, 6, 0, 0)]
    [of_mail] = [request.text for request in provider.requests if "Two are attached" in request.text]
    assert "Attachment: bill.txt" in of_mail
    assert "Pay 5" not in of_mail


def test_a_file_that_is_divided_otherwise_later_leaves_no_row_of_before(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    assert project.run("run", pipeline) == 0
    Path("in/scan.pdf").write_bytes(pdf(*BOB, *ADA))
    assert project.run("run", pipeline) == 0
    assert project.statuses() == {"in/scan.pdf#pages=1-1": "done", "in/scan.pdf#pages=2-3": "done"}
    Path("in/scan.pdf").write_bytes(pdf(*ADA))
    assert project.run("run", pipeline) == 0
    assert project.statuses() == {"in/scan.pdf": "done"}
    assert {row[0] for row in project.rows("select distinct document_id from docmill_history")} == {
        "in/scan.pdf#pages=1-1",
        "in/scan.pdf#pages=1-2",
        "in/scan.pdf#pages=2-3",
        "in/scan.pdf#pages=3-3",
    }
    assert counts(project)[-1] == (1, 1, 0, 0, 0)  # each page and each letter was asked about before


def test_a_plan_bounds_what_is_not_divided_yet_and_then_is_exact(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    Path("in/a.eml").write_bytes(mail(("bill.txt", b"Pay 5")))

    def planned(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert project.run("plan", pipeline, "--json", *arguments) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    before = planned()
    assert (before["documents"], before["new"], before["calls"]) == ([3, 5], 3, [6, 8])
    assert before["steps"][0]["step"] == "split"
    assert "no model has looked at it" in before["assumed"][0]
    assert project.run("run", pipeline) == 0
    assert project.rows("select calls from docmill_runs") == [(7,)]
    after = planned()
    assert (after["documents"], after["unchanged"], after["calls"]) == (4, 4, 0)
    Path("in/copy.pdf").write_bytes(pdf(*ADA, *BOB, "\n"))  # its pages were asked about
    again = planned()
    assert (again["documents"], again["new"], again["calls"], again["cached_calls"]) == (6, 2, 0, 5)


@pytest.mark.slow
def test_documents_within_files_are_named_shown_and_printed_by_their_ids(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    assert project.run("text", "in/scan.pdf", "--pipeline", pipeline) == 0
    said = capsys.readouterr()
    assert said.out.startswith("Ada Ltd\n")
    assert "in/scan.pdf: its pages may be of several documents" in said.err
    assert project.run("run", pipeline) == 0
    capsys.readouterr()
    assert project.run("text", "in/scan.pdf", "--pipeline", pipeline) == 0
    said = capsys.readouterr()
    assert said.out.startswith("==> in/scan.pdf#pages=1-2 <==\nAda Ltd\n")
    assert "==> in/scan.pdf#pages=3-3 <==\nBob & Co\n" in said.out
    for id_, count in (("in/scan.pdf#pages=3-3", 1), ("in/scan.pdf", 2)):
        assert project.run("run", pipeline, "--document", id_, "--json") == 0
        assert json.loads(capsys.readouterr().out)["unchanged"] == count
    assert project.run("show", pipeline, "in/scan.pdf#pages=3-3") == 0
    assert "Bob & Co" in (shown := capsys.readouterr().out)
    assert "Ada Ltd" not in shown
    assert project.run("report", pipeline, "--html", "report.html") == 0
    page = Path("report.html").read_text()
    assert "in/scan.pdf#pages=3-3" in page


def test_what_was_not_done_of_a_file_is_tried_again_alone(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    fails = [True]
    provider.rule(lambda request: error(400, "no") if "Bob" in request.text and fails[0] else None)
    assert project.run("run", pipeline) == 1
    assert project.statuses() == {"in/scan.pdf#pages=1-2": "done", "in/scan.pdf#pages=3-3": "failed"}
    fails.clear()
    fails.append(False)
    assert project.run("retry", pipeline) == 0
    assert counts(project) == [(2, 1, 0, 1, 4), (1, 1, 0, 0, 1)]


def test_one_document_of_a_file_is_asked_anew_and_the_file_is_not_divided_again(
    project: Project, provider: Provider
):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    assert project.run("run", pipeline) == 0
    assert project.run("run", pipeline, "--document", "in/scan.pdf#pages=3-3", "--refresh") == 0
    assert project.run("run", pipeline, "--document", "in/scan.pdf", "--refresh") == 0
    assert counts(project) == [(2, 2, 0, 0, 5), (1, 1, 0, 0, 1), (2, 2, 0, 0, 5)]


@pytest.mark.slow
def test_a_mails_id_names_all_that_it_holds_also_once_that_is_known(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    Path("in/a.eml").write_bytes(mail(("bill.txt", b"Pay 5")))
    Path("in/b.txt").write_text("text")
    for _ in range(2):
        assert project.run("run", pipeline, "--document", "in/a.eml") == 0
    assert project.run("run", pipeline, "--document", "in/a.eml#attachment=bill.txt") == 0
    assert counts(project) == [(2, 2, 0, 0, 2), (2, 0, 2, 0, 0), (1, 0, 1, 0, 0)]


@pytest.mark.slow
def test_documents_within_files_are_tried_and_shown_also_where_all_is_asked_anew(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    for options in ((), ("--refresh",)):
        assert project.run("run", pipeline, "--try", *options) == 0
        out = capfd.readouterr().out
        assert "document in/scan.pdf#pages=3-3" in out
        assert "not in the cache" not in out


def test_a_file_that_was_repaired_is_tried_again_for_its_document_that_failed(
    project: Project, provider: Provider
):
    pipeline = bundles(project, provider)
    Path("in/z.zip").write_bytes(zipped({"a.txt": "one", "b.txt": "  "}))
    assert project.run("run", pipeline) == 1
    assert set(project.statuses().values()) == {"done", "failed"}
    Path("in/z.zip").write_bytes(zipped({"a.txt": "one", "b.txt": "two"}))
    assert project.run("retry", pipeline) == 0
    assert set(project.statuses().values()) == {"done"}
    assert counts(project) == [(2, 1, 0, 1, 1), (2, 1, 1, 0, 1)]


def test_a_scan_within_a_file_that_nobody_could_read_has_the_file_divided_anew_once_somebody_can(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    pipeline = bundles(project, provider)
    monkeypatch.setattr(scans, "available", lambda: False)
    for name, page in (("scan", ""), ("text", "one")):
        Path(f"in/{name}.eml").write_bytes(mail((f"{name}.pdf", pdf(page)), text=name))
    assert project.run("run", pipeline) == 1
    unseen = project.rows("select document_id, unseen from docmill__bundles order by document_id")
    assert unseen == [("in/scan.eml", 1), ("in/text.eml", 0)]


def test_a_file_whose_pages_nobody_can_tell_fails_as_one_and_is_divided_once_they_can(
    project: Project, provider: Provider
):
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *BOB))
    refuses = [True]
    provider._rules.insert(0, lambda request: error(400, "no") if refuses[0] else None)
    assert project.run("run", pipeline) == 1
    [(status, said)] = project.rows("select status, error from docmill_outcomes")
    assert (status, said.split(":")[0]) == ("failed", "split")
    refuses[0] = False
    assert project.run("run", pipeline) == 0
    assert project.statuses() == {"in/scan.pdf#pages=1-2": "done", "in/scan.pdf#pages=3-3": "done"}


@pytest.mark.slow
def test_a_run_that_is_stopped_within_a_file_adds_up_and_the_next_takes_up_the_rest(
    project: Project, provider: Provider
):
    pipeline = bundles(project, provider, limits="{concurrency: 1}")
    names = [f"{number}th Ltd" for number in range(6)]
    Path("in/scan.pdf").write_bytes(pdf(*(page for name in names for page in letter(name, "one"))))
    empty = [True]
    provider._rules.insert(
        0,
        lambda request: (
            error(402, "the account is empty")
            if empty[0] and "2th" in request.text and "Summarize" in request.text
            else None
        ),
    )
    assert project.run("run", pipeline) == 3
    [(documents, done, unchanged, failed, calls)] = counts(project)
    [(deferred,)] = project.rows("select deferred from docmill_runs")
    assert (done, unchanged, failed) == (2, 0, 0)
    assert documents == done + deferred
    assert calls == 6 + 2
    empty[0] = False
    assert project.run("run", pipeline) == 0
    assert counts(project)[-1] == (6, 4, 2, 0, 4)


@pytest.mark.slow
def test_an_archive_that_cannot_be_opened_is_one_failed_document(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    Path("in/bomb.zip").write_bytes(zipped({"a.txt": bytes(60_000_000)}))
    Path("in/cut.zip").write_bytes(zipped({"a.txt": "text"})[:40])
    mixed: dict[str, bytes | str] = {"good.txt": "text", "bad.bin": b"\0\1\2\3" * 40, "empty.txt": ""}
    Path("in/mixed.zip").write_bytes(zipped(mixed))
    assert project.run("run", pipeline) == 1
    assert project.statuses() == {
        "in/bomb.zip": "failed",
        "in/cut.zip": "failed",
        "in/mixed.zip#attachment=bad.bin": "failed",
        "in/mixed.zip#attachment=empty.txt": "failed",
        "in/mixed.zip#attachment=good.txt": "done",
    }
    errors = dict(project.rows("select document_id, error from docmill_outcomes where error is not null"))
    assert errors["in/bomb.zip"].startswith("it unpacks to far more than its size")
    assert errors["in/cut.zip"].startswith("damaged")
    assert errors["in/mixed.zip#attachment=empty.txt"] == "the file is empty"


@pytest.mark.slow
def test_a_person_reviews_a_document_within_a_file_by_its_pages(project: Project, provider: Provider):
    pipeline = bundles(project, provider)
    file = Path(pipeline)
    project.schema("thing", {**THING, "parameters": {**THING["parameters"], "x-evidence": True}})  # type: ignore[dict-item]
    file.write_text(file.read_text().replace(STEPS, "  - extract: {schema: thing}\n"))
    Path("in/scan.pdf").write_bytes(pdf(*ADA, *letter("Bob & Co", "made 2031-01-02", "count 7")))
    provider.always(saying(json.dumps({"name": "Bob & Co", "count": 7, "on": "2031-01-02"})))
    other = ("--model", "other", "--into", "sqlite:///other.db")
    assert project.run("run", pipeline, *other) == 0
    found = {row.document_id: row for row in results("sqlite:///other.db").outcomes("p")}
    [ada, bob] = found["in/scan.pdf#pages=1-2"], found["in/scan.pdf#pages=3-4"]
    assert (ada.status, bob.status) == ("review", "done")
    assert [each["page"] for each in bob.evidence or ()] == [3, 4, 3]
    assert project.run("report", pipeline, "--into", "sqlite:///other.db", "--html", "report.html") == 0
    page = Path("report.html").read_text()
    assert "no longer lists it" not in page
    assert "goes on: count" in page  # of the second document
    assert "Dear reader" in page
    declared = load(file)
    with (
        opened(declared, "sqlite:///other.db") as review,
        documents(source_of(declared, None, "sqlite:///other.db")) as texts,
    ):
        of_bob = review.case(bob.document_id)
        document = texts.of(of_bob)
        assert isinstance(document, Document)
        assert document.text.startswith("Bob & Co")
        assert drawn(of_bob, texts, 4)["page"] == 4
        assert drawn(of_bob, texts, 1) == {}
    assert project.run("review", pipeline, "--into", "sqlite:///other.db", "--accept", ada.document_id) == 0
    assert project.run("run", pipeline, *other) == 0
    assert project.rows("select unchanged from docmill_runs order by started_at", "other.db")[1] == (2,)
