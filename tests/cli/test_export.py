"""`docmill export`: outcomes, typed tables and changes, in every format, to every kind of target."""

import csv
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.store import PIECE_BYTES
from docmill.tasks.sources.stores import Stores
from tests.support.project import Project
from tests.support.s3 import Bucket, bucket, s3_server

__all__ = ["bucket", "s3_server"]
Binary = pytest.CaptureFixture[bytes]
Printed = pytest.CaptureFixture[str]
BILL = {
    "type": "object",
    "x-evidence": False,
    "properties": {
        "name": {"type": "string"},
        "total": {"type": "number", "multipleOf": 0.01},
        "due": {"type": "string", "format": "date"},
        "paid": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    },
}
RECORD = {"name": "=1+1", "total": -1234.5, "due": "2026-11-24", "paid": True, "lines": [{"n": 1}]}


def outcome(number: int, **record: Any) -> Outcome:
    whole = {**RECORD, **record}
    return Outcome(
        document_id=f"in/{number}.txt",
        uri="u",
        content_sha256="c",
        status="done",
        record=whole,
        typed={"bill": whole},
    )


@pytest.fixture
def stored(project: Project) -> Iterator[Results]:
    """Give results of two documents that a run has left, and their pipeline."""
    project.schema("bill", {"name": "bill", "description": "Bill.", "parameters": BILL})
    project.pipeline("local", "  - extract: {schema: bill}\n")
    tool = ToolSchema(id="bill", name="bill", description="Bill.", parameters=BILL)
    results = Results.open(Into(url="sqlite:///results.db"), "p", {"bill": tool})
    run(results, "r1", outcome(1), outcome(2, name="two", total=0.1))
    yield results
    results.close()


def run(results: Results, run_id: str, *outcomes: Outcome) -> None:
    fixed = {"pipeline": "p", "pipeline_sha256": "s", "endpoint": "e", "model": "m"}
    begun = Run.model_validate({"run_id": run_id, "started_at": datetime.now(UTC), **fixed})
    results.begin(begun)
    results.write(outcomes, run_id, "s")
    results.end(begun.model_copy(update={"ended_at": datetime.now(UTC), "state": "complete"}))


def exported(project: Project, *arguments: str) -> Path:
    target = project.root / f"out.{arguments[1]}"
    assert project.run("export", "p.yaml", *arguments, "--output", str(target)) == 0
    return target


