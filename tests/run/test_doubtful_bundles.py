"""Documents of which it is in doubt where in their file they begin or end: a person decides."""

import json
from pathlib import Path

import pytest

from docmill.tasks.checks.boundaries import PAST_THE_LAST, TOTALS
from tests.support.bundled import by_the_page
from tests.support.documents import pdf
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
PAGES = ("Ada Ltd\nDear reader\nPage 1 of 1", "goes on: an annex?", "Bob & Co\nDear reader")
FIRST, SECOND, THIRD = (f"in/scan.pdf#pages={number}-{number}" for number in (1, 2, 3))


def pipeline(project: Project, provider: Provider, *pages: str, **keys: str) -> str:
    """Write a file of these pages, and a pipeline that divides it."""
    Path("in").mkdir()
    Path("in/scan.pdf").write_bytes(pdf(*pages))
    provider.rule(by_the_page)
    return str(project.pipeline(provider.url, "  - summarize:\n", documents="in/*", split="true", **keys))


def test_documents_with_a_boundary_in_doubt_are_in_review_until_somebody_accepts_it(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    file = pipeline(project, provider, *PAGES)
    assert project.run("run", file) == 0
    assert project.statuses() == {FIRST: "review", SECOND: "review", THIRD: "done"}
    [(unread, error)] = project.rows(
        f"select unread, error from docmill_outcomes where document_id = '{SECOND}'"
    )
    assert json.loads(unread) == [{"part": "boundary at page 2", "why": PAST_THE_LAST}]
    assert error == f"where the document begins or ends is in doubt: {PAST_THE_LAST}"
    assert project.run("report", file) == 0
    assert "in doubt: boundary at page 2:" in " ".join(capfd.readouterr().out.split())
    assert project.run("review", file, "--accept", SECOND) == 0
    assert project.run("run", file, "--refresh", "--document", FIRST, "--document", SECOND) == 0
    assert project.statuses() == {FIRST: "review", SECOND: "done", THIRD: "done"}


@pytest.mark.slow
def test_one_document_of_a_file_whose_numbers_do_not_add_up_is_in_review_unless_that_is_allowed(
    project: Project, provider: Provider
):
    file = pipeline(project, provider, "Ada Ltd\nPage 1 of 3", "goes on: Page 2 of 3")
    assert project.run("run", file) == 0
    [(status, error)] = project.rows("select status, error from docmill_outcomes")
    assert (status, error.endswith(TOTALS.format(3, 2))) == ("review", True)
    Path(file).write_text(Path(file).read_text() + "unread: allow\n")
    assert project.run("run", file) == 0
    assert project.statuses() == {"in/scan.pdf": "done"}
