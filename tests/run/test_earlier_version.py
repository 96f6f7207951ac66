"""What an earlier version left behind, a cache and a results database, is read by today's."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.provider import Provider

LEFT = Path(__file__).parents[1] / "support" / "d9003e3"
TYPED = 'select document_id, content_sha256, name, count, "on" from earlier__thing order by 1'
OUTCOMES = """
select document_id, content_sha256, status, summary, label, record from docmill_outcomes order by document_id
"""


@pytest.fixture
def earlier(project: Project, cache: Path, provider: Provider, prefect_api: str) -> Project:
    """Give a project as version d9003e3 left it; its endpoint, known by its cache_id, has moved."""
    shutil.copytree(LEFT, project.root, dirs_exist_ok=True)
    shutil.move(project.root / "cache", cache)
    pipeline = project.root / "earlier.yaml"
    pipeline.write_text(pipeline.read_text().replace("http://provider.invalid/v1", provider.url))
    connection = sqlite3.connect(project.root / "results.db")
    connection.executescript((project.root / "results.sql").read_text())
    connection.close()
    return project


def ran(project: Project, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Run the pipeline to a good end; gives the run's row."""
    capsys.readouterr()
    assert project.run("run", "earlier.yaml", "--json") == 0
    return dict(json.loads(capsys.readouterr().out))


def test_documents_that_an_earlier_version_has_done_are_unchanged(
    earlier: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    before = earlier.rows(OUTCOMES), earlier.rows(TYPED)
    run = ran(earlier, capsys)
    assert (run["documents_in"], run["unchanged"], run["attempts"]) == (3, 3, 0)
    assert (earlier.rows(OUTCOMES), earlier.rows(TYPED)) == before
    assert provider.requests == []


def test_what_an_earlier_version_has_done_is_planned_as_unchanged(
    earlier: Project, capsys: pytest.CaptureFixture[str]
):
    assert earlier.run("plan", "earlier.yaml", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert (planned["unchanged"], planned["calls"]) == (3, 0)


@pytest.mark.slow
def test_replies_that_an_earlier_version_has_paid_for_come_from_its_cache(
    earlier: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    before = earlier.rows(OUTCOMES), earlier.rows(TYPED)
    with sqlite3.connect(earlier.root / "results.db") as connection:
        connection.execute("delete from docmill_outcomes")
        connection.execute("delete from earlier__thing")
    connection.close()
    run = ran(earlier, capsys)
    assert (run["done"], run["calls"], run["cached_calls"], run["attempts"]) == (3, 0, 12, 0)
    assert (earlier.rows(OUTCOMES), earlier.rows(TYPED)) == before
    assert provider.requests == []


@pytest.mark.slow
def test_a_changed_document_is_asked_about_and_joins_what_an_earlier_version_stored(
    earlier: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    (earlier.root / "in" / "note.txt").write_text("The meeting is off.\n")
    run = ran(earlier, capsys)
    assert (run["done"], run["unchanged"], run["calls"]) == (1, 2, 4)
    assert earlier.rows("select count(*), count(distinct run_id) from earlier__thing") == [(3, 2)]
    assert earlier.rows("select count(*) from docmill_runs") == [(2,)]
