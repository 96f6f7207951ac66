"""`docmill prune`: what the cache holds and no stored outcome needs goes, and nothing else."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.tasks.chat.bytelock import lock_byte
from docmill.tasks.chat.kept import DirectoryCache
from docmill.tasks.chat.places import lock_file
from docmill.tasks.chat.records import DirectoryRecords, Record, note_use
from docmill.tasks.sinks.register import register
from docmill.tasks.sinks.results import Results
from tests.support.project import Project
from tests.support.provider import Provider

Printed = pytest.CaptureFixture[str]
DAY_S = 86_400.0
STEPS = "  - classify: {labels: {a: the first, b: the second}}\n"


def held(cache: Path, since: float = 0.0) -> DirectoryRecords:
    return DirectoryRecords(cache, since)


def aged(cache: Path, days: float = 40) -> None:
    """Let all that the cache holds be so old, and its list of databases older."""
    then = time.time() - days * DAY_S
    for record in held(cache).each():
        os.utime(record.place, (then, then))
    if (list_ := cache / "results").exists():
        lines = [json.loads(line) for line in list_.read_text().splitlines()]
        long_ago = "2020-01-01T00:00:00+00:00"
        list_.write_text("".join(json.dumps({**line, "since": long_ago}) + "\n" for line in lines))


def digests(cache: Path) -> set[str]:
    return {record.digest for record in held(cache).each()}


def pruned(project: Project, printed: Printed, *arguments: str) -> dict[str, Any]:
    printed.readouterr()
    assert project.run("prune", *arguments, "--json") == 0
    return dict(json.loads(printed.readouterr().out))


@pytest.fixture
def edited(project: Project, provider: Provider, cache: Path, prefect_api: None) -> Project:
    """Give a project of two documents, one of which was changed and run again: three records, all old."""
    project.documents(a="text a", b="text b")
    assert project.run("run", str(project.pipeline(provider.url, STEPS))) == 0
    project.documents(a="another text")
    assert project.run("run", "p.yaml") == 0
    aged(cache)
    return project


@pytest.mark.slow
def test_what_no_outcome_needs_is_freed_and_no_more(
    edited: Project, provider: Provider, cache: Path, capfd: Printed
):
    told = pruned(edited, capfd)
    assert (told["freed"], told["needed"], told["unknown"]) == (1, 2, 0)
    assert len(digests(cache)) == 2
    assert told["freed_bytes"] > 0
    asked = len(provider.requests)
    assert edited.run("run", "p.yaml", "--into", "sqlite:///other.db") == 0
    assert len(provider.requests) == asked


@pytest.mark.slow
def test_a_dry_run_frees_nothing(edited: Project, cache: Path, capfd: Printed):
    before = digests(cache)
    assert pruned(edited, capfd, "--dry-run")["freed"] == 1
    assert digests(cache) == before
    assert pruned(edited, capfd)["freed"] == 1


@pytest.mark.slow
def test_what_is_young_stays(edited: Project, cache: Path, capfd: Printed):
    aged(cache, 20)
    assert pruned(edited, capfd)["recent"] == 3
    assert pruned(edited, capfd, "--older-than", "10")["freed"] == 1


@pytest.mark.slow
def test_what_may_have_been_read_since_without_a_note_stays(edited: Project, cache: Path, capfd: Printed):
    aged(cache, 1.3)  # a run may have read it 11 hours later
    assert pruned(edited, capfd, "--older-than", "1")["recent"] == 3
    aged(cache, 1.6)
    assert pruned(edited, capfd, "--older-than", "1")["freed"] == 1


@pytest.mark.slow
def test_a_database_that_cannot_be_written_is_told_before_anything_is_freed(
    edited: Project, cache: Path, capfd: Printed
):
    with sqlite3.connect(edited.root / "results.db") as connection:
        refusing = "begin select raise(abort, 'no room'); end"
        connection.execute("update docmill_history set replaced_at = '2020-01-01 00:00:00.000000'")
        connection.execute(f"create trigger t before delete on docmill_history {refusing}")
    connection.close()
    assert edited.run("prune") == 2
    assert len(digests(cache)) == 3


@pytest.mark.slow
def test_earlier_forms_stay_of_what_is_not_done(edited: Project, cache: Path, capfd: Printed):
    results = Results.open(Into(url="sqlite:///results.db"), "p", {})
    left = Outcome(document_id="in/b.txt", uri="u", content_sha256=None, status="deferred")
    results.write([left], "r", "s")
    results.close()
    with sqlite3.connect(edited.root / "results.db") as connection:
        connection.execute("update docmill_history set replaced_at = '2020-01-01 00:00:00.000000'")
    connection.close()
    told = pruned(edited, capfd)
    assert (told["earlier_forms"], told["freed"], told["needed"]) == (
        1,
        1,
        2,
    )
    assert edited.rows("select document_id from docmill_history") == [("in/b.txt",)]
    assert pruned(edited, capfd)["needed"] == 2


@pytest.mark.slow
def test_what_a_run_has_read_since_stays(edited: Project, provider: Provider, cache: Path, capfd: Printed):
    edited.documents(c="text a")  # a new document asks what the changed one asked before
    asked = len(provider.requests)
    assert edited.run("run", "p.yaml", "--into", "sqlite:///other.db", "--document", "in/c.txt") == 0
    assert len(provider.requests) == asked
    told = pruned(edited, capfd, "--without", "sqlite:///other.db")
    assert (told["freed"], told["recent"], told["needed"]) == (0, 1, 2)


@pytest.mark.slow
def test_what_outcomes_of_an_earlier_version_need_is_not_known(edited: Project, cache: Path, capfd: Printed):
    with sqlite3.connect(edited.root / "results.db") as connection:
        connection.execute("update docmill_outcomes set steps = json_remove(steps, '$.classify.keys')")
    connection.close()
    told = pruned(edited, capfd)
    assert (told["freed"], told["unknown"]) == (0, 3)
    assert pruned(edited, capfd, "--unknown", "--dry-run")["freed"] == 3


@pytest.mark.slow
def test_what_was_written_before_the_list_of_databases_is_not_known(
    edited: Project, cache: Path, capfd: Printed
):
    (cache / "results").unlink()
    told = pruned(edited, capfd, "p.yaml")
    assert (told["freed"], told["needed"], told["unknown"]) == (0, 2, 1)


@pytest.mark.slow
def test_a_database_that_is_not_there_keeps_everything_until_it_is_said_to_be_gone(
    edited: Project, cache: Path, capfd: Printed
):
    shutil.move(edited.root / "results.db", edited.root / "elsewhere.db")
    assert edited.run("prune") == 2
    assert f"--without sqlite:///{edited.root}/results.db" in capfd.readouterr().err
    assert len(digests(cache)) == 3
    told = pruned(edited, capfd, "--without", "sqlite:///results.db", "--into", "sqlite:///elsewhere.db")
    assert (told["freed"], told["needed"]) == (1, 2)


@pytest.mark.slow
def test_a_database_that_lost_its_outcomes_keeps_everything(edited: Project, cache: Path, capfd: Printed):
    for file in edited.root.glob("results.db*"):
        file.unlink()
    (edited.root / "results.db").touch()
    assert edited.run("prune") == 2
    assert "holds no outcomes any more" in capfd.readouterr().err
    assert edited.run("prune", "p.yaml") == 2  # it is named, and listed
    assert len(digests(cache)) == 3
    assert pruned(edited, capfd, "--without", "sqlite:///results.db")["freed"] == 3


@pytest.mark.slow
def test_another_database_at_the_same_place_keeps_everything(
    edited: Project, provider: Provider, cache: Path, capfd: Printed
):
    """As in two containers on one cache, each with a database of its own at the same path."""
    for file in edited.root.glob("results.db*"):
        file.rename(edited.root / file.name.replace("results", "theirs"))
    edited.documents(a="a third text", b="a fourth text")
    assert edited.run("run", "p.yaml") == 0
    aged(cache)
    theirs, ours = (json.loads(line)["id"] for line in (cache / "results").read_text().splitlines())
    capfd.readouterr()
    assert edited.run("prune") == 2
    said = capfd.readouterr().err
    assert f"--without {theirs}" in said
    assert ours not in said
    assert len(digests(cache)) == 5
    told = pruned(edited, capfd, "--into", "sqlite:///theirs.db", "--dry-run")
    assert (told["freed"], told["needed"]) == (1, 4)
    told = pruned(edited, capfd, "--without", theirs)
    assert (told["freed"], told["needed"]) == (3, 2)


@pytest.mark.slow
def test_a_database_that_is_listed_without_an_id_is_taken_as_it_is(
    edited: Project, cache: Path, capfd: Printed
):
    lines = [json.loads(line) for line in (cache / "results").read_text().splitlines()]
    text = "".join(json.dumps({**line, "id": None}) + "\n" for line in lines)
    (cache / "results").write_text(text)
    assert pruned(edited, capfd)["needed"] == 2


@pytest.mark.slow
def test_a_database_with_a_password_has_to_be_named(edited: Project, cache: Path, capfd: Printed):
    register(DirectoryCache(cache), "postgresql://somebody:secret@db.example/results")
    assert edited.run("prune") == 2
    said = capfd.readouterr().err
    assert "secret" not in said + (cache / "results").read_text()
    assert "its password is not known here" in said


@pytest.mark.slow
def test_earlier_forms_of_outcomes_go_with_their_time(edited: Project, cache: Path, capfd: Printed):
    assert pruned(edited, capfd)["earlier_forms"] == 0
    with sqlite3.connect(edited.root / "results.db") as connection:
        connection.execute("update docmill_history set replaced_at = '2020-01-01 00:00:00.000000'")
    connection.close()
    assert pruned(edited, capfd, "--dry-run")["earlier_forms"] == 1
    assert pruned(edited, capfd)["earlier_forms"] == 1
    assert edited.rows("select count(*) from docmill_history") == [(0,)]


@pytest.mark.usefixtures("prefect_api")
def test_a_trial_keeps_no_results_and_so_needs_nothing(project: Project, provider: Provider, cache: Path):
    project.documents(a="text a")
    assert project.run("run", str(project.pipeline(provider.url, STEPS)), "--try") == 0
    assert not (cache / "results").exists()


@pytest.mark.slow
def test_people_read_what_was_freed_and_why_the_rest_stays(edited: Project, cache: Path, capfd: Printed):
    capfd.readouterr()
    assert edited.run("prune") == 0
    freed, *kept, asked = capfd.readouterr().out.splitlines()
    assert freed.startswith("1 record, ")
    assert kept == ["kept: 2 records needed by outcomes"]
    assert asked == f"results databases: sqlite:///{edited.root}/results.db"


DIGEST = "ab" * 32


def written(cache: Path) -> Record:
    """Write a record that is old."""
    file = cache / "chat" / "v1" / "ab" / DIGEST
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    aged(cache)
    [record] = held(cache).each()
    return record


def test_a_record_that_is_asked_for_at_the_moment_stays(cache: Path):
    record, of = written(cache), held(cache, time.time() - DAY_S)
    code = (
        "import sys; from pathlib import Path\n"
        "from docmill.tasks.chat.bytelock import lock_byte\n"
        "print(lock_byte(Path(sys.argv[1]), sys.argv[2]), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(lock_file(cache)), DIGEST]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not of.free([record])
        holder.communicate()
    assert of.free([record]) == [record]
    assert lock_byte(lock_file(cache), DIGEST)  # it was let go


def test_a_record_that_was_read_or_written_meanwhile_stays(cache: Path):
    record, of = written(cache), held(cache, time.time() - DAY_S)
    assert not of.was_used(record)
    note_use(cache, DIGEST)
    assert not of.free([record])
    os.utime(record.place)
    assert not held(cache, time.time() + 2 * DAY_S).free([record])
    assert Path(record.place).exists()


def test_a_list_of_databases_that_cannot_be_read_ends_prune_and_a_run_in_one_line(
    project: Project, cache: Path, capfd: Printed
):
    (cache / "results").mkdir(parents=True)
    assert project.run("prune") == 2
    assert f"the list of results databases in the cache {cache}" in capfd.readouterr().err
    with pytest.raises(StorageError, match="cannot be written: Is a directory"):
        register(DirectoryCache(cache), "sqlite:///r.db")


@pytest.mark.parametrize("days", ["0", "-1", "36501", "9999999999999"])
def test_days_that_no_calendar_has_are_refused_in_one_line(
    project: Project, cache: Path, capfd: Printed, days: str
):
    assert project.run("prune", "--older-than", days) == 2
    assert "--older-than" in capfd.readouterr().err


def test_a_damaged_note_of_what_was_read_keeps_nothing_from_being_freed(cache: Path):
    note_use(cache, "b" * 64)
    [notes] = (cache / "used").iterdir()
    notes.write_bytes(b"\xff\xfe\n" + notes.read_bytes())
    known = held(cache)
    assert known.was_used(Record("", "b" * 64, 0, 0.0))
    assert not known.was_used(Record("", "a" * 64, 0, 0.0))


def test_what_is_none_of_docmills_is_no_record(cache: Path):
    record = written(cache)
    folder = Path(record.place).parent
    (folder / "README").write_text("mine")
    (folder / f"{DIGEST[:-1]}c").symlink_to(record.place)
    part = folder / f".{DIGEST}.12ab"
    part.write_text("half")
    assert {(each.place, each.is_whole) for each in held(cache).each()} == {
        (record.place, True),
        (str(part), False),
    }


def test_prefect_is_not_imported(project: Project, cache: Path):
    written(cache)
    code = (
        "import sys; from docmill.flows.cli import invoke\n"
        "assert invoke(['prune', '--dry-run']) == 0\n"
        "sys.exit('prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=project.root, check=False).returncode == 0


@pytest.mark.slow
def test_a_document_that_a_stop_left_needs_what_it_was_made_of_before(
    edited: Project, cache: Path, capfd: Printed
):
    results = Results.open(Into(url="sqlite:///results.db"), "p", {})
    left = Outcome(document_id="in/b.txt", uri="u", content_sha256=None, status="deferred")
    results.write([left], "r", "s")
    results.close()
    told = pruned(edited, capfd)
    assert (told["needed"], told["freed"]) == (2, 1)


@pytest.mark.slow
def test_a_review_makes_no_more_of_what_is_not_known(edited: Project, cache: Path, capfd: Printed):
    with sqlite3.connect(edited.root / "results.db") as connection:
        connection.execute("update docmill_outcomes set steps = json_remove(steps, '$.classify.keys')")
        connection.execute("update docmill_runs set ended_at = '2020-01-01 00:00:00.000000'")
    connection.close()
    assert pruned(edited, capfd, "--dry-run")["unknown"] == 0
