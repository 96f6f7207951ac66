"""Examples of reviews: always the same documents, which stay as long as nothing of them is decided again."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.review.deciding import Person, Said
from docmill.flows.review.review import opened
from docmill.schemas.example import Example
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.examples import Chosen, Reviewed
from tests.support.labelling import RECORD, Letters
from tests.support.project import Project
from tests.support.reviewing import TEXT, TRUE, Bills

PERSON = Person("ada", datetime(2026, 5, 4, 12, tzinfo=UTC))
STEPS = "  - extract: {schema: bill, examples_from_reviews: 2}\n"
NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def bills(project: Project, database: str) -> Bills:
    return Bills(project, database, STEPS)


def review(bills: Bills, *names: str, value: str = "Ada Ltd") -> None:
    """Have documents that a run gave a wrong name corrected by a person."""
    bills.plant(*(bills.outcome(name, f"{TEXT}\nNo. {name}\n", name="Eve") for name in names))
    correct(bills, *names, value=value)


def correct(bills: Bills, *names: str, value: str) -> None:
    with opened(bills.declared, None) as found:
        found.decide({f"in/{name}.txt": [Said("correct", "/name", text=value)] for name in names}, PERSON)


def planned(bills: Bills) -> Plan:
    return resolve(bills.declared)


def run(bills: Bills) -> Plan:
    """Begin a run as far as its examples are kept."""
    plan = planned(bills)
    results = bills.results()
    results.keep_examples(plan.examples)
    results.close()
    return plan


def shown(plan: Plan) -> list[Example]:
    examples = plan.steps[0].options.examples
    assert not isinstance(examples, str)
    return list(examples)


def documents(plan: Plan) -> set[str]:
    return {each.of.document_id for each in plan.examples}


def test_without_results_or_decisions_there_are_none(project: Project):
    bills = Bills(project, steps=STEPS)
    assert planned(bills).examples == ()
    assert not Path("results.db").exists()
    bills.plant(bills.outcome("a"))
    assert shown(planned(bills)) == []


def test_a_document_that_a_person_brought_to_done_is_shown_with_what_was_decided(bills: Bills):
    review(bills, "a")
    bills.plant(bills.outcome("b"), bills.outcome("c", name="Eve"))  # done by itself, and open
    [example] = shown(planned(bills))
    assert example.document == f"{TEXT}\nNo. a"
    assert example.record == TRUE


def test_the_same_documents_are_chosen_at_every_run_and_no_more_than_asked_for(bills: Bills):
    review(bills, *NAMES)
    first = planned(bills)
    assert len(documents(first)) == 2
    assert (planned(bills).sha256, documents(planned(bills))) == (first.sha256, documents(first))


def test_what_was_chosen_stays_where_others_are_decided(bills: Bills):
    review(bills, "a", "b")
    first = run(bills)
    review(bills, *NAMES[2:])
    assert planned(bills).sha256 == first.sha256
    for name in ("a", "b"):
        Path(f"in/{name}.txt").unlink()  # its text is kept beside it
    assert documents(planned(bills)) == {"in/a.txt", "in/b.txt"}


@pytest.mark.slow
@pytest.mark.parametrize("before", [(), ("a",), ("a", "b")])
def test_a_shard_shows_what_its_run_has_kept_whatever_is_decided_meanwhile(
    bills: Bills, before: tuple[str, ...]
):
    bills.plant(bills.outcome("e"))
    if before:
        review(bills, *before)
    first = run(bills)
    review(bills, "c", "d")
    for name in before:
        correct(bills, name, value="Ada")
    assert planned(bills).sha256 != first.sha256
    shard = resolve(bills.declared, RunOptions(as_kept=True))
    assert (shard.sha256, shown(shard)) == (first.sha256, shown(first))


def test_what_is_decided_again_is_chosen_anew(bills: Bills):
    review(bills, "a", "b")
    first = run(bills)
    correct(bills, "a", value="Ada")
    again = planned(bills)
    assert sorted(each.record["name"] for each in shown(again) if each.record) == ["Ada", "Ada Ltd"]
    assert again.steps[0].sha256 != first.steps[0].sha256


def test_a_document_that_has_changed_since_is_passed_over(bills: Bills):
    review(bills, "a", "b")
    Path("in/a.txt").write_text("another text")
    assert documents(planned(bills)) == {"in/b.txt"}


def test_a_document_that_is_too_long_to_be_shown_as_a_whole_is_passed_over(bills: Bills):
    review(bills, "a")
    bills.plant(bills.outcome("b", TEXT + "x" * 12_000, name="Eve"))
    correct(bills, "b", value="Ada Ltd")
    assert documents(planned(bills)) == {"in/a.txt"}


def test_a_record_that_the_schema_no_longer_takes_is_passed_over(bills: Bills):
    review(bills, "a")
    run(bills)
    bills.project.schema(
        "bill",
        {
            "name": "record_bill",
            "description": "Record a bill",
            "parameters": {"type": "object", "properties": {"name": {"type": "integer"}}},
        },
    )
    assert planned(bills).examples == ()


BOTH = "  - classify: {labels: {bill: b, offer: o}, examples_from_reviews: 2}\n  - extract: {schema: bill}\n"


@pytest.fixture
def letters(project: Project, database: str) -> Letters:
    letters = Letters(project, BOTH, database)
    letters.plant(record=RECORD, doubts=(), content_sha256=sha256(b"Ada Ltd, 60").hexdigest())
    return letters


def test_a_label_that_nobody_decided_is_no_example_though_its_document_was_reviewed(letters: Letters):
    letters.decide(Said("correct", "/name", text="Ada"))
    assert shown(resolve(load(letters.file))) == []


@pytest.mark.parametrize("said", [Said("correct", "classify:label", text="offer"), Said("accept")])
def test_a_label_that_was_decided_is_an_example(letters: Letters, said: Said):
    letters.decide(said)
    [example] = shown(resolve(load(letters.file)))
    assert (example.document, example.label) == ("Ada Ltd, 60", said.text or "bill")


def test_an_undecided_label_that_an_earlier_version_has_chosen_is_shown_no_more(letters: Letters):
    letters.decide(Said("correct", "/name", text="Ada"))
    example = Example(document="Ada Ltd, 60", label="bill")
    _, [made] = letters.results()
    results = ReviewedResults.reopen(letters.plan.into, "p", letters.plan.typed())
    of = Reviewed(made.document_id, str(made.content_sha256), 1)
    results.keep_examples([Chosen("classify", "document", of, example)])
    results.close()
    assert shown(resolve(load(letters.file))) == []
