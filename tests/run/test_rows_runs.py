"""Tables enriched, as users do it: rows through a pipeline, again, at once, and with connections cut."""

import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.process import process
from tests.support.connection import Request
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.tickets import POSTGRES, SQLITE, asked, numbered, spec, table, tell, terminate

EXTRACT = "  - extract: {schema: thing}\n"
CLASSIFY = "  - classify: {labels: {late: a parcel that is late, other: anything else}}\n"
SUMMARIZE = "  - summarize: {sentences: 1}\n"


def over(project: Project, provider: Provider, url: str, steps: str = SUMMARIZE, **keys: str) -> str:
    """Write a pipeline over the rows of `tickets`."""
    file = project.pipeline(provider.url, steps, **{"rows": spec(url), "into": f'"{url}"', **keys})
    written = file.read_text().splitlines()
    file.write_text("\n".join(line for line in written if not line.startswith("documents:")))
    return str(file)


def enriching(url: str) -> str:
    return f'{{url: "{url}", table: enriched, key: ticket}}'


def last_run(url: str, columns: str) -> tuple[Any, ...]:
    return asked(url, f"select {columns} from docmill_runs order by started_at desc limit 1")[0]


def statuses(url: str) -> Counter[str]:
    return Counter(status for (status,) in asked(url, "select status from docmill_outcomes"))


@pytest.mark.usefixtures("prefect_api")
def test_a_table_is_enriched(project: Project, provider: Provider, database: str):
    table(database, numbered(3), constraint="primary key")
    assert project.run("run", over(project, provider, database, EXTRACT, into=enriching(database))) == 0
    query = "select id, subject, name from tickets left join enriched on id = ticket order by id"
    assert asked(database, query) == [(number, f"subject {number}", "Example") for number in (1, 2, 3)]
    assert asked(database, "select document_id, label, summary from docmill_outcomes order by 1") == [
        (str(number), None, None) for number in (1, 2, 3)
    ]
    assert [b"subject 1: body 1" in body for body in sorted(provider.bodies())].count(True) == 1


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_pipeline_of_one_step(project: Project, provider: Provider, database: str):
    table(database, numbered(2))
    assert project.run("run", over(project, provider, database, CLASSIFY)) == 0
    assert asked(database, "select document_id, label from docmill_outcomes order by 1") == [
        ("1", "late"),
        ("2", "late"),
    ]


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_join_of_two_tables(project: Project, provider: Provider, database: str):
    table(database, numbered(2))
    tell(
        database,
        "create table customers (ticket bigint, name text)",
        "insert into customers values (1, 'Ada'), (2, 'Bob')",
    )
    query = "select id, name, body from tickets join customers on ticket = id"
    rows = spec(database, query, "{{ name }} writes: {{ body }}")
    assert project.run("run", over(project, provider, database, CLASSIFY + SUMMARIZE, rows=rows)) == 0
    assert sum(b"Ada writes: body 1" in body for body in provider.bodies()) == 2
    assert statuses(database) == {"done": 2}


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_rows_that_are_none_are_failed_with_their_reason(project: Project, provider: Provider, database: str):
    table(database, [("a", "s", "b"), ("a", "s", "c"), (None, "s", "d"), ("x", None, None)], key="text")
    rows = spec(database, template="{{ subject }}{{ body }}")
    assert project.run("run", over(project, provider, database, EXTRACT, rows=rows)) == 1
    assert asked(database, "select document_id, status, error from docmill_outcomes order by 1") == [
        ("NULL#1", "failed", "its key is NULL: a row needs a key"),
        ("a", "done", None),
        ("a#2", "failed", "another row has the id 'a' already: the key must be unique"),
        ("x", "failed", "no text: the row's text is empty"),
    ]
    assert asked(database, "select document_id from p__thing") == [("a",)]


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "SQL": ({"query": "select * from tikets"}, "rows.query: "),
    "a template": ({"template": "{{ sbject }}"}, "rows.text: the query has no column 'sbject'; did you mean"),
    "an empty table": ({"query": "select * from tickets where id < 0"}, "rows.query: gives no row of"),
}