def parquet(file: Path | str, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from read_parquet('{file}') order by 1").fetchall()


@pytest.mark.usefixtures("stored")
def test_outcomes_as_csv_and_a_sheet(project: Project):
    header, first, _ = csv.reader(exported(project, "--to", "csv").open(newline=""))
    assert header == ["document_id", "status", "label", "summary", *RECORD]
    assert first == ["in/1.txt", "done", "", "", "'=1+1", "-1234.5", "2026-11-24", "true", '[{"n": 1}]']
    book = openpyxl.load_workbook(exported(project, "--to", "xlsx"))
    rows = [[cell.value for cell in row] for row in book.active.rows]
    assert rows[0] == header
    assert rows[1] == ["in/1.txt", "done", None, None, "=1+1", -1234.5, "2026-11-24", True, '[{"n": 1}]']
    assert {cell.data_type for row in book.active.rows for cell in row if cell.value == "=1+1"} == {"s"}


@pytest.mark.usefixtures("stored")
def test_outcomes_as_lines_and_parquet_have_all_columns(project: Project):
    lines = [json.loads(line) for line in exported(project, "--to", "jsonl").read_text().splitlines()]
    assert lines[0]["record"] == RECORD
    file = exported(project, "--to", "parquet")
    [(first, name, at), _] = parquet(file, "document_id, record->>'$.name', updated_at")
    assert (first, name) == ("in/1.txt", "=1+1")
    assert at.tzinfo is not None
    assert at.isoformat() == lines[0]["updated_at"]
    assert len(parquet(file, "*")[0]) == len(lines[0])


@pytest.mark.usefixtures("stored")
def test_a_typed_table_in_every_format(project: Project):
    names = ["document_id", "content_sha256", "run_id", *RECORD]
    header, first, _ = csv.reader(exported(project, "--to", "csv", "--table", "bill").open(newline=""))
    assert header == names
    assert first == ["in/1.txt", "c", "r1", "'=1+1", "-1234.5", "2026-11-24", "true", '[{"n": 1}]']
    line = json.loads(exported(project, "--to", "jsonl", "--table", "bill").read_text().splitlines()[0])
    assert line == {"document_id": "in/1.txt", "content_sha256": "c", "run_id": "r1", **RECORD}
    book = openpyxl.load_workbook(exported(project, "--to", "xlsx", "--table", "bill"))
    assert book.sheetnames == ["bill"]
    assert [cell.value for cell in book.active[2]][3:7] == ["=1+1", -1234.5, datetime(2026, 11, 24), True]
    file = exported(project, "--to", "parquet", "--table", "bill")
    assert parquet(file, "document_id, total::varchar, due, paid, typeof(lines), lines->>'$[0].n'") == [
        ("in/1.txt", "-1234.500000000", date(2026, 11, 24), True, "JSON", "1"),
        ("in/2.txt", "0.100000000", date(2026, 11, 24), True, "JSON", "1"),
    ]


def test_the_items_of_an_array_without_a_table_are_rows_too(project: Project, stored: Results):
    run(
        stored,
        "r2",
        outcome(3, lines=[{"n": 7}, {"n": None}, {}]),
        outcome(4, lines=[]),
        outcome(5, lines=None),
    )
    rows = list(csv.reader(exported(project, "--to", "csv", "--table", "bill__lines").open(newline="")))
    assert rows[0] == ["document_id", "position", "n"]
    assert rows[1:] == [
        ["in/1.txt", "0", "1"],
        ["in/2.txt", "0", "1"],
        *[["in/3.txt", str(position), n] for position, n in enumerate(("7", "", ""))],
    ]
    file = exported(project, "--to", "parquet", "--table", "bill__lines")
    assert parquet(file, "document_id, n")[0] == ("in/1.txt", 1)


@pytest.mark.usefixtures("stored")
def test_what_is_on_stdout_is_what_stands_in_a_file(project: Project, capfdbinary: Binary):
    for to in ("csv", "jsonl", "xlsx"):
        capfdbinary.readouterr()
        assert project.run("export", "p.yaml", "--to", to) == 0
        printed = capfdbinary.readouterr().out
        assert printed[:2] == b"PK" if to == "xlsx" else printed == exported(project, "--to", to).read_bytes()


@pytest.mark.usefixtures("stored")
def test_an_object_of_a_store_is_written(project: Project, bucket: Bucket):
    url = f"{bucket.url}/out/bills.parquet"
    assert project.run("export", "p.yaml", "--to", "parquet", "--table", "bill", "--output", url) == 0
    from s3fs import S3FileSystem

    S3FileSystem(skip_instance_cache=True).get_file(url, "back.parquet")
    assert [row[0] for row in parquet("back.parquet", "document_id")] == ["in/1.txt", "in/2.txt"]


def test_an_object_of_any_size_and_key_is_written(bucket: Bucket, tmp_path: Path):
    file = tmp_path / "large"
    with closing(Stores()) as stores:
        store = stores.of("s3")
        for size in (0, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 1):
            file.write_bytes(os.urandom(size))
            store.write(bucket.name, "a//b?versionId=1 ä%41", file)
            assert store.read(bucket.name, "a//b?versionId=1 ä%41", size) == file.read_bytes()


@pytest.mark.usefixtures("stored")
def test_a_store_that_takes_nothing_is_told(project: Project, bucket: Bucket, capfd: Printed):
    for url, why in (("s3://no-such-bucket/x", "no such bucket"), (f"{bucket.url}/x", "access is refused")):
        bucket.deny("s3:PutObject")
        assert project.run("export", "p.yaml", "--to", "csv", "--output", url) == 3
        assert f"--output: {url!r} cannot be written: " in (said := capfd.readouterr().err)
        assert why in said


def test_a_file_stands_as_a_whole_or_not_at_all(project: Project, stored: Results):
    file = exported(project, "--to", "parquet", "--table", "bill")
    before = file.read_bytes()
    stored.write([outcome(3, total=0.12345678901)], "r2", "s")
    assert project.run("export", "p.yaml", "--to", "parquet", "--table", "bill", "--output", str(file)) == 2
    assert file.read_bytes() == before
    assert [each.name for each in project.root.iterdir() if each.name.startswith(".docmill-")] == []


def test_a_link_stays_and_leads_to_what_is_written(project: Project, stored: Results):
    Path("real").mkdir()
    Path("out.csv").symlink_to("real/out.csv")
    for number in (2, 3):
        assert exported(project, "--to", "csv").is_symlink()
        assert len(Path("real/out.csv").read_text().splitlines()) == number + 1
        stored.write([outcome(3)], "r2", "s")


@pytest.mark.usefixtures("stored")
def test_what_is_no_file_stays_and_is_told(project: Project, capfd: Printed):
    os.mkfifo("pipe")
    Path("null").symlink_to("/dev/null")
    for name in ("pipe", "null", "/dev/null"):
        assert project.run("export", "p.yaml", "--to", "csv", "--output", name) == 2
        assert f"--output: {name!r} is not a file" in capfd.readouterr().err
    assert Path("pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("stored")
def test_a_file_may_be_called_as_one_of_duckdbs(project: Project):
    assert project.run("export", "p.yaml", "--to", "parquet", "--output", "x.duckdb") == 0
    assert len(parquet("x.duckdb", "document_id")) == 2


WRONG = {
    "a folder": (["--to", "csv", "--output", "schemas"], "--output: 'schemas' is a folder"),
    "no folder": (["--to", "csv", "--output", "no/out.csv"], "--output: there is no folder 'no' for out.csv"),
    "no store": (["--to", "csv", "--output", "ftp://h/x"], "--output: 'ftp://h/x' is no URL of a store"),
    "no object": (["--to", "csv", "--output", "s3://b/"], "--output: 's3://b/' names no object"),
    "a user": (["--to", "csv", "--output", "s3://u:pw@b/x"], "--output: 's3://***@b/x' names no object"),
    "no table": (
        ["--to", "csv", "--table", "bil"],
        "--table: the pipeline has no extract schema 'bil'",
    ),
    "two things": (["--to", "csv", "--table", "bill", "--status", "done"], "--table: it holds what is done"),
    "no run": (["--to", "csv", "--changes-since", "x"], "--changes-since: there is no run 'x'"),
}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(project: Project, capfd: Printed, arguments: list[str], said: str):
    assert project.run("export", "p.yaml", *arguments) == 2
    printed = capfd.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_a_field_that_is_named_as_a_column_of_ours_has_its_own(project: Project):
    names = ["status", "changed_at", "record.status", "x"]
    bill = {"type": "object", "x-evidence": False, "properties": {name: {"type": "string"} for name in names}}
    project.schema("bill", {"name": "bill", "description": "Bill.", "parameters": bill})
    project.pipeline("local", "  - extract: {schema: bill}\n")
    results = Results.open(Into(url="sqlite:///results.db"), "p", {})
    whole = {name: f"my {name}" for name in names}
    done = Outcome(document_id="1", uri="u", content_sha256="c", status="done", record=whole)
    run(results, "r1")
    run(results, "r2", done)
    results.close()
    [row] = csv.DictReader(exported(project, "--to", "csv").open(newline=""))
    assert row == {
        "document_id": "1",
        "status": "done",
        "label": "",
        "summary": "",
        "x": "my x",
        "record.status": "my record.status",
        "record.record.status": "my status",
        "changed_at": "my changed_at",
    }
    [row] = csv.DictReader(exported(project, "--to", "csv", "--changes-since", "r1").open(newline=""))
    assert (row["changed_at"][:2], row["record.changed_at"]) == ("20", "my changed_at")


def test_changes_in_a_database_of_an_earlier_version(project: Project, stored: Results):
    run(stored, "r2", outcome(1, name="two"))
    stored.close()
    with closing(sqlite3.connect("results.db")) as database:
        for table in ("docmill_outcomes", "docmill_history"):
            for column in ("recognized", "reviewed_at"):
                database.execute(f"alter table {table} drop column {column}")
    lines = exported(project, "--to", "jsonl", "--changes-since", "r1").read_text().splitlines()
    assert [json.loads(line)["record"]["name"] for line in lines] == ["two"]
    assert exported(project, "--to", "parquet", "--changes-since", "r1").exists()
    with closing(sqlite3.connect("results.db")) as database:
        database.execute("drop table docmill_history")
    assert exported(project, "--to", "jsonl", "--changes-since", "r1").read_text().count("\n") == 1


def test_changes_since_a_run_are_every_form_that_began_later(project: Project, stored: Results):
    run(stored, "r2", outcome(1, name="two"), outcome(3))
    run(stored, "r3", outcome(1, name="three"), outcome(2, name="two", total=0.1))
    lines = exported(project, "--to", "jsonl", "--changes-since", "r1").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [(each["document_id"], each["record"]["name"], each["run_id"]) for each in found] == [
        ("in/1.txt", "two", "r2"),
        ("in/1.txt", "three", "r3"),
        ("in/2.txt", "two", "r3"),
        ("in/3.txt", "=1+1", "r2"),
    ]
    assert found[0]["replaced_at"] == found[1]["changed_at"]
    assert found[1]["replaced_at"] is None
    since = exported(project, "--to", "csv", "--changes-since", "r3").read_text().splitlines()
    assert len(since) == 1
