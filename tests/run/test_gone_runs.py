"""Whole runs over sources that no longer list what they did."""

from pathlib import Path

import pytest

from tests.support.bundled import by_the_page, letter
from tests.support.documents import pdf
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.tickets import numbered, spec, table, tell

pytestmark = pytest.mark.usefixtures("prefect_api")
STEPS = "  - summarize:\n"
TICKETS = "sqlite:///tickets.db"


def bundles(project: Project, provider: Provider, **keys: str) -> str:
    """Write a pipeline that divides the files in in/."""
    Path("in").mkdir(exist_ok=True)
    return str(project.pipeline(provider.url, STEPS, documents="in/*", split="true", **keys))


@pytest.mark.slow
def test_rows_of_documents_that_are_gone_are_told_and_become_what_the_pipeline_says(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    provider.rule(by_the_page)
    pipeline = bundles(project, provider)
    Path("in/scan.pdf").write_bytes(pdf(*letter("Ada Ltd", "one", "two"), *letter("Bob & Co", "three")))
    for name in ("a", "b"):
        Path(f"in/{name}.txt").write_text(name)
    assert project.run("run", pipeline) == 0
    Path("in/scan.pdf").unlink()
    Path("in/a.txt").unlink()
    assert project.run("run", pipeline, "--limit", "1") == 0
    assert "no longer" not in capfd.readouterr().err
    assert project.run("run", pipeline) == 0
    assert "3 documents with outcomes are no longer in the source" in "".join(capfd.readouterr())
    assert len(project.statuses()) == 4
    assert project.run("run", bundles(project, provider, gone="remove")) == 0
    assert project.statuses() == {"in/b.txt": "done"}
    Path("in/b.txt").unlink()
    assert project.run("run", bundles(project, provider, gone="remove"), "--refresh") == 2
    assert project.statuses() == {"in/b.txt": "done"}  # an empty folder says nothing


@pytest.mark.slow
def test_an_empty_folder_of_several_may_not_be_mounted_and_has_nothing_removed(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    for name in ("one/a.txt", "two/b.txt"):
        Path(name).parent.mkdir()
        Path(name).write_text(name)
    keys = {"documents": "[one/*.txt, two/*.txt]", "gone": "remove"}
    pipeline = str(project.pipeline(provider.url, STEPS, **keys))
    assert project.run("run", pipeline) == 0
    Path("two/b.txt").unlink()
    assert project.run("run", pipeline) == 0
    assert "not looked for: the folder" in "".join(capfd.readouterr())
    assert project.statuses() == {"one/a.txt": "done", "two/b.txt": "done"}
    Path("two/note.md").write_text("below the mount")
    assert project.run("run", pipeline) == 0
    assert "not taken as gone: nothing is listed any more of two," in " ".join(
        "".join(capfd.readouterr()).split()
    )
    assert project.statuses() == {"one/a.txt": "done", "two/b.txt": "done"}
    assert project.run("run", pipeline, "--gone", "two") == 0
    assert project.statuses() == {"one/a.txt": "done"}


def test_rows_that_a_table_has_no_longer_are_marked_until_they_are_back(project: Project, provider: Provider):
    table(TICKETS, numbered(3), constraint="primary key")
    file = project.pipeline(provider.url, STEPS, rows=spec(TICKETS), gone="mark")
    file.write_text(file.read_text().replace("documents: in/*.txt\n", ""))
    marked = []
    for change in (
        "select 1",
        "delete from tickets where id = 2",
        "insert into tickets select 2, subject, body from tickets where id = 3",
    ):
        tell(TICKETS, change)
        assert project.run("run", str(file)) == 0
        marked += project.rows("select document_id from docmill_outcomes where gone_at is not null")
    assert marked == [("2",)]
    assert project.statuses() == {"1": "done", "2": "done", "3": "done"}
