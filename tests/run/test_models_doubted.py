"""Models in turn where a rule is broken or rows are missing: the next follows the first one's repairs."""

import json
from typing import Any

import pytest

from tests.support.connection import Request
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import Answer, saying

pytestmark = pytest.mark.usefixtures("prefect_api")

CHEAP, STRONG = "gpt-4o-mini", "gpt-4o"
MODELS = f"[{CHEAP}, {STRONG}]"
ROWS = ["| Oak board | 7 |", "| Ash beam | 44 |", "| Elm rail | 8 |"]
TEXT = "\n".join(["Order", "", "| Item | Quantity |", "|---|---|", *ROWS, "", "59 in all, not 60", ""])
LINES = [
    {"item": "Oak board", "quantity": 7},
    {"item": "Ash beam", "quantity": 44},
    {"item": "Elm rail", "quantity": 8},
]
LINE = {"type": "object", "properties": {"item": {"type": "string"}, "quantity": {"type": "integer"}}}
ORDER: Any = {
    "name": "record_order",
    "description": "Record an order",
    "parameters": {
        "type": "object",
        "properties": {"total": {"type": "integer"}, "lines": {"type": "array", "items": LINE}},
    },
}
SUM = "sum(lines.map(line, line.quantity)) == total"
RULE = f"{{name: sum, that: '{SUM}', message: the lines make the total}}"


def record(total: int = 59, *lines: dict[str, Any]) -> Answer:
    return saying(json.dumps({"total": total, "lines": lines or LINES}))


RIGHT = record()
BREAKS = record(60)
SHORT = record(59, LINES[0], {"item": "Ash beam", "quantity": 44})
SHORTER = record(59, LINES[0])
NO_RECORD = saying("I cannot")


def run(project: Project, provider: Provider, cheap: Answer, strong: Answer, options: str) -> list[str]:
    """Let both models answer always the same; gives which were asked, in order."""

    def answering(request: Request) -> Answer:
        return cheap if request.parsed["model"] == CHEAP else strong

    provider.rule(answering)
    project.documents(a=TEXT)
    project.schema("order", ORDER)
    steps = f"  - extract: {{schema: order{options}}}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps, model=MODELS))) == 0
    return [request.parsed["model"] for request in provider.requests]


RULES = f", rules: [{RULE}]"
EACH = pytest.mark.parametrize(
    ("wrong", "options"), [(BREAKS, RULES), (SHORT, "")], ids=["a broken rule", "missing rows"]
)


@EACH
def test_the_next_is_asked_after_the_one_further_request_and_the_books_name_each(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str], wrong: Answer, options: str
):
    assert run(project, provider, wrong, RIGHT, options) == [CHEAP, CHEAP, STRONG]
    [(status, model, steps, calls)] = project.rows("select status, model, steps, calls from docmill_outcomes")
    step = json.loads(steps)["extract"]
    assert (status, model, step["model"], calls) == ("done", STRONG, STRONG, 3)
    assert [each["model"] for each in step["made"]] == [CHEAP, CHEAP, STRONG]
    assert all(each["cost_usd"] > 0 for each in step["made"])
    assert project.rows("select broken_rules, missing from docmill_outcomes") == [("[]", "[]")]
    assert project.rows("select count(*) from p__order") == [(1,)]
    capfd.readouterr()
    assert project.run("runs", "p.yaml", "--by", "model", "--json") == 0
    by = {each["name"]: each for each in json.loads(capfd.readouterr().out)["model"]}
    assert {name: each["calls"] for name, each in by.items()} == {CHEAP: 2, STRONG: 1}
    spent = sum(each["cost_usd"] for each in step["made"] if each["model"] == CHEAP)
    assert by[CHEAP]["cost_usd"] == pytest.approx(spent)


@EACH
def test_a_first_model_whose_second_reply_leaves_no_doubt_is_alone(
    project: Project, provider: Provider, wrong: Answer, options: str
):
    def repairs(request: Request) -> Any:
        shape = RIGHT if len(request.parsed["messages"]) > 2 else wrong
        return shape(request)

    assert run(project, provider, repairs, NO_RECORD, options) == [CHEAP, CHEAP]
    assert project.rows("select status, model from docmill_outcomes") == [("done", CHEAP)]


@pytest.mark.slow
@EACH
def test_a_first_model_takes_three_replies_at_most(
    project: Project, provider: Provider, wrong: Answer, options: str
):
    replies = iter([NO_RECORD, wrong, wrong])
    assert run(project, provider, lambda request: next(replies)(request), RIGHT, options) == [
        *[CHEAP] * 3,
        STRONG,
    ]
    assert project.statuses() == {"in/a.txt": "done"}


@pytest.mark.slow
def test_where_no_model_keeps_the_rule_the_later_record_is_in_review(project: Project, provider: Provider):
    assert run(project, provider, BREAKS, BREAKS, RULES) == [CHEAP, CHEAP, STRONG, STRONG]
    [(status, model, broken)] = project.rows("select status, model, broken_rules from docmill_outcomes")
    assert (status, model) == ("review", STRONG)
    assert json.loads(broken) == [{"name": "sum", "message": "the lines make the total"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cheap", "strong", "kept"),
    [
        (SHORT, SHORTER, CHEAP),
        (SHORTER, SHORT, STRONG),
        (SHORT, NO_RECORD, CHEAP),
    ],
    ids=["the first has more", "the second has more", "the second is invalid"],
)
def test_where_no_model_has_all_rows_the_record_with_more_of_them_is_in_review(
    project: Project, provider: Provider, cheap: Answer, strong: Answer, kept: str
):
    asked = run(project, provider, cheap, strong, "")
    assert asked == [CHEAP, CHEAP, *[STRONG] * (3 if strong is NO_RECORD else 2)]
    [(status, model, told)] = project.rows("select status, model, missing from docmill_outcomes")
    assert (status, model) == ("review", kept)
    assert [each["quote"] for each in json.loads(told)] == ROWS[2:]
