"""`docmill evaluate` as a gate: labels of the pipeline's own, what was accepted, what has changed, exit 1."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.money import money
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from tests.support.project import STEPS, Project

Printed = pytest.CaptureFixture[str]
GATE = "{labels: truth.csv, min_label: 0.5, min_field: 0.5, no_worse_than: accepted}"
TRUE = [("a", "Ada"), ("a", "Bob"), ("b", "Cid"), ("b", "Dan")]


def store(
    answers: Sequence[tuple[str, str] | None],
    run_id: str,
    pipeline: str = "p",
    into: str = "results.db",
    **more: Any,
) -> None:
    """Store what a run has answered: label and name of each document, or nothing."""
    results = Results.open(Into(url="sqlite:///results.db"), pipeline, {})
    begun = datetime.now(UTC) - timedelta(minutes=3)
    common: dict[str, Any] = {"pipeline_sha256": "s", "endpoint": "e", "model": more.pop("model", "m")}
    run = Run(run_id=run_id, pipeline=pipeline, started_at=begun, **common)
    results.begin(run)
    results.end(run.model_copy(update={"state": "complete", "ended_at": begun + timedelta(minutes=1.5)}))
    outcomes = [
        Outcome(
            document_id=f"in/{number}.txt",
            uri="u",
            content_sha256="c",
            status="done" if answer else "failed",
            label=answer[0] if answer else None,
            record={"name": answer[1]} if answer else None,
            **more,
        )
        for number, answer in enumerate(answers, 1)
    ]
    results.write(outcomes, run_id, "s")
    results.close()


@pytest.fixture
def gated(project: Project) -> Project:
    """Give a project whose pipeline has a gate, and results that are right."""
    project.pipeline("http://127.0.0.1:9/v1", STEPS, evaluate=GATE)
    rows = [f"{number}.txt,{label},{name}" for number, (label, name) in enumerate(TRUE, 1)]
    Path("truth.csv").write_text("\n".join(["document,label,name", *rows, ""]))
    store(TRUE, "r1")
    return project


def test_labels_stand_in_the_pipeline(gated: Project, capfd: Printed):
    assert gated.run("evaluate", "p.yaml", "--accept", "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert found["label"]["accuracy"] == found["fields"]["name"]["accuracy"] == 1.0


def test_without_labels_the_command_says_what_to_do(project: Project, capfd: Printed):
    project.pipeline("http://127.0.0.1:9/v1", STEPS)
    store(TRUE, "r1")
    assert project.run("evaluate", "p.yaml") == 2
    assert (
        "--labels: name a file of labels, or write `evaluate: {labels: FILE}` into p.yaml"
        in capfd.readouterr().err
    )


def test_nothing_accepted_is_a_reason_until_something_is(gated: Project, capfd: Printed):
    assert gated.run("evaluate", "p.yaml") == 1
    assert "p.yaml: no_worse_than: nothing is accepted yet" in capfd.readouterr().err
    assert gated.run("evaluate", "p.yaml", "--accept") == 0
    assert "accepted: p.yaml" in capfd.readouterr().err
    assert gated.run("evaluate", "p.yaml") == 0
    assert capfd.readouterr().err == ""


def test_what_is_worse_than_accepted_exits_with_1_and_says_why(gated: Project, capfd: Printed):
    assert gated.run("evaluate", "p.yaml", "--accept") == 0
    store([("a", "Ada"), ("a", "Bob"), ("b", "Cid"), ("a", "Dan")], "r2")
    capfd.readouterr()
    assert gated.run("evaluate", "p.yaml", "--against", "accepted") == 1
    printed = capfd.readouterr()
    assert "p.yaml: label: 75 % after 100 % (-25.0 [" in printed.err
    rows = [line.split() for line in printed.out.splitlines()]
    assert ["4", "documents", "in", "both"] in rows
    assert ["nothing", "got", "better"] in rows
    assert ["in/4.txt", "label", "b", "a"] in rows
    assert gated.run("evaluate", "p.yaml", "--accept") == 0  # that is the new measure
    assert gated.run("evaluate", "p.yaml") == 0


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            [("b", "Ada"), ("b", "Bob"), ("a", "Cid"), ("b", "Dan")],
            "labels: 25 % right (1 of 4), below min_label 0.5",
        ),
        (
            [("a", "x"), ("a", "y"), ("b", "z"), ("b", "Dan")],
            "field name: 25 % right (1 of 4), below min_field 0.5",
        ),
        ([None] * 4, "labels: none has an answer, 4 missing, below min_label 0.5"),
    ],
)
def test_what_is_below_what_is_asked_exits_with_1(gated: Project, capfd: Printed, answers: Any, reason: str):
    store(answers, "r2")
    assert gated.run("evaluate", "p.yaml", "--accept", "--json") == 1
    printed = capfd.readouterr()
    assert reason in printed.err
    assert reason in json.loads(printed.out)["reasons"]


def test_the_option_replaces_the_pipelines_least_accuracy(gated: Project):
    store([("b", "Ada"), ("b", "Bob"), ("a", "Cid"), ("b", "Dan")], "r2")
    assert gated.run("evaluate", "p.yaml", "--accept", "--min", "0.25") == 0
    assert gated.run("evaluate", "p.yaml", "--accept", "--min", "0.26") == 1


def test_exported_outcomes_are_what_later_ones_are_held_against(gated: Project, capfd: Printed):
    assert gated.run("export", "p.yaml", "--to", "jsonl") == 0
    Path("before.jsonl").write_text(capfd.readouterr().out)
    store([("a", "Ada"), ("a", "Eve"), ("b", "Cid"), None], "r2")
    gated.run("evaluate", "p.yaml", "--against", "before.jsonl", "--json")
    since = json.loads(capfd.readouterr().out)["against"]
    assert since["documents"] == 4
    assert [(each["document"], each["path"], each["before"], each["after"]) for each in since["worse"]] == [
        ("in/2.txt", "name", "Bob", "Eve"),
        ("in/4.txt", "answer", "done", "failed"),
    ]
    Path("before.jsonl").write_text('{"document_id": "1"}\n')
    assert gated.run("evaluate", "p.yaml", "--against", "before.jsonl") == 2
    assert "before.jsonl:1: not an outcome of `docmill export --to jsonl`" in capfd.readouterr().err


def test_an_earlier_runs_evaluation_is_named_by_its_id(gated: Project, capfd: Printed):
    assert gated.run("evaluate", "p.yaml", "--accept") == 0
    store([("a", "Ada"), ("a", "Bob"), ("b", "Cid"), ("b", "x")], "r2")
    capfd.readouterr()
    gated.run("evaluate", "p.yaml", "--against", "r1", "--json")
    [change] = json.loads(capfd.readouterr().out)["against"]["worse"]
    assert (change["document"], change["wanted"], change["after"]) == ("in/4.txt", "Dan", "x")
    assert gated.run("evaluate", "p.yaml", "--against", "r9") == 2
    assert (
        "--against: there is no file 'r9', and no evaluation of such a run in sqlite:///"
        in capfd.readouterr().err
    )


def test_nothing_accepted_is_nothing_to_compare_with(gated: Project, capfd: Printed):
    assert gated.run("evaluate", "p.yaml", "--against", "accepted") == 2
    assert "--against accepted: nothing is accepted yet" in capfd.readouterr().err


def test_detail_has_precision_confusion_review_and_what_is_wrong(gated: Project, capfd: Printed):
    store([("a", "Ada"), ("b", "Eve"), ("b", "Cid"), ("b", "Dan")], "r2")
    gated.run("evaluate", "p.yaml", "--detail")
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["right", "wrong", "missing", "accuracy", "precision", "recall", "F1"] in rows
    assert ["field", "name", "3", "1", "0", "75", "%", "75", "%", "75", "%", "75", "%"] in rows
    assert ["a", "1", "1"] in rows
    assert ["b", "·", "2"] in rows
    assert ["review", "caught", "0", "of", "1", "documents", "with", "something", "wrong,"] in [
        row[:9] for row in rows
    ]
    assert ["in/2.txt", "label", "a", "b"] in rows
    assert ["in/2.txt", "name", "Bob", "Eve"] in rows
    gated.run("evaluate", "p.yaml", "--detail", "--json")
    found = json.loads(capfd.readouterr().out)
    assert found["fields"]["name"]["f1"] == 0.75
    assert {"wanted": "a", "got": "b", "documents": 1} in found["confusion"]
    assert found["review"] == {"wrong": 1, "caught": 0, "right": 3, "held_back": 0}
    assert [each["path"] for each in found["wrong"]] == ["label", "name"]


def test_what_a_model_wrote_moves_no_cursor(gated: Project, capfd: Printed):
    store([("a", "\x1b[2J[red]Eve[/red]"), ("\x1b]0;x\x07[bold]", "Bob"), ("b", "Cid"), ("b", "Dan")], "r2")
    gated.run("evaluate", "p.yaml", "--detail")
    gated.run("evaluate", "p.yaml", "--accept")
    printed = capfd.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "[red]Eve[/red]" in printed.out


def test_pipelines_stand_side_by_side_with_cost_and_minutes(gated: Project, capfd: Printed):
    text = Path("p.yaml").read_text().replace("name: p", "name: q").replace(GATE, "{labels: truth.csv}")
    Path("q.yaml").write_text(text)
    store(TRUE, "r2", cost_usd=0.5)
    store([("a", "Ada"), ("a", "x"), ("b", "y"), None], "s1", "q", model="n", cost_usd=0.125)
    assert gated.run("evaluate", "p.yaml", "q.yaml") == 1  # p has accepted nothing
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    lines = [" ".join(row) for row in rows]
    assert f"p.yaml m 100 % 100 % 100 % 0 of 0 0 of 4 {money(2.0, estimated=False)} 1.5" in lines
    assert f"q.yaml n 100 % 33.3 % 75 % 0 of 2 0 of 1 {money(0.5, estimated=False)} 1.5" in lines
    gated.run("evaluate", "p.yaml", "q.yaml", "--json")
    first, second = json.loads(capfd.readouterr().out)["pipelines"]
    assert (first["pipeline"], first["cost_usd"], first["minutes"], first["differences"]) == (
        "p.yaml",
        2.0,
        1.5,
        [],
    )
    assert {each["name"] for each in second["differences"]} == {
        "answered",
        "label",
        "all fields",
        "field name",
    }


def test_pipelines_that_keep_their_results_in_one_place_are_refused(gated: Project, capfd: Printed):
    shutil.copy("p.yaml", "copy.yaml")
    assert gated.run("evaluate", "p.yaml", "copy.yaml") == 2
    assert (
        "p.yaml and copy.yaml both keep their results as p in sqlite:///results.db" in capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a pipeline: docmill evaluate PIPELINE --labels FILE"),
        (["p.yaml", "p.yaml", "--accept"], "--accept: takes one pipeline at a time"),
        (["p.yaml", "p.yaml", "--against", "x"], "--against: takes one pipeline at a time"),
        (["p.yaml", "--query", "select 1"], "--query: name its database: --labels URL"),
        (["p.yaml", "--labels", "t.csv", "--query", "select 1"], "--query: --labels t.csv is a file"),
        (["p.yaml", "--labels", "sqlite:///t.db"], "--labels: say which rows of the database: --query"),
    ],
)
def test_what_does_not_go_together_is_refused(
    gated: Project, capfd: Printed, arguments: list[str], said: str
):
    assert gated.run("evaluate", *arguments) == 2
    assert said in capfd.readouterr().err


def test_labels_of_a_table_are_named_by_options(gated: Project, capfd: Printed):
    import sqlite3

    with sqlite3.connect("labels.db") as connection:
        connection.execute("create table t as select '1.txt' as document, 'a' as label, 'Ada' as name")
    connection.close()
    arguments = ["--labels", "sqlite:///labels.db", "--query", "select * from t", "--accept"]
    assert gated.run("evaluate", "p.yaml", *arguments, "--json") == 0
    assert json.loads(capfd.readouterr().out)["label"]["right"] == 1


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("{labels: truth.csv, min_lable: 1}", "unknown key"),
        ("{labels: truth.csv, min_label: 2}", "evaluate.min_label"),
        ("{labels: truth.csv, no_worse_than: last}", "evaluate.no_worse_than"),
        ("{labels: truth.csv, compare: {name: alike}}", "evaluate.compare"),
        ("{min_label: 1}", "evaluate"),
        ("{labels: {url: 'postgresql://u:secret@h/db', query: q}}", "password"),
        ("{labels: none.csv}", "none.csv: cannot be read: No such file or directory"),
        ("{labels: truth.csv, compare: {nmae: exact}}", "evaluate.compare: 'nmae' is no field of a record"),
    ],
)
def test_check_refuses_a_wrong_gate(gated: Project, capfd: Printed, gate: str, said: str):
    Path("p.yaml").write_text(Path("p.yaml").read_text().replace(GATE, gate))
    gated.documents(a="text")
    assert gated.run("check", "p.yaml") == 2
    printed = capfd.readouterr().err
    assert said in printed
    assert "secret" not in printed


def test_check_counts_the_labels(gated: Project, capfd: Printed):
    gated.documents(a="text")
    assert gated.run("check", "p.yaml", "--json") == 0
    assert json.loads(capfd.readouterr().out)["labels"] == 4


def test_a_gate_takes_up_no_document_again(gated: Project, capfd: Printed):
    gated.documents(a="text")
    hashes = []
    for gate in (GATE, "{labels: truth.csv, compare: {name: exact}}", None):
        text = Path("p.yaml").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("evaluate:")]
        Path("p.yaml").write_text("\n".join([*([f"evaluate: {gate}"] if gate else []), *lines, ""]))
        assert gated.run("check", "p.yaml", "--json") == 0
        hashes.append(json.loads(capfd.readouterr().out)["pipeline_sha256"])
    assert len(set(hashes)) == 1


def test_prefect_is_not_imported(gated: Project):
    code = (
        "import sys; from docmill.flows.cli import invoke; "
        "code = invoke(['evaluate', 'p.yaml', '--accept', '--detail']); "
        "assert 'prefect' not in sys.modules; assert 'httpx' not in sys.modules; sys.exit(code)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def answered_by(**models: tuple[str, float | None]) -> None:
    """Say of stored outcomes which model answered last, and what it cost."""
    connection = sqlite3.connect("results.db")
    for number, (model, cost) in models.items():
        said = (model, cost, f"in/{number.removeprefix('_')}.txt")
        connection.execute("update docmill_outcomes set model = ?, cost_usd = ? where document_id = ?", said)
    connection.commit()
    connection.close()


def test_of_models_in_turn_each_shows_what_it_contributed(gated: Project, capfd: Printed):
    store([("a", "Ada"), ("a", "Eve"), ("b", "Cid"), None], "r2")
    answered_by(_1=("cheap", 0.01), _2=("cheap", 0.01), _3=("strong", 0.25), _4=("strong", 0.25))
    gated.run("evaluate", "p.yaml", "--json")
    found = json.loads(capfd.readouterr().out)["models"]
    assert found["cheap"] == {"documents": 2, "right": 1, "review": 0, "cost_usd": 0.02}
    assert found["strong"] == {"documents": 1, "right": 1, "review": 0, "cost_usd": 0.25}
    gated.run("evaluate", "p.yaml")
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["cheap", "2", "1", "(50", "%)", "0", *money(0.02, estimated=False).split()] in rows


def test_a_model_without_prices_has_no_known_cost(gated: Project, capfd: Printed):
    answered_by(_1=("cheap", None), _2=("strong", 0.25))
    gated.run("evaluate", "p.yaml", "--accept")
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["cheap", "1", "1", "(100", "%)", "0", "unknown"] in rows


def test_one_model_alone_is_not_listed(gated: Project, capfd: Printed):
    answered_by(_1=("cheap", 0.01), _2=("cheap", 0.01))
    gated.run("evaluate", "p.yaml", "--json")
    assert "models" not in json.loads(capfd.readouterr().out)
