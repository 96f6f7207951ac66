"""Files of rows through a pipeline, as users run it."""

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
EXTRACT = "  - extract: {schema: thing}\n"
ENRICHED = '{url: "sqlite:///results.db", table: enriched, key: ticket}'


def over(project: Project, provider: Provider, rows: str, steps: str = EXTRACT, into: str = ENRICHED) -> str:
    """Write a pipeline over rows."""
    file = project.pipeline(provider.url, steps, rows=rows, into=into)
    written = file.read_text().splitlines()
    file.write_text("\n".join(line for line in written if not line.startswith("documents:")))
    return str(file)


def test_files_of_rows_are_enriched_and_broken_records_fail_alone(project: Project, provider: Provider):
    Path("in").mkdir()
    Path("in/a.csv").write_text("id,body\n1,a\n2\n3,c\n")
    Path("in/b.jsonl").write_text('{"id": "x", "body": "b"}\n')
    pipeline = over(project, provider, '{files: "in/*", key: id, text: "{{ body }}"}')
    assert project.run("run", pipeline) == 1
    assert project.statuses() == {"1": "done", "3": "done", "in/a.csv#3": "failed", "x": "done"}
    assert project.rows("select ticket, name from enriched order by 1") == [
        (ticket, "Example") for ticket in ("1", "3", "x")
    ]
    Path("in/a.csv").write_text("id,body\n1,a\n2,b\n3,c\n")
    assert project.run("run", pipeline) == 0
    assert project.rows("select done, unchanged from docmill_runs order by started_at desc limit 1") == [
        (1, 3)
    ]


def test_a_file_that_is_not_there_ends_the_run_before_anything_is_sent(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    Path("in").mkdir()
    assert (
        project.run("run", over(project, provider, '{files: "in/*.csv", key: id, text: "{{ body }}"}')) == 2
    )
    assert "rows.files: in/*.csv matches no file" in capfd.readouterr().err
    assert provider.bodies() == []
