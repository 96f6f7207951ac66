"""The review as a CSV file: out, filled in, and back in as a whole."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.document import Unread
from tests.support.project import Project
from tests.support.reviewing import Bills

Printed = pytest.CaptureFixture[str]
FILE = Path("review.csv")


@pytest.fixture
def bills(project: Project) -> Bills:
    bills = Bills(project)
    bills.plant(
        bills.outcome("a", name="=Eve(1)", on="2023-01-01"),
        bills.outcome("b", total=61),
        bills.outcome("c", name="Bob"),
        bills.outcome("d"),
    )
    return bills


def exported(bills: Bills) -> list[dict[str, str]]:
    assert bills.review("--export", str(FILE)) == 0
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fill(rows: list[dict[str, str]], **changes: dict[str, str]) -> None:
    """Write what a person decides, by document and path."""
    out = io.StringIO()
    table = csv.DictWriter(out, rows[0].keys())
    table.writeheader()
    for row in rows:
        told = changes.get(
            f"{Path(row['document']).stem}_{row['path'].replace('/', '').replace(' ', '_')}", {}
        )
        table.writerow(row | told)
    FILE.write_text(out.getvalue(), encoding="utf-8")


def statuses(bills: Bills) -> dict[str, str]:
    return {Path(document).stem: status for document, status in bills.project.statuses().items()}


def decisions(bills: Bills) -> list[Any]:
    return bills.project.rows("select path, decision, note from docmill_decisions order by id")


def test_it_has_a_row_for_each_open_point_and_no_formula(bills: Bills):
    rows = exported(bills)
    assert list(rows[0]) == ["document", "path", "value", "quote", "decision", "corrected", "note"]
    assert [(row["document"], row["path"], row["value"]) for row in rows] == [
        ("in/a.txt", "/name", "'=Eve(1)"),
        ("in/a.txt", "/on", "2023-01-01"),
        ("in/b.txt", "/total", "61"),
        ("in/b.txt", "rule sum", '{"net": 51, "tax": 9, "total": 61}'),
        ("in/c.txt", "/name", "Bob"),
    ]
    assert rows[3]["quote"] == "net and tax make the total"


def test_what_was_filled_in_is_carried_out_and_again_changes_nothing(bills: Bills, capsys: Printed):
    fill(
        exported(bills),
        a_name={"decision": "Accept", "note": "so it is"},
        a_on={"decision": "correct", "corrected": "2024-01-31"},
        b_total={"decision": "correct", "corrected": "60"},
        c_name={"decision": "reject", "note": "spam"},
    )
    for _ in range(2):
        assert bills.review("--import", str(FILE)) == 0
        assert statuses(bills) == {"a": "done", "b": "done", "c": "review", "d": "done"}
        assert decisions(bills) == [
            ("/name", "accept", "so it is"),
            ("/on", "correct", ""),
            ("/total", "correct", ""),
            ("", "reject", "spam"),
        ]
    assert bills.project.rows("select document_id, name, total from p__bill order by 1") == [
        ("in/a.txt", "=Eve(1)", 60.0),
        ("in/b.txt", "Ada Ltd", 60.0),
        ("in/d.txt", "Ada Ltd", 60.0),
    ]
    assert capsys.readouterr().out.splitlines()[-1].startswith("in/c.txt: nothing to decide")


def test_a_rule_is_not_accepted_for_other_values_than_those_that_were_seen(bills: Bills, capsys: Printed):
    rows = exported(bills)
    bills.plant(bills.outcome("b", total=62))
    fill(rows, b_rule_sum={"decision": "accept"})
    assert bills.review("--import", str(FILE)) == 2
    assert 'rule sum is \'{"net": 51, "tax": 9, "total": 62}\', and what' in capsys.readouterr().err
    assert decisions(bills) == []
    fill(rows, b_rule_sum={"decision": "accept", "value": ""})
    assert bills.review("--import", str(FILE)) == 0


def test_a_part_that_was_unread_is_not_accepted_for_another_reason_than_the_one_that_was_seen(
    bills: Bills, capsys: Printed
):
    bills.plant(bills.outcome("e", unread=(Unread(part="page 2", why="it is a scan"),)))
    rows = exported(bills)
    bills.plant(bills.outcome("e", unread=(Unread(part="page 2", why="it is damaged"),)))
    fill(rows, e_unread_page_2={"decision": "accept"})
    assert bills.review("--import", str(FILE)) == 2
    assert "unread page 2 is 'it is damaged', and what was decided on is 'it is a scan'" in (
        capsys.readouterr().err
    )
    assert decisions(bills) == []


def test_rows_without_a_decision_are_left_for_another_time(bills: Bills):
    fill(exported(bills), a_name={"decision": "accept"})
    assert bills.review("--import", str(FILE)) == 0
    assert [row["path"] for row in exported(bills) if row["document"] == "in/a.txt"] == ["/on"]


def test_every_fault_is_told_with_its_line_and_nothing_is_carried_out(bills: Bills, capsys: Printed):
    fill(
        exported(bills),
        a_name={"decision": "accept"},
        a_on={"decision": "correct", "corrected": "yesterday"},
        b_total={"decision": "accept", "value": "62"},
    )
    assert bills.review("--import", str(FILE)) == 2
    said = capsys.readouterr().err
    assert f'{FILE}:3: on: "yesterday" has not the format date' in said
    assert f"{FILE}:4: in/b.txt: /total is '61', and what was decided on is '62': export again" in said
    assert "nothing of the file was carried out" in said
    assert decisions(bills) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decision": "acept"}, "must be one of accept, correct, reject, not 'acept'; did you mean accept?"),
        ({"corrected": "Ada"}, "there is a corrected value and no decision: write correct"),
        ({"decision": "accept", "corrected": "Ada"}, "what is accepted has no corrected value"),
        ({"decision": "accept", "document": "in/x.txt"}, "there is no document 'in/x.txt'"),
        ({"decision": "accept", "path": "/net"}, "'/net' is not open; open are /name, /on"),
        ({"decision": "correct", "path": ""}, "what is corrected needs a path"),
    ],
)
def test_a_wrong_row_is_told_with_what_was_meant(
    bills: Bills, capsys: Printed, change: dict[str, str], said: str
):
    fill(exported(bills), a_name=change)
    assert bills.review("--import", str(FILE)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"{FILE}:2: " in told
    assert said in told
    assert decisions(bills) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "there is no column 'document'"),
        ("document,path,decision,colour\n", "'colour' is no column of a review"),
        ("document,path,decision\nin/a.txt,/name\n", "review.csv:2: the row has not 3 cells"),
        (b"\xff\xfe".decode("latin-1"), "there is no column"),
    ],
)
def test_a_file_that_is_no_review_is_refused(bills: Bills, capsys: Printed, content: str, said: str):
    FILE.write_text(content, encoding="utf-8")
    assert bills.review("--import", str(FILE)) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_not_there_is_told(bills: Bills, capsys: Printed):
    assert bills.review("--import", "nowhere.csv") == 2
    assert "nowhere.csv: cannot be read: No such file" in capsys.readouterr().err