@pytest.mark.parametrize(("keys", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_source_is_told_before_anything_is_sent_or_written(
    project: Project,
    provider: Provider,
    database: str,
    keys: dict[str, str],
    said: str,
    capfd: pytest.CaptureFixture[str],
):
    table(database, numbered(1))
    pipeline = over(project, provider, database, rows=spec(database, **keys), into="sqlite:///new.db")
    for command in ("check", "run"):
        assert project.run(command, pipeline) == 2
        assert f"error: {said}" in capfd.readouterr().err
    assert not (project.root / "new.db").exists()
    assert not provider.requests


@pytest.mark.parametrize(
    ("statement", "state", "said"),
    [
        ("delete from tickets", "COMPLETED", "0 documents"),
        ("drop table tickets", "FAILED", "rows.query: .*tickets"),
    ],
    ids=["empty", "gone"],
)
@pytest.mark.slow
async def test_a_scheduled_run_over_a_source_that_is(
    project: Project,
    provider: Provider,
    prefect_api: str,
    database: str,
    statement: str,
    state: str,
    said: str,
):
    table(database, numbered(1))
    tell(database, statement)
    ended = await process(Path(over(project, provider, database)), return_state=True)
    assert ended.type.value == state
    assert re.search(said, ended.message or "")


def test_a_check_counts_the_rows(
    project: Project, provider: Provider, database: str, capfd: pytest.CaptureFixture[str]
):
    table(database, numbered(30))
    assert project.run("check", over(project, provider, database)) == 0
    assert "documents: 30" in capfd.readouterr().out


def test_documents_do_not_replace_rows(
    project: Project, provider: Provider, database: str, capfd: pytest.CaptureFixture[str]
):
    table(database, numbered(1))
    assert project.run("run", over(project, provider, database), "--documents", "in/*") == 2
    assert "--documents: the pipeline p reads rows" in capfd.readouterr().err


@SQLITE
@pytest.mark.usefixtures("prefect_api")
def test_the_url_takes_variables(
    project: Project, provider: Provider, database: str, monkeypatch: pytest.MonkeyPatch
):
    table(database, numbered(1))
    monkeypatch.setenv("TICKETS", database.removeprefix("sqlite:///"))
    rows = spec("sqlite:///${TICKETS}")
    assert project.run("run", over(project, provider, database, rows=rows)) == 0
    assert statuses(database) == {"done": 1}


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_rerun_touches_what_changed_alone(project: Project, provider: Provider, database: str):
    table(database, numbered(10))
    pipeline = over(project, provider, database, EXTRACT, into=enriching(database))
    assert project.run("run", pipeline) == 0
    tell(
        database,
        "update tickets set body = 'other' where id = 3",
        "update tickets set subject = 'late' where id = 4",
        "delete from tickets where id = 5",
        "insert into tickets values (11, 'new', 'new')",
    )
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 13
    assert last_run(database, "documents_in, done, unchanged") == (10, 3, 7)
    [(latest,)] = asked(database, "select run_id from docmill_runs order by started_at desc limit 1")
    assert asked(database, f"select ticket from enriched where run_id = '{latest}' order by 1") == [
        (3,),
        (4,),
        (11,),
    ]
    assert asked(database, "select count(*) from enriched where ticket = 5") == [(1,)]
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 13


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_table_with_a_new_name_is_filled_by_the_outcomes(
    project: Project, provider: Provider, database: str
):
    table(database, numbered(3))
    assert project.run("run", over(project, provider, database, EXTRACT)) == 0
    assert asked(database, "select document_id from p__thing order by 1") == [("1",), ("2",), ("3",)]
    assert project.run("run", over(project, provider, database, EXTRACT, into=enriching(database))) == 0
    assert asked(database, "select ticket, name from enriched order by 1") == [
        (1, "Example"),
        (2, "Example"),
        (3, "Example"),
    ]
    assert len(provider.requests) == 3
    assert last_run(database, "unchanged") == (3,)


@pytest.mark.usefixtures("prefect_api")
def test_the_source_table_is_never_written_to(
    project: Project, provider: Provider, database: str, capfd: pytest.CaptureFixture[str]
):
    table(database, numbered(1))
    into = f'{{url: "{database}", table: tickets, key: ticket}}'
    assert project.run("run", over(project, provider, database, EXTRACT, into=into)) == 2
    assert "the table tickets was not created by docmill" in capfd.readouterr().err
    assert asked(database, "select * from tickets") == numbered(1)
    assert not provider.requests


@pytest.mark.slow
@POSTGRES
@pytest.mark.usefixtures("prefect_api")
def test_five_hundred_rows_are_enriched_and_twenty_of_them_again(
    project: Project, provider: Provider, database: str
):
    table(database, numbered(500), constraint="primary key")
    pipeline = over(project, provider, database, EXTRACT, into=enriching(database))
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 500
    tell(
        database,
        "update tickets set body = 'changed ' || id where id <= 20",
        "delete from tickets where id > 495",
    )
    before = set(asked(database, "select ticket, content_sha256 from enriched"))
    assert project.run("run", pipeline) == 0
    again = provider.bodies()[500:]
    assert len(again) == 20
    assert all(any(b"changed %d" % number in body for body in again) for number in range(1, 21))
    assert last_run(database, "documents_in, done, unchanged, calls") == (495, 20, 475, 20)
    after = set(asked(database, "select ticket, content_sha256 from enriched"))
    assert len(before) == len(after) == 500
    assert {ticket for ticket, _ in after - before} == set(range(1, 21))
    assert statuses(database) == {"done": 500}


def at_request(number: int, act: Callable[[], None]) -> Callable[[Request], None]:
    """Make a rule that acts once, when the request of this number arrives."""

    def rule(request: Request) -> None:
        if request.number == number:
            act()

    return rule


def whole(database: str, provider: Provider, count: int) -> None:
    """Check that no row is lost, doubled or paid twice."""
    assert asked(database, "select count(*), count(distinct ticket) from enriched") == [(count, count)]
    assert asked(database, "select count(*), count(distinct document_id) from docmill_outcomes") == [
        (count, count)
    ]
    assert statuses(database) == {"done": count}
    assert len(provider.requests) == count


@pytest.mark.slow
@POSTGRES
@pytest.mark.usefixtures("prefect_api")
def test_a_source_that_is_cut_off_in_the_middle(
    project: Project, provider: Provider, database: str, capfd: pytest.CaptureFixture[str]
):
    table(database, numbered(500), constraint="primary key")
    slow = "select *, pg_sleep(case when id > 250 then 0.05 else 0 end) from tickets order by id"
    pipeline = over(project, provider, database, EXTRACT, rows=spec(database, slow), into=enriching(database))
    provider.rule(at_request(10, lambda: terminate(database, "FETCH%")))
    assert project.run("run", pipeline) == 3
    error = capfd.readouterr().err
    assert "the source postgresql+psycopg://postgres:***@/test_" in error
    assert "Run again: the rows that were read are accounted for" in error
    state, documents, done = last_run(database, "state, documents_in, done")
    assert (state, documents) == ("failed", done)
    assert done >= 200
    pipeline = over(project, provider, database, EXTRACT, into=enriching(database))
    assert project.run("run", pipeline) == 0
    assert last_run(database, "state, documents_in, unchanged") == ("complete", 500, done)
    whole(database, provider, 500)


@pytest.mark.slow
@POSTGRES
@pytest.mark.usefixtures("prefect_api")
def test_results_that_are_cut_off_in_the_middle(
    project: Project, provider: Provider, database: str, capfd: pytest.CaptureFixture[str]
):
    table(database, numbered(100), constraint="primary key")
    # A trigger makes the writing slow enough to be met in the middle.
    tell(
        database,
        "create function slow() returns trigger language plpgsql as "
        "$$ begin perform pg_sleep(0.2); return new; end $$",
    )
    pipeline = over(project, provider, database, EXTRACT, into=enriching(database))
    assert project.run("run", pipeline, "--limit", "5") == 0
    tell(database, "create trigger slow before insert on enriched for each row execute function slow()")
    provider.rule(at_request(30, lambda: terminate(database, 'INSERT INTO "enriched"%')))
    assert project.run("run", pipeline) == 3
    assert "the results database postgresql+psycopg://" in capfd.readouterr().err
    assert last_run(database, "state") == ("failed",)
    tell(database, "drop trigger slow on enriched")
    assert project.run("run", pipeline) == 0
    assert last_run(database, "state, documents_in") == ("complete", 100)
    whole(database, provider, 100)


@pytest.mark.slow
@POSTGRES
@pytest.mark.usefixtures("prefect_api")
def test_a_run_is_stopped_while_its_source_is_slow(project: Project, provider: Provider, database: str):
    table(database, numbered(500))
    slow = "select *, pg_sleep(case when id > 250 then 5 else 0 end) from tickets order by id"
    pipeline = over(project, provider, database, EXTRACT, rows=spec(database, slow))
    running = project.begin("run", pipeline)
    assert eventually(lambda: len(provider.requests) >= 150, 180)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 3
    state, documents, finished = last_run(database, "state, documents_in, done + deferred")
    assert (state, documents) == ("stopped", finished)
    left = "select count(*) from pg_stat_activity where application_name = 'docmill'"
    assert eventually(lambda: asked(database, left) == [(0,)])


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.slow
def test_a_limit_takes_up_the_first_rows(project: Project, provider: Provider, database: str):
    table(database, numbered(300))
    pipeline = over(project, provider, database)
    assert project.run("run", pipeline, "--limit", "20") == 0
    assert project.run("run", pipeline, "--limit", "20") == 0
    assert len(provider.requests) == 40
    assert last_run(database, "documents_in, unchanged, done") == (40, 20, 20)


@pytest.mark.slow
@POSTGRES
@pytest.mark.usefixtures("prefect_api")
def test_two_runs_at_once_both_work(project: Project, provider: Provider, database: str):
    table(database, numbered(60), constraint="primary key")
    pipeline = over(project, provider, database, EXTRACT, into=enriching(database))

    def runs() -> int:
        has_runs = asked(database, "select to_regclass('docmill_runs') is not null")[0][0]
        return int(asked(database, "select count(*) from docmill_runs")[0][0]) if has_runs else 0

    provider.hold_until(lambda: runs() == 2)
    first = project.begin("run", pipeline)
    assert eventually(lambda: runs() == 1, 180)
    second = project.begin("run", pipeline)
    printed = first.communicate(timeout=100)[0], second.communicate(timeout=100)[0]
    assert (first.returncode, second.returncode) == (0, 0), printed
    [(run_id,), _] = asked(database, "select run_id from docmill_runs order by started_at")
    assert f"the run {run_id} of p is under way too: both work" in " ".join(printed[1].split())
    assert asked(database, "select state, documents_in from docmill_runs") == [("complete", 60)] * 2
    whole(database, provider, 60)
