"""`docmill review`: by script and in a real terminal."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.cli.test_commands import without_prefect
from tests.support.labelling import Letters
from tests.support.project import Project
from tests.support.reviewing import LINES, TEXT, Bills
from tests.support.terminals import terminal

Printed = pytest.CaptureFixture[str]
A, B = "in/a.txt", "in/b.txt"


@pytest.fixture
def bills(project: Project) -> Bills:
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve", total=61), bills.outcome("b", name="Bob"), bills.outcome("c"))
    return bills


def told(bills: Bills, printed: Printed, *arguments: str) -> Any:
    printed.readouterr()
    assert bills.review(*arguments, "--json") == 0
    return json.loads(printed.readouterr().out)


def kept(bills: Bills) -> list[tuple[Any, ...]]:
    query = "select document_id, path, about, decision, note from docmill_decisions order by id"
    return bills.project.rows(query)


def test_keys_pressed_before_a_point_is_shown_decide_nothing_of_it(bills: Bills):
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        screen.press("aaa")
        screen.see("/total  61")
        screen.see("q quit")
        screen.press("q")
        assert screen.ended() == 0
    assert [(path, decision) for _, path, _, decision, _ in kept(bills)] == [("/name", "accept")]


def test_a_value_is_shown_with_the_lines_around_what_stands_beside_it_in_the_record(bills: Bills):
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        screen.press("s")
        screen.see("/total  61")
        screen.see("Total due 60")
        screen.see("q quit")
        screen.press("q")
        assert screen.ended() == 0


def test_what_waits_is_listed_as_json(bills: Bills, capsys: Printed):
    found = told(bills, capsys)
    assert found["waiting"] == 2
    assert [
        (each["document"], [point["name"] for point in each["points"]]) for each in found["documents"]
    ] == [
        (A, ["/name", "/total", "rule sum"]),
        (B, ["/name"]),
    ]
    assert found["documents"][0]["points"][0]["value"] == "Eve"


def test_values_are_set_and_the_rest_accepted_by_one_command(bills: Bills, capsys: Printed):
    arguments = (
        "--set",
        A,
        "total=60",
        "--accept",
        A,
        "--accept",
        "b.txt",
        "--note",
        "by phone",
        "--by",
        "ada",
    )
    assert bills.review(*arguments) == 0
    assert capsys.readouterr().out.splitlines() == [f"{A}: done", f"{B}: done"]
    assert bills.project.rows("select document_id, name, total from p__bill order by 1") == [
        (A, "Eve", 60.0),
        (B, "Bob", 60.0),
        ("in/c.txt", "Ada Ltd", 60.0),
    ]
    assert [(path, decision, note) for _, path, _, decision, note in kept(bills)] == [
        ("/total", "correct", "by phone"),
        ("/name", "accept", "by phone"),
        ("/name", "accept", "by phone"),
    ]
    assert bills.project.rows('select distinct "by" from docmill_decisions') == [("ada",)]


def test_what_is_left_open_is_told(bills: Bills, capsys: Printed):
    assert bills.review("--set", A, "name=Ada Ltd") == 0
    assert capsys.readouterr().out == f"{A}: in review, open are /total, rule sum\n"
    [document] = told(bills, capsys, "--set", A, "/total=60")["documents"]
    assert document == {"document": A, "status": "done", "decisions": 1, "open": 0, "rejected": False}


def test_a_rejected_document_is_told(bills: Bills, capsys: Printed):
    assert bills.review("--reject", B) == 0
    assert "rejected: it no longer waits, and fills no table" in capsys.readouterr().out
    assert told(bills, capsys)["waiting"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", A, "total"], "--set: must be DOCUMENT PATH=VALUE"),
        (["--set", A, "total=much"], 'total: must be number, not "much"'),
        (["--set", "in/z.txt", "total=1"], "there is no document 'in/z.txt'"),
        (["--accept", A, "--reject", A], "is accepted or corrected by the same command"),
        (["--accept", A, "--export", "x.csv"], "--export: not together with --accept, --set and --reject"),
        (["--export", "nowhere/x.csv"], "cannot be written"),
        ([], "this is no terminal: list what waits with --json or --export FILE.csv"),
        (["--into", "sqlite:///none.db", "--json"], "holds no results of p"),
    ],
)
def test_bad_input_is_a_wrong_configuration_and_keeps_nothing(
    bills: Bills, capsys: Printed, arguments: list[str], said: str
):
    assert bills.review(*arguments) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert kept(bills) == []


def test_each_point_is_shown_in_its_context_and_decided_by_a_key(bills: Bills):
    with terminal("review", "p.yaml", "--by", "ada") as screen:
        screen.see("2 in review")
        shown = screen.see("q quit")
        assert "/name  Eve" in shown
        assert "not found in the document" in shown
        assert "Invoice of Ada Ltd, 31 January 2024" in shown
        assert "\x1b[30;43m31 January 2024" in screen.raw  # evidence is marked
        screen.press("c")
        screen.see("/name = ")
        screen.press("\x15Ada Ltd\r")
        assert "/total  61" in screen.see("q quit")
        screen.press("c")
        screen.see("/total = ")
        screen.press("\x15sixty\r")
        screen.see('must be number, not "sixty"')
        screen.see("q quit")
        screen.press("c")
        screen.see("/total = ")
        screen.press("\x1560\r")
        screen.see("in/a.txt is done: Enter writes it, u undoes")
        screen.press("\r")
        screen.see("in/b.txt")
        screen.see("q quit")
        screen.press("q")
        screen.see("2 decided, 1 no longer waiting, 1 in review still: the same command goes on")
        assert screen.ended() == 0
    assert bills.project.rows("select name, total from p__bill order by document_id") == [
        ("Ada Ltd", 60.0),
        ("Ada Ltd", 60.0),
    ]


@pytest.mark.slow
def test_it_goes_on_where_it_was_left_and_undoes_what_was_decided_then(bills: Bills):
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        screen.press("a")
        screen.see("/total  61")
        screen.see("q quit")
        screen.press("\x03")  # Ctrl-C
        screen.see("1 decided, 0 no longer waiting, 2 in review still")
        assert screen.ended() == 0
    with terminal("review", "p.yaml") as screen:
        assert "/name  Eve" not in screen.see("/total  61")
        screen.see("q quit")
        screen.press("u")
        screen.see("/name  Eve")
        screen.see("q quit")
        screen.press("\x1b[As")  # an arrow does nothing, then skip
        screen.see("/total  61")
        screen.see("q quit")
        screen.press("q")
        assert screen.ended() == 0
    assert [decision for *_, decision, _ in kept(bills)] == ["accept", "undo"]


@pytest.mark.slow
def test_the_last_decision_can_be_undone_before_it_is_written(bills: Bills):
    assert bills.review("--accept", A) == 0
    with terminal("review", "p.yaml") as screen:
        screen.see("in/b.txt")
        screen.see("q quit")
        screen.press("r")
        screen.see("why (Enter for no reason): ")
        screen.press("spam\r")
        screen.see("in/b.txt is rejected: Enter writes it, u undoes")
        screen.press("u")
        screen.see("q quit")
        screen.press("r")
        screen.see("why")
        screen.press("not ours\r")
        screen.see("Enter writes it")
        screen.press("\r")
        screen.see("1 decided, 1 no longer waiting, 0 in review still")
        assert screen.ended() == 0
    assert kept(bills)[-1] == (B, "", "document", "reject", "not ours")


@pytest.mark.slow
def test_rows_left_out_are_shown_and_added(project: Project):
    bills = Bills(project)
    bills.plant(bills.outcome("a", lines=LINES[:1]))
    with terminal("review", "p.yaml") as screen:
        screen.see("1 row of the document stands for no item of it")
        screen.see("q quit")
        assert "\x1b[37;41m| Ash beam | 44 |" in screen.raw
        screen.press("c")
        screen.see('/lines, as JSON: {"item": null, "price": null}')
        screen.press('\x15{"item": "Ash beam", "price": 44}\r')
        screen.see("is done: Enter writes it")
        screen.press("\r")
        assert screen.ended() == 0
    assert bills.row()["record"]["lines"] == LINES


@pytest.mark.slow
def test_a_hostile_document_steers_no_terminal(project: Project):
    bills = Bills(project)
    evil = "\x1b]0;hacked\x07\x1b[2J[bold red]x[/] \x9b31m"
    bills.plant(bills.outcome("a", text=f"{evil}\n{TEXT}{evil}", name=evil))
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        assert "[bold red]x[/]" in screen.text
        for steering in ("\x1b]0;", "\x1b[2J", "\x9b", "\x07"):
            assert steering not in screen.raw
        screen.press("q")
        assert screen.ended() == 0


@pytest.mark.slow
def test_the_page_is_served_until_ctrl_c(bills: Bills):
    with terminal("review", "p.yaml", "--page") as screen:
        screen.see("open once: ")
        link = screen.see("\n").strip()
        with pytest.raises(
            urllib.error.HTTPError
        ) as entered:  # where to go on is for a browser with its cookie
            urllib.request.urlopen(link, timeout=10)
        assert entered.value.code == 403
        screen.press("\x03")
        screen.see("2 in review still")
        assert screen.ended() == 0


@pytest.mark.slow
def test_no_review_imports_prefect(bills: Bills):
    commands = [
        ["review", "p.yaml", "--json"],
        ["review", "p.yaml", "--export", "r.csv"],
        ["review", "p.yaml", "--import", "r.csv"],
        ["review", "p.yaml", "--set", A, "total=60"],
        ["review", "p.yaml", "--accept", A],
        ["review", "--help"],
    ]
    codes, _ = without_prefect(*commands)
    assert codes == [0] * len(commands)


@pytest.mark.slow
def test_a_document_that_has_changed_is_decided_without_its_text(bills: Bills):
    bills.project.documents(a="something else", b=TEXT)
    with terminal("review", "p.yaml") as screen:
        assert "The document has changed since" in screen.see("q quit")
        screen.press("q")
        assert screen.ended() == 0


@pytest.mark.parametrize(("typed", "label"), [("\r", "bill"), ("\x15offer\r", "offer")])
def test_a_label_is_decided_by_a_key(project: Project, typed: str, label: str):
    letters = Letters(project)
    letters.plant()
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        screen.press("l")
        screen.see("classify, one of bill, offer, other = bill")
        screen.press(typed)
        screen.see("Enter writes it")
        screen.press("\r")
        assert screen.ended() == 0
    assert [(row["status"], row["label"]) for row in [letters.results()[0]]] == [("done", label)]


def test_a_document_without_a_label_says_so(bills: Bills):
    with terminal("review", "p.yaml") as screen:
        screen.see("q quit")
        screen.press("l")
        screen.see("no step has given this document a label")
        screen.press("q")
        assert screen.ended() == 0
