"""Deciding what is open: accepted, corrected, rejected, and what becomes of the outcome and its typed row."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.review import Review, opened
from docmill.schemas.document import Unread
from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.decisions import Deciding
from tests.support.project import Project
from tests.support.reviewing import LINES, TEXT, TRUE, Bills

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
ADA = Person("ada", AT)
A = "in/a.txt"


@pytest.fixture
def bills(project: Project, database: str) -> Bills:
    return Bills(project, database)


def decide(bills: Bills, *said: Said, document: str = A) -> Any:
    with opened(bills.declared, None) as review:
        [decided] = review.decide({document: said}, ADA)
        return decided


def points(bills: Bills, document: str = A) -> list[tuple[str, str]]:
    with opened(bills.declared, None) as review:
        return [(each.name, each.wrong) for each in review.case(document).points]


def typed(bills: Bills) -> list[Any]:
    engine = create_engine(bills.plan.into.url)
    with engine.connect() as connection:
        rows = connection.execute(text("select document_id, name, total from p__bill order by 1")).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_documents_are_held_in_one_order_whatever_the_order_they_are_decided_in(
    bills: Bills, monkeypatch: pytest.MonkeyPatch
):
    for name in "abc":
        bills.plant(bills.outcome(name, name="Eve"))
    held: list[str] = []
    outcome = Deciding.outcome

    def noted(deciding: Deciding, document: str) -> Any:
        held.append(document)
        return outcome(deciding, document)

    monkeypatch.setattr(Deciding, "outcome", noted)
    with opened(bills.declared, None) as review:
        review.decide({f"in/{name}.txt": [Said("accept")] for name in "bca"}, ADA)
    assert held == ["in/a.txt", "in/b.txt", "in/c.txt"]


def test_each_doubt_is_a_point_with_what_is_wrong(bills: Bills):
    unread = (Unread(part="page 2", why="it is a scan"),)
    bills.plant(bills.outcome("a", name="Eve", total=61, lines=LINES[:1], unread=unread))
    assert points(bills) == [
        ("/name", "not found in the document"),
        ("/total", "not found in the document"),
        ("/lines", "1 row of the document stands for no item of it"),
        ("rule sum", "net and tax make the total"),
        ("unread page 2", "it is a scan"),
    ]
    with opened(bills.declared, None) as review:
        [case] = review.waiting()
    assert [each.value for each in case.points] == [
        "Eve",
        61,
        LINES[:1],
        {"net": 51, "tax": 9, "total": 61},
        None,
    ]
    assert case.points[2].quote == "| Ash beam | 44 |"


def test_the_last_point_decided_makes_the_document_done_with_its_typed_row(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", total=61))
    assert decide(bills, Said("correct", "/name", text="Ada Ltd")).status == "review"
    row = bills.row()
    assert (row["status"], row["record"]["name"], row["reviewed_at"]) == ("review", "Eve", None)
    assert typed(bills) == []
    assert decide(bills, Said("correct", "total", text="60")).status == "done"
    row = bills.row()
    assert (row["status"], row["error"], row["record"]) == ("done", None, TRUE)
    assert row["reviewed_at"].replace(tzinfo=UTC) == AT
    assert row["steps"]["extract"]["status"] == "done"
    assert row["steps"]["extract"]["output"] == TRUE
    assert "doubts" not in row["steps"]["extract"]
    assert row["broken_rules"] == []
    assert typed(bills) == [(A, "Ada Ltd", 60.0)]
    by_path = {each["path"]: each for each in row["evidence"]}
    assert by_path["name"]["start"] is None  # a person's word, not the document's
    assert TEXT[by_path["net"]["start"] : by_path["net"]["end"]] == "51"


def test_accepting_all_keeps_a_decision_for_each_point(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", total=61, lines=LINES[:1]))
    assert decide(bills, Said("accept", note="as the client says")).status == "done"
    results = bills.results()
    kept = list(results.every_decision())
    results.close()
    assert [(each.path, each.about, each.decision, each.by, each.note) for each in kept] == [
        ("/name", "value", "accept", "ada", "as the client says"),
        ("/total", "value", "accept", "ada", "as the client says"),
        ("/lines", "missing", "accept", "ada", "as the client says"),
        ("", "rule sum", "accept", "ada", "as the client says"),
    ]
    assert [(each.before, each.after) for each in kept[:2]] == [("Eve", "Eve"), (61, 61)]
    assert all(each.at == AT for each in kept)
    assert typed(bills) == [(A, "Eve", 61.0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("/total", "sixty", 'total: must be number, not "sixty"'),
        ("/on", "31 January", "has not the format date"),
        ("/colour", "red", 'property "colour" is not allowed'),
        ("/lines/0/colour", "red", "lines[0]: property"),
        ("/lines/7", "{}", "nothing that holds this place"),
        ("/lines/x", "{}", "is no number of an item"),
        ("/name/first", "Ada", "holds no 'first'"),
        ("/net", "50", "rule sum: net and tax make the total"),
        ("/name", "\x00", "U+0000"),
    ],
)
def test_a_bad_correction_is_refused_with_its_fault_and_nothing_is_kept(
    bills: Bills, path: str, value: str, said: str
):
    bills.plant(bills.outcome("a", name="Eve"))
    with pytest.raises(ConfigError) as refused:
        decide(bills, Said("correct", "/name", text="Ada Ltd"), Said("correct", path, text=value))
    assert said in str(refused.value)
    assert refused.value.at == 1
    results = bills.results()
    assert list(results.every_decision()) == []
    results.close()
    assert bills.row()["status"] == "review"


def test_corrections_that_keep_a_rule_only_together_are_taken_together(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    said = [Said("correct", "net", text="50"), Said("correct", "tax", text="10")]
    assert decide(bills, *said, Said("accept")).status == "done"
    assert bills.row()["record"]["net"] == 50


def test_a_text_that_looks_like_a_number_stays_one_where_the_schema_wants_a_text(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "name", text="4711"))
    assert bills.row()["record"]["name"] == "4711"


def test_a_rejected_document_waits_no_longer_and_fills_no_table(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"), bills.outcome("b"))
    assert typed(bills) == [("in/b.txt", "Ada Ltd", 60.0)]
    for document in (A, "in/b.txt"):
        assert not decide(bills, Said("reject", note="not ours"), document=document).is_waiting
    assert typed(bills) == []
    assert (bills.row()["status"], bills.row()["reviewed_at"] is None) == ("review", False)
    with opened(bills.declared, None) as review:
        assert review.waiting() == []


def test_a_rejected_document_that_is_decided_after_all_is_done(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("reject"))
    assert decide(bills, Said("accept")).status == "done"
    assert typed(bills) == [(A, "Eve", 60.0)]


def test_a_wrong_value_of_a_document_that_is_done_can_be_corrected(bills: Bills):
    bills.plant(bills.outcome("a"))
    assert decide(bills, Said("correct", "name", text="Invoice")).status == "done"
    assert typed(bills) == [(A, "Invoice", 60.0)]
    assert decide(bills, Said("correct", "name", text="Ada Limited")).status == "done"
    assert bills.row()["record"]["name"] == "Ada Limited"
    results = bills.results()
    assert [(each.before, each.after) for each in results.every_decision()] == [
        ("Ada Ltd", "Invoice"),
        ("Invoice", "Ada Limited"),
    ]
    results.close()


def test_as_many_items_added_as_rows_were_left_out_decide_the_list(bills: Bills):
    bills.plant(bills.outcome("a", lines=[]))
    assert (
        decide(bills, Said("correct", "/lines/-", text='{"item": "Oak board", "price": 7}')).status
        == "review"
    )
    assert (
        decide(bills, Said("correct", "/lines/-", text='{"item": "Ash beam", "price": 44}')).status == "done"
    )
    assert bills.row()["record"]["lines"] == LINES


def test_a_decision_is_taken_back_while_the_document_waits(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", on="2023-01-01"))
    decide(bills, Said("accept", "/name"))
    with opened(bills.declared, None) as review:
        [case] = review.waiting()
        assert [each.name for each in case.points] == ["/on"]
        review.take_back(case.holding.decisions[-1], ADA)
        assert [each.name for each in review.case(A).points] == ["/name", "/on"]


def test_decided_twice_in_the_same_way_is_decided_once(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve", on="2023-01-01"))
    same = [Said("accept", "/name", seen="Eve"), Said("correct", "/on", text="2024-01-31")]
    assert decide(bills, *same).kept == 2
    assert decide(bills, *same).kept == 0
    assert decide(bills, Said("reject")).kept == 1
    assert decide(bills, Said("reject")).kept == 0


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (Said("accept", "/total"), "'/total' is not open; open are /name"),
        (Said("accept", "/name", seen="Bob"), "export again"),
        (Said("correct", "nowhere.at.all", text="1"), "nothing that holds this place"),
    ],
)
def test_what_cannot_be_decided_is_told(bills: Bills, said: Said, wrong: str):
    bills.plant(bills.outcome("a", name="Eve"))
    with pytest.raises(ConfigError, match=wrong):
        decide(bills, said)


def test_what_is_not_in_review_or_done_is_not_decided(bills: Bills):
    bills.plant(bills.outcome("a").model_copy(update={"status": "invalid"}))
    with pytest.raises(ConfigError, match="is invalid: only what is in review or done"):
        decide(bills, Said("accept"))


def test_one_refused_document_leaves_all_of_them_undecided(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"), bills.outcome("b", name="Eve"))
    with opened(bills.declared, None) as review, pytest.raises(ConfigError):
        review.decide({A: [Said("accept")], "in/b.txt": [Said("correct", "total", text="x")]}, ADA)
    assert bills.row()["status"] == "review"


def test_a_document_is_found_by_its_id_or_by_its_name(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    with opened(bills.declared, None) as review:
        assert [review.document(each) for each in (A, "a.txt")] == [A, A]
        with pytest.raises(ConfigError, match=r"there is no document 'a.tx'"):
            review.document("a.tx")


def test_an_earlier_versions_outcome_has_its_points_read_off_its_columns(bills: Bills):
    outcome = bills.outcome("a", name="Eve", total=61, lines=LINES[:1])
    old = {step: told.model_copy(update={"doubts": None}) for step, told in outcome.steps.items()}
    bills.plant(outcome.model_copy(update={"steps": old}))
    assert [name for name, _ in points(bills)] == ["/name", "/total", "/lines", "rule sum"]
    bare = {"evidence": None, "missing": None, "broken_rules": None, "error": "two items on one row"}
    bills.plant(outcome.model_copy(update={"steps": old, **bare}))
    assert points(bills) == [("record", "two items on one row")]
    assert decide(bills, Said("accept")).status == "done"


def _review(review: Review) -> int:
    return len(review.waiting())


def test_nothing_is_opened_where_no_run_has_been(bills: Bills):
    with pytest.raises(ConfigError, match="holds no results of p"), opened(bills.declared, None) as review:
        _review(review)


def test_a_run_leaves_what_was_decided_while_it_held_the_document(bills: Bills):
    doubtful = bills.outcome("a", name="Eve")
    bills.plant(doubtful)
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    assert bills.row()["status"] == "done"
    bills.plant(doubtful)  # which was begun before that decision
    assert (bills.row()["status"], bills.row()["record"]["name"]) == ("done", "Ada Ltd")
    assert typed(bills) == [(A, "Ada Ltd", 60)]


def test_what_was_rejected_can_be_taken_up_again(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    decide(bills, Said("reject"))
    assert bills.row()["reviewed_at"] is not None
    assert bills.row()["status"] == "review"
    assert decide(bills, Said("accept")).status == "done"


def test_a_decision_of_a_document_that_somebody_finished_is_not_taken_back(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("accept"))
    with opened(bills.declared, None) as review:
        [*_, last] = review.case(A).decisions
        with pytest.raises(ConfigError, match="is done by now: correct it instead"):
            review.take_back(last, ADA)
    assert bills.row()["status"] == "done"


def test_decisions_of_more_documents_than_one_query_takes_are_given(bills: Bills):
    bills.plant(bills.outcome("a", name="Eve"))
    decide(bills, Said("correct", "/name", text="Ada Ltd"))
    results = bills.results()
    found = results.decisions([*(f"in/{number}.txt" for number in range(70_000)), A])
    results.close()
    assert [each.after for each in found[A]] == ["Ada Ltd"]


def test_what_was_changed_while_it_was_decided_is_decided_anew(bills: Bills, monkeypatch: pytest.MonkeyPatch):
    bills.plant(bills.outcome("a", name="Eve"))
    others = [bills.outcome("a", name="Bob"), bills.outcome("a", name="Eve", total=61)]
    with opened(bills.declared, None) as review:
        read = review.case

        def meanwhile(document_id: str) -> Any:
            case = read(document_id)
            if others:
                bills.plant(others.pop())
            return case

        monkeypatch.setattr(review, "case", meanwhile)
        [decided] = review.decide({A: [Said("correct", "/name", text="Ada Ltd")]}, ADA)
    assert decided.status == "done"
    assert bills.row()["record"] == TRUE
    assert [each[2] for each in typed(bills)] == [60.0]


def test_another_writer_does_not_wait_while_hundreds_of_points_are_decided(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve"), bills.outcome("b"))
    computed = []
    with opened(bills.declared, None) as review:
        read = review.case

        def writing(document_id: str) -> Any:
            bills.plant(bills.outcome("b", name="Bob"))  # SQLite has one writer at a time
            computed.append(document_id)
            return read(document_id)

        monkeypatch.setattr(review, "case", writing)
        review.decide({A: [Said("accept", "/name")]}, ADA)
    assert computed == [A]
    assert bills.row("b")["record"]["name"] == "Bob"
