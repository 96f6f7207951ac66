"""A label in review: corrected and accepted as values are, carried into later runs, and what it decides."""

from pathlib import Path
from typing import Any

import pytest

from docmill.flows.pipeline.file import load
from docmill.flows.review.deciding import Said
from docmill.flows.review.review import opened
from docmill.flows.run.labels import as_decided
from docmill.schemas.decision import Decision, Doubt
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import StepOutcome
from tests.support.labelling import ADA, BY, NAME, RECORD, SPLIT, A, Letters
from tests.support.project import Project


@pytest.fixture
def letters(project: Project, database: str) -> Letters:
    return Letters(project, url=database)


def test_a_label_that_is_corrected_is_the_outcomes_and_the_decision_is_kept(letters: Letters):
    letters.plant()
    assert letters.decide(Said("correct", NAME, text="offer")).status == "done"
    row, [kept] = letters.results()
    assert (row["status"], row["label"], row["error"]) == ("done", "offer", None)
    assert {key: row["steps"]["classify"][key] for key in ("output", "given", "status")} == {
        "output": "offer",
        "given": "bill",
        "status": "done",
    }
    assert (kept.step, kept.path, kept.decision, kept.before, kept.after) == (
        "classify",
        "",
        "correct",
        "bill",
        "offer",
    )


def test_a_label_that_nothing_is_wrong_with_can_be_corrected_too(letters: Letters):
    letters.plant(doubts=())
    assert letters.decide(Said("correct", NAME, text="offer")).status == "done"
    assert letters.results()[0]["label"] == "offer"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (NAME, "letter", 'must be one of "bill", "offer", "other", not "letter"'),
        ("classify:/total", "3", "classify has a label alone: write classify:label"),
    ],
)
def test_what_is_no_label_of_the_step_is_refused(letters: Letters, name: str, text: str, said: str):
    letters.plant()
    with pytest.raises(ConfigError, match=said):
        letters.decide(Said("correct", name, text=text))
    assert letters.results()[1] == []


@pytest.mark.parametrize("doubts", [(SPLIT,), ()], ids=["split", "sure"])
@pytest.mark.parametrize("name", [NAME, None], ids=["by name", "with the document"])
def test_a_label_is_accepted_by_its_name_or_with_the_document(
    letters: Letters, name: str | None, doubts: tuple[Doubt, ...]
):
    letters.plant(doubts=doubts)
    assert letters.decide(Said("accept", name)).status == "done"
    row, [kept] = letters.results()
    assert (row["label"], kept.decision, kept.after) == ("bill", "accept", "bill")
    assert letters.decide(Said("accept", name)).kept == 0


def test_an_export_names_the_label_and_the_file_decides_it(letters: Letters):
    letters.plant()
    pipeline, file = str(letters.file), Path("review.csv")
    assert letters.project.run("review", pipeline, "--export", str(file)) == 0
    written = file.read_text()
    assert f'"{A}","{NAME}","bill"' in written
    file.write_text(written.replace(',"","",""', ',"correct","offer",""'))
    assert letters.project.run("review", pipeline, "--import", str(file)) == 0
    assert letters.results()[0]["label"] == "offer"
    assert letters.project.run("review", pipeline, "--import", str(file)) == 0
    assert len(letters.results()[1]) == 1


def test_an_earlier_versions_export_names_it_by_its_votes(letters: Letters):
    letters.plant()
    file = Path("review.csv")
    file.write_text(f"document,path,decision,corrected\n{A},classify:votes,correct,offer\n")
    assert letters.project.run("review", str(letters.file), "--import", str(file)) == 0
    assert letters.results()[0]["label"] == "offer"


def test_a_script_corrects_it(letters: Letters):
    letters.plant()
    assert letters.project.run("review", str(letters.file), "--set", A, f"{NAME}=other") == 0
    assert letters.results()[0]["label"] == "other"


def test_a_label_by_which_a_record_is_asked_leaves_the_document_to_the_next_run(
    project: Project, database: str, capfd: pytest.CaptureFixture[str]
):
    letters = Letters(project, BY, database)
    letters.plant(label="bill", record=RECORD, doubts=())
    assert project.run("review", str(letters.file), "--set", A, f"{NAME}=other") == 0
    assert "the next run asks extract by the decided label" in capfd.readouterr().out
    row, _ = letters.results()
    assert (row["status"], row["label"], row["record"], row["reviewed_at"]) == (
        "deferred",
        "other",
        None,
        None,
    )
    assert row["error"] == "classify is decided as other: the next run goes on by it"
    assert (row["steps"]["extract"]["status"], row["steps"]["extract"]["output"]) == ("deferred", None)


def test_a_label_that_asks_for_the_same_leaves_the_record_as_it_is(project: Project, database: str):
    letters = Letters(project, BY, database)
    letters.plant(label="bill", record=RECORD, doubts=())
    assert letters.decide(Said("correct", NAME, text="offer")).status == "done"
    assert letters.results()[0]["record"] == RECORD


def test_a_person_is_asked_before_a_document_is_left_to_the_next_run(project: Project):
    letters = Letters(project, BY)
    letters.plant(label="other")
    with opened(load(letters.file), None) as review:
        case = review.case(A)
        told = Decision(
            document_id=A,
            content_sha256="c",
            step="classify",
            path="",
            about="value",
            decision="correct",
            before="other",
            after="bill",
            by="ada",
            at=ADA.at,
        )
        assert case.with_decisions([told]).end == "for the next run"


def carried(letters: Letters, label: str, doubts: tuple[Doubt, ...] = ()) -> StepOutcome:
    """Give what a later run makes of its label, by what was decided."""
    status: Any = "review" if doubts else "done"
    now = StepOutcome(status=status, sha256="s", output=label, doubts=doubts or None)
    return as_decided(letters.plan.steps[0], now, letters.results()[1])


def test_a_later_run_that_chooses_the_same_label_is_corrected_before_other_steps_read_it(letters: Letters):
    letters.plant()
    letters.decide(Said("correct", NAME, text="offer"))
    now = carried(letters, "bill", (SPLIT,))
    assert (now.status, now.output, now.given, now.doubts) == ("done", "offer", "bill", None)
    assert carried(letters, "offer").given is None


def test_another_label_than_the_decided_one_is_told_and_does_not_replace_it(letters: Letters):
    letters.plant()
    letters.decide(Said("accept", NAME))
    now = carried(letters, "other")
    assert (now.status, now.output, now.given) == ("review", "bill", "other")
    assert now.reason == "classify: gives another label than the one decided in review"
    assert [each.about for each in now.doubts or ()] == ["changed"]


def test_a_label_that_the_step_no_longer_has_is_passed_over(letters: Letters):
    letters.plant()
    letters.decide(Said("correct", NAME, text="offer"))
    labels = "  - classify: {labels: {bill: asks for money, other: anything else}}\n"
    now = carried(Letters(letters.project, labels, letters.plan.into.url), "bill")
    assert (now.status, now.output) == ("done", "bill")
