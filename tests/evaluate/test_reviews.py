"""Decisions are labels: what the run gave is held against what people said of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.evaluate.evaluation import Evaluation, Evaluator
from docmill.flows.evaluate.fields import of_schema
from docmill.flows.evaluate.kept import source_of
from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.review import opened
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import Evaluate
from docmill.schemas.outcome import Outcome
from tests.support.labelling import NAME, Letters
from tests.support.project import Project
from tests.support.reviewing import BILL, LINES, STEPS, TEXT, Bills

A = "in/a.txt"
PERSON = Person("ada", datetime(2026, 5, 4, 12, tzinfo=UTC))
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def bills(project: Project) -> Bills:
    return Bills(project)


def decide(bills: Bills, *said: Said) -> None:
    with opened(bills.declared, None) as review:
        review.decide({A: said}, PERSON)


def evaluated(bills: Bills) -> Evaluation:
    source = source_of(Evaluate(labels="reviews"), bills.plan.into, "p")
    evaluator = Evaluator.of(source, of_schema(BILL["parameters"]), {})
    results = bills.results()
    found = evaluator.evaluate(results.outcomes_of(evaluator.asked_of))
    results.close()
    return found


def counts(bills: Bills) -> dict[str, tuple[int, int]]:
    """Give for each field what is right and wrong."""
    return {name: (each.right, each.wrong) for name, each in evaluated(bills).fields.items()}


def again(bills: Bills, **changes: Any) -> Outcome:
    """Make the outcome of a later run that knows the decisions."""
    results = bills.results()
    made = len(list(results.every_decision()))
    results.close()
    return bills.outcome("a", **changes).model_copy(update={"decisions": made})


def test_what_was_accepted_is_right_and_what_was_corrected_wrong(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", total=61, net=52))
    decide(bills, Said("correct", "/name", text="Ada Ltd"), Said("accept", "/total"))
    assert bills.row()["status"] == "review"
    assert counts(bills) == {"name": (0, 1), "total": (1, 0)}
    decide(bills, Said("accept"))
    row = bills.row()
    assert (row["status"], row["record"]["name"]) == ("done", "Ada Ltd")  # the outcome is right by now
    assert counts(bills) == {"name": (0, 1), "total": (1, 0), "net": (1, 0)}  # the model was not


def test_a_second_correction_leaves_what_the_run_gave(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    [judgement] = evaluated(bills).judgements
    assert [(each.wanted, each.got) for each in judgement.faults] == [("Ada Ltd", "Eve")]


def test_a_later_run_that_gives_the_corrected_value_is_right(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    bills.plant(again(bills))
    assert counts(bills) == {"name": (1, 0)}


def test_of_a_list_the_decided_items_alone_are_asked(bills: Bills):
    wrong = [{"item": "Oak board", "price": 8}, LINES[1]]
    bills.plant(bills.outcome("a", lines=wrong))
    decide(bills, Said("correct", "/lines/0/price", text="7"))
    assert counts(bills) == {"lines[].price": (0, 1)}
    bills.plant(again(bills, lines=LINES[::-1]))
    assert counts(bills) == {"lines[].price": (1, 0)}


def test_two_values_of_an_item_are_asked_of_that_item(bills: Bills):
    bills.plant(bills.outcome("a", lines=[{"item": "Elm", "price": 8}, LINES[1]]))
    decide(
        bills,
        Said("correct", "/lines/0/item", text="Oak board"),
        Said("correct", "/lines/0/price", text="7"),
    )
    assert counts(bills) == {"lines[].item": (0, 1), "lines[].price": (0, 1)}


def test_an_item_that_was_left_out_is_absent(bills: Bills):
    bills.plant(bills.outcome("a", lines=LINES[:1]))
    decide(bills, Said("correct", "/lines/-", text=json.dumps(LINES[1])))
    found = evaluated(bills)
    assert {name: each.absent for name, each in found.fields.items()} == {
        "lines[].item": 1,
        "lines[].price": 1,
    }


def test_a_list_that_was_accepted_is_right_as_a_whole(bills: Bills):
    bills.plant(bills.outcome("a", lines=LINES[:1]))
    decide(bills, Said("accept", "/lines"))
    assert counts(bills) == {"lines[].item": (1, 0), "lines[].price": (1, 0)}


def test_what_was_decided_on_another_content_is_not_asked(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    bills.plant(bills.outcome("a", TEXT + "\nPaid\n").model_copy(update={"decisions": 1}))
    assert evaluated(bills).judgements == ()


def test_a_rejected_document_has_no_label(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", total=61))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    decide(bills, Said("reject"))
    assert evaluated(bills).judgements == ()


def test_a_rule_or_a_part_that_could_not_be_read_is_no_label(bills: Bills):
    bills.plant(bills.outcome("a", total=51))
    decide(bills, Said("accept", "rule sum"))
    assert evaluated(bills).judgements == ()


def test_the_command_takes_decisions_as_labels(bills: Bills, capfd: Printed):
    bills.plant(bills.outcome("a", name="Eve", total=61))
    decide(bills, Said("correct", "/name", text="Ada Ltd"), Said("accept", "/total"))
    capfd.readouterr()
    assert bills.project.run("evaluate", "p.yaml", "--labels", "reviews", "--json") == 0
    fields = json.loads(capfd.readouterr().out)["fields"]
    assert {name: each["accuracy"] for name, each in fields.items()} == {"name": 0.0, "total": 1.0}


def test_other_pipelines_are_judged_by_the_decisions_on_the_first(bills: Bills, capfd: Printed):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    other = Path("p.yaml").read_text().replace("results.db", "other.db")
    bills.project.pipeline("http://127.0.0.1:9/v1", STEPS, into="sqlite:///other.db")
    Bills(bills.project, "sqlite:///other.db").plant(bills.outcome("a"))
    Path("q.yaml").write_text(other)
    Path("p.yaml").write_text(other.replace("other.db", "results.db"))
    capfd.readouterr()
    assert bills.project.run("evaluate", "p.yaml", "q.yaml", "--labels", "reviews", "--json") == 0
    found = json.loads(capfd.readouterr().out)["pipelines"]
    assert [each["fields"]["name"]["right"] for each in found] == [0, 1]


def test_without_results_there_are_no_decisions(bills: Bills):
    source = source_of(Evaluate(labels="reviews"), bills.plan.into, "p")
    assert Evaluator.of(source, of_schema(BILL["parameters"]), {}).truths == []
    assert not Path("results.db").exists()


def test_a_document_that_has_two_labels_is_told(tmp_path: Path):
    file = tmp_path / "t.csv"
    file.write_text("document,name\n1.txt,Ada\n1.txt,Bob\n")
    with pytest.raises(ConfigError, match=r"t.csv:3: '1.txt' has a label already, at .*t.csv:2$"):
        Evaluator.of(file, of_schema(BILL["parameters"]), {})


def labelled(project: Project, *said: Said) -> Letters:
    letters = Letters(project)
    letters.plant()
    if said:
        letters.decide(*said)
    return letters


@pytest.mark.parametrize(
    ("said", "right"), [(Said("accept"), (1, 0)), (Said("correct", NAME, text="offer"), (0, 1))]
)
def test_a_label_that_was_decided_is_judged(project: Project, said: Said, right: tuple[int, int]):
    letters = labelled(project, said)
    source = source_of(Evaluate(labels="reviews", min_label=0.9), letters.plan.into, "p")
    found = Evaluator.of(source, of_schema(BILL["parameters"]), {}).evaluate([letters.results()[0]])
    assert (found.label.right, found.label.wrong) == right
    assert list(found.labels) == [letters.results()[0]["label"]]


def test_a_label_that_nobody_decided_is_not_judged(project: Project):
    letters = labelled(project)
    source = source_of(Evaluate(labels="reviews"), letters.plan.into, "p")
    assert Evaluator.of(source, of_schema(BILL["parameters"]), {}).truths == []


def test_decided_labels_hold_a_gate(project: Project, capfd: Printed):
    letters = labelled(project, Said("correct", NAME, text="offer"))
    arguments = ("evaluate", str(letters.file), "--labels", "reviews", "--min", "0.9")
    assert project.run(*arguments) == 1
    assert "labels: 0 % right (0 of 1), below min_label 0.9" in capfd.readouterr().err
