"""Rows that stand for no item are asked for once more in a run; what is missing then is in review."""

import json
from typing import Any

import pytest

from docmill.flows.api.results import results
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, saying

pytestmark = pytest.mark.usefixtures("prefect_api")
Printed = pytest.CaptureFixture[str]

ROWS = ["| Oak board | 7 |", "| Ash beam | 44 |", "| Elm rail | 8 |"]
TEXT = "\n".join(["Order", "", "| Item | Quantity |", "|---|---|", *ROWS, "| Total | 59 |", ""])
LINES = [
    {"item": "Oak board", "quantity": 7},
    {"item": "Ash beam", "quantity": 44},
    {"item": "Elm rail", "quantity": 8},
]
LINE = {"type": "object", "properties": {"item": {"type": "string"}, "quantity": {"type": "integer"}}}
THING: Any = {
    "name": "record_order",
    "description": "Record an order",
    "parameters": {"type": "object", "properties": {"lines": {"type": "array", "items": LINE}}},
}
MISSING = "extract: 2 rows of the document stand for no item of lines"


def record(*lines: dict[str, Any]) -> Shape:
    return saying(json.dumps({"lines": lines}))


def run(project: Project, provider: Provider, complete: str = "review") -> int:
    project.documents(a=TEXT)
    project.schema("thing", THING)
    steps = f"  - extract: {{schema: thing, complete: {complete}}}\n"
    return project.run("run", str(project.pipeline(provider.url, steps)))


def outcome(project: Project) -> dict[str, Any]:
    columns = ("status", "error", "record", "missing", "calls", "cached_calls")
    [row] = project.rows(f"select {', '.join(columns)} from docmill_outcomes")
    found = dict(zip(columns, row, strict=True))
    return found | {name: json.loads(found[name] or "null") for name in ("record", "missing")}


def test_what_is_complete_at_the_second_request_is_done(project: Project, provider: Provider):
    provider.script(record(LINES[0]), record(*LINES))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["error"], found["missing"]) == ("done", None, [])
    assert (found["record"], found["calls"]) == ({"lines": LINES}, 2)
    first, second = (json.loads(body)["messages"] for body in provider.bodies())
    assert second[:-2] == first
    assert json.loads(second[-2]["content"]) == {"lines": LINES[:1]}
    assert all(row in second[-1]["content"] for row in ROWS[1:])
    assert ROWS[0] not in second[-1]["content"]
    assert project.rows("select count(*) from p__thing") == [(1,)]


def test_what_is_missing_still_is_told_in_review_with_the_better_record(
    project: Project, provider: Provider, capfd: Printed
):
    provider.always(record(LINES[0]))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["error"], found["calls"]) == ("review", MISSING, 2)
    assert found["record"] == {"lines": LINES[:1]}
    assert [(each["path"], each["quote"]) for each in found["missing"]] == [
        ("lines", row) for row in ROWS[1:]
    ]
    assert all(TEXT[each["start"] : each["end"]] == each["quote"] for each in found["missing"])
    assert project.rows("select count(*) from p__thing") == [(0,)]
    printed = capfd.readouterr()
    assert "Ash beam" not in printed.out + printed.err
    assert project.run("report", "p.yaml") == 0
    assert f"left out of lines: {ROWS[1]}" in capfd.readouterr().out
    with results("sqlite:///results.db") as stored:
        [each] = stored.outcomes("p")
    assert [row.quote for row in each.missing or ()] == ROWS[1:]


@pytest.mark.parametrize("empty", ['{"lines": []}', "{}"], ids=["empty", "absent"])
def test_an_empty_list_is_in_review_where_the_document_has_the_table(
    project: Project, provider: Provider, empty: str
):
    provider.always(saying(empty))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("review", MISSING.replace("2 rows", "3 rows"))
    assert [each["quote"] for each in found["missing"]] == ROWS
    assert len(provider.requests) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [LINES[1], {"item": "Ash beam"}],
    ids=["an item twice", "two items on one row"],
)
def test_two_items_of_one_row_are_in_review(
    project: Project, provider: Provider, capfd: Printed, other: dict[str, Any]
):
    provider.always(record(*LINES, other))
    assert run(project, provider) == 0
    found = outcome(project)
    said = "extract: 1 item of lines stands for another's row"
    assert (found["status"], found["error"], found["missing"]) == ("review", said, [])
    assert project.rows("select count(*) from p__thing") == [(0,)]
    assert project.run("report", "p.yaml", "--status", "review") == 0
    assert said in capfd.readouterr().out


@pytest.mark.slow
def test_a_second_record_with_invented_items_is_not_taken(project: Project, provider: Provider):
    provider.script(record(LINES[0]), record(*LINES, {"item": "Gold bar", "quantity": 44}))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["record"]) == ("review", {"lines": LINES[:1]})


@pytest.mark.slow
@pytest.mark.parametrize("invalid", [0, 1, 2])
def test_to_ask_for_rows_is_one_of_two_repairs(project: Project, provider: Provider, invalid: int):
    """At first so many replies are not valid; the one that asks for rows never gets a valid one."""
    provider.script(*[saying("no JSON")] * invalid, record(LINES[0]))
    provider.always(saying("no JSON"))
    assert run(project, provider) == 0
    assert len(provider.requests) == 3
    assert outcome(project)["record"] == {"lines": LINES[:1]}
    assert run(project, provider) == 0
    assert len(provider.requests) == 3  # also where the first is read from the cache


@pytest.mark.slow
def test_a_second_reply_that_is_not_valid_leaves_the_first_record(project: Project, provider: Provider):
    provider.script(record(LINES[0]))
    provider.always(saying("no JSON"))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["error"], found["record"]) == ("review", MISSING, {"lines": LINES[:1]})


@pytest.mark.slow
def test_the_switch_takes_the_document_up_again_and_asks_nothing_anew(project: Project, provider: Provider):
    provider.always(record(LINES[0]))
    statuses = []
    for complete in ("review", "review", "off", "off", "review"):
        assert run(project, provider, complete) == 0
        statuses.append(outcome(project)["status"])
    assert statuses == ["review", "review", "done", "done", "review"]
    assert len(provider.requests) == 2
    assert project.rows("select unchanged, cached_calls from docmill_runs order by started_at") == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 0),
        (0, 2),
    ]
    assert outcome(project)["missing"]


@pytest.mark.slow
def test_where_it_is_off_nothing_is_looked_for(project: Project, provider: Provider):
    provider.always(record(LINES[0]))
    assert run(project, provider, "off") == 0
    assert (outcome(project)["status"], outcome(project)["missing"]) == ("done", None)
    assert len(provider.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("said", "status"), [("", "done"), (", complete: review", "review")])
def test_an_answer_with_a_schema_may_want_some_of_the_rows_unless_it_says_so(
    project: Project, provider: Provider, said: str, status: str
):
    project.documents(a=TEXT)
    project.schema("thing", THING)
    provider.always(record(LINES[0]))
    steps = f"  - ask: {{prompt: What is ordered?, schema: thing{said}}}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps))) == 0
    assert project.statuses() == {"in/a.txt": status}
