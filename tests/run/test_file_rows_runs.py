"""Files of rows through a pipeline, as users run it."""

from pathlib import Path

import duckdb
import pytest

from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.s3 import Bucket, bucket, s3_server

__all__ = ["bucket", "s3_server"]
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


@pytest.mark.slow
def test_parquet_of_a_bucket_is_enriched_and_its_new_rows_alone_are_paid(
    project: Project, provider: Provider, bucket: Bucket
):
    def put(name: str, *ids: int) -> None:
        rows = ", ".join(f"({each}, 'text {each}')" for each in ids)
        duckdb.sql(f"copy (select * from (values {rows}) as t(id, body)) to 't.parquet'")
        bucket.put(f"t/{name}.parquet", Path("t.parquet").read_bytes())

    put("a", 1, 2)
    put("b", 3)
    rows = f'{{files: "{bucket.url}/t/*.parquet", key: id, text: "{{{{ body }}}}"}}'
    pipeline = over(project, provider, rows)
    assert project.run("run", pipeline) == 0
    assert project.rows("select ticket, name from enriched order by 1") == [(n, "Example") for n in (1, 2, 3)]
    assert len(provider.requests) == 3
    put("c", 4)
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 4
    assert project.statuses() == {str(n): "done" for n in (1, 2, 3, 4)}


@pytest.mark.slow
def test_a_file_that_is_not_there_ends_the_run_before_anything_is_sent(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    Path("in").mkdir()
    assert (
        project.run("run", over(project, provider, '{files: "in/*.csv", key: id, text: "{{ body }}"}')) == 2
    )
    assert "rows.files: in/*.csv matches no file" in capfd.readouterr().err
    assert provider.bodies() == []


@pytest.mark.slow
def test_a_run_reads_what_has_changed_since_the_last(project: Project, provider: Provider):
    def write(*rows: str) -> None:
        Path("t.csv").write_text("\n".join(["id,body,at", *rows]))

    def read() -> int:
        [(count,)] = project.rows("select documents_in from docmill_runs order by started_at desc limit 1")
        return int(count)

    rows = '{files: t.csv, key: id, text: "{{ body }}", since: at}'
    pipeline = over(project, provider, rows, "  - summarize:\n", "sqlite:///results.db")
    write("1,a,2026-01-01", "2,b,2026-01-02")
    assert project.run("run", pipeline, "--limit", "1") == 0  # reads a part: moves no mark
    assert project.run("run", pipeline) == 0
    assert read() == 2
    write("1,a,2026-01-01", "2,b,2026-01-02", "3,c,2026-01-03")
    assert project.run("run", pipeline) == 0
    assert read() == 2  # the last one of before, and the new one
    assert project.run("run", pipeline, "--refresh") == 0
    assert read() == 3
    over(project, provider, rows, "  - summarize: {sentences: 1}\n", "sqlite:///results.db")
    assert project.run("run", pipeline) == 0
    assert read() == 3


@pytest.mark.slow
def test_a_document_that_failed_is_read_again(project: Project, provider: Provider):
    rows = '{files: t.csv, key: id, text: "{{ body }}", since: at}'
    pipeline = over(project, provider, rows, "  - summarize:\n", "sqlite:///results.db")
    Path(pipeline).write_text("fail_above: 0.5\n" + Path(pipeline).read_text())
    Path("t.csv").write_text("id,body,at\n1,,2026-01-01\n2,b,2026-01-02")
    for _ in range(2):
        assert project.run("run", pipeline) == 0
    assert project.rows("select documents_in, failed from docmill_runs") == [(2, 1)] * 2
