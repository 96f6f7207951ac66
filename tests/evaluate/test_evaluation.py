"""How often the results are right: stored outcomes against a file of labels, without a call."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.evaluate.evaluation import Evaluation, Score, compare
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from tests.support.project import STEPS, Project
from tests.support.provider import Provider

FIELDS = ["name", "count", "on"]


def outcome(document_id: str, label: str | None = "a", status: str = "done", **record: Any) -> dict[str, Any]:
    return {"document_id": document_id, "status": status, "label": label, "record": record or None}


def evaluated(path: Path, truth: str, *outcomes: dict[str, Any]) -> Evaluation:
    file = path / "truth.csv"
    file.write_text(truth, encoding="utf-8")
    return compare(outcomes, file, FIELDS)


def scores(found: Evaluation) -> dict[str, tuple[int, int, int]]:
    return {
        name: (score.right, score.wrong, score.missing)
        for name, score in {"": found.label, **found.labels, **found.fields}.items()
    }


def test_labels_are_counted_each_and_all_together(tmp_path: Path):
    found = evaluated(
        tmp_path,
        "document,label\n1,a\n2,a\n3,a\n4,b\n5,b\n",
        outcome("1", "a"),
        outcome("2", "b"),
        outcome("3", "a", status="review"),
        outcome("4", "b"),
    )
    assert scores(found) == {"": (3, 1, 1), "a": (2, 1, 0), "b": (1, 0, 1)}
    assert found.label.accuracy == 0.75
    assert found.labels["a"].accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("status", ["failed", "deferred", "invalid", "refused"])
def test_a_document_without_a_good_outcome_is_missing_not_wrong(tmp_path: Path, status: str):
    found = evaluated(tmp_path, "document,label,name\n1,a,Ada\n", outcome("1", "b", status, name="Eve"))
    assert scores(found) == {"": (0, 0, 1), "a": (0, 0, 1), "name": (0, 0, 1)}
    assert found.label.accuracy is None


def test_an_empty_cell_asks_nothing(tmp_path: Path):
    found = evaluated(tmp_path, "document,label,name\n1,,Ada\n2,a, \n", outcome("1"), outcome("2", name="x"))
    assert scores(found) == {"": (1, 0, 0), "a": (1, 0, 0), "name": (0, 1, 0)}


@pytest.mark.parametrize(
    ("value", "cell", "right"),
    [
        ("Ada", "Ada", True),
        (" Ada\n", " Ada ", True),
        ("Ada", "ada", False),
        ("12", "12", True),
        (12, "12", True),
        (12, "12.0", True),
        (12.5, "12.50", True),
        (12, "13", False),
        (12, "twelve", False),
        (True, "true", True),
        (True, "1", False),
        (1, "true", False),
        (None, "null", True),
        (None, "Ada", False),
        (0, "null", False),
        (["x", "y"], '"[""x"", ""y""]"', True),
        ({"a": 1, "b": 2}, '"{""b"": 2, ""a"": 1}"', True),
    ],
)
def test_a_field_is_right_where_it_is_exactly_the_cell(tmp_path: Path, value: Any, cell: str, right: bool):
    """Text as it stands, all else as JSON."""
    found = evaluated(tmp_path, f"document,name\n1,{cell}\n", outcome("1", name=value))
    assert scores(found)["name"] == (int(right), int(not right), 0)


def test_a_field_that_the_record_lacks_is_wrong(tmp_path: Path):
    found = evaluated(
        tmp_path, "document,name\n1,Ada\n2,Ada\n", outcome("1", count=1), outcome("2", status="review")
    )
    assert scores(found)["name"] == (0, 2, 0)


def test_a_document_is_named_by_its_id_or_a_file_name_of_its_own(tmp_path: Path):
    found = evaluated(
        tmp_path,
        "document,label\nin/1.txt,a\n2.txt,a\nfile:///abs/3.txt,a\n/1.txt,a\n",
        outcome("in/1.txt"),
        outcome("in/2.txt"),
        outcome("file:///abs/3.txt"),
    )
    assert scores(found)[""] == (3, 0, 1)


def test_a_file_name_that_several_documents_have_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        evaluated(tmp_path, "document,label\n1.txt,a\n", outcome("in/1.txt"), outcome("out/1.txt"))
    assert str(caught.value) == (
        f"{tmp_path}/truth.csv:2: '1.txt' may be in/1.txt or out/1.txt: write the document_id"
    )


def test_a_document_id_that_is_another_documents_file_name_is_itself(tmp_path: Path):
    found = evaluated(tmp_path, "document,label\n1.txt,a\n", outcome("1.txt", "a"), outcome("in/1.txt", "b"))
    assert scores(found)[""] == (1, 0, 0)


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("document,lable\n", ":1: 'lable' is no field of a record; did you mean label?"),
        ("document,coutn\n", ":1: 'coutn' is no field of a record; did you mean count?"),
        (
            "document,total\n",
            ":1: 'total' is no field of a record; known: label, name, count, on",
        ),
        ("file,label\n", ":1: there is no column 'document': columns are file, label"),
        ("document,label,label\n", ":1: the column 'label' stands twice"),
        ("document,label\n1,a\n2,a,b\n", ":3: the row has not 2 cells"),
        ("document,label\n1\n", ":2: the row has not 2 cells"),
        ('document,label\n1,"a\n', ": not a CSV file in UTF-8: unexpected end of data"),
    ],
)
def test_what_is_no_file_of_labels_is_refused_with_its_place(tmp_path: Path, truth: str, said: str):
    with pytest.raises(ConfigError) as caught:
        evaluated(tmp_path, truth)
    assert str(caught.value) == f"{tmp_path}/truth.csv{said}"


def test_a_file_of_labels_may_have_a_byte_order_mark(tmp_path: Path):
    found = evaluated(tmp_path, "\ufeffdocument,label\r\n1,ä\r\n", outcome("1", "ä"))
    assert scores(found)[""] == (1, 0, 0)


def test_a_missing_file_of_labels_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none.csv: cannot be read: No such file or directory$"):
        compare([], tmp_path / "none.csv", FIELDS)


def test_scores_add_up():
    assert Score(right=1, wrong=2, missing=3) + Score(right=10) == Score(right=11, wrong=2, missing=3)


@pytest.fixture
def stored(project: Project, provider: Provider) -> Project:
    """Give a project with three stored outcomes, of which one has the wrong label, and the truth."""
    project.pipeline(provider.url, STEPS)
    results = Results.open(Into(url="sqlite:///results.db"), "p", {})
    run = Run(
        run_id="r",
        pipeline="p",
        pipeline_sha256="s",
        endpoint=provider.url,
        model="m",
        started_at=datetime.now(UTC),
    )
    results.begin(run)
    results.write([*found()], "r", "s")
    results.close()
    (project.root / "truth.csv").write_text(
        "document,label,name\n1.txt,a,Ada\n2.txt,a,\n3.txt,b,\n4.txt,b,\n"
    )
    return project


def found() -> Iterable[Outcome]:
    for number, label in enumerate(("a", "b", "b"), 1):
        yield Outcome(
            document_id=f"in/{number}.txt",
            uri=f"file:///in/{number}.txt",
            content_sha256="c",
            status="done",
            label=label,
            record={"name": "Ada"},
        )


def test_the_command_tells_scripts_all_scores(
    stored: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv", "--json") == 0
    assert json.loads(capfd.readouterr().out) == {
        "label": {"right": 2, "wrong": 1, "missing": 1, "accuracy": 2 / 3},
        "labels": {
            "a": {"right": 1, "wrong": 1, "missing": 0, "accuracy": 0.5},
            "b": {"right": 1, "wrong": 0, "missing": 1, "accuracy": 1.0},
        },
        "fields": {"name": {"right": 1, "wrong": 0, "missing": 0, "accuracy": 1.0}},
    }
    assert provider.requests == []


def test_the_command_tells_people_a_table(stored: Project, capfd: pytest.CaptureFixture[str]):
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv") == 0
    assert [line.split() for line in capfd.readouterr().out.splitlines()] == [
        ["right", "wrong", "missing", "accuracy"],
        ["label", "a", "1", "1", "0", "50", "%"],
        ["label", "b", "1", "0", "1", "100", "%"],
        ["all", "labels", "2", "1", "1", "67", "%"],
        ["field", "name", "1", "0", "0", "100", "%"],
        ["all", "fields", "1", "0", "0", "100", "%"],
    ]


@pytest.mark.parametrize(("least", "code"), [("0.6", 0), ("0.67", 1), ("1", 1), ("0", 0)])
def test_the_command_fails_below_the_least_label_accuracy(stored: Project, least: str, code: int):
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv", "--min", least) == code


def test_nothing_found_is_below_any_least_accuracy(stored: Project):
    Path("truth.csv").write_text("document,label\nelsewhere.txt,a\n")
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv", "--min", "0.01") == 1
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv") == 0


def test_without_results_the_command_says_what_to_do(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.pipeline(provider.url)
    Path("truth.csv").write_text("document,label\n1.txt,a\n")
    assert project.run("evaluate", "p.yaml", "--labels", "truth.csv") == 2
    assert "results.db holds no results of p: `docmill run` it first" in capfd.readouterr().err
    assert not Path("results.db").exists()


def test_another_pipelines_results_are_not_evaluated(stored: Project):
    file = stored.root / "p.yaml"
    file.write_text(file.read_text().replace("name: p", "name: q"))
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv") == 2


def test_the_results_are_read_from_where_the_option_says(stored: Project):
    Path("results.db").rename("moved.db")
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv") == 2
    assert stored.run("evaluate", "p.yaml", "--labels", "truth.csv", "--into", "sqlite:///moved.db") == 0
