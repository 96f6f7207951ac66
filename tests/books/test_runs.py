"""`docmill runs`: what runs came to and what they cost, read from the results alone."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.report.history import picture
from docmill.flows.report.spent import By, spent
from docmill.schemas.call import CallKind, CallMade
from docmill.schemas.outcome import Outcome, Run, Status, StepOutcome, Tally
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.runs import stored_runs
from tests.support.planted import outcome, plant
from tests.support.project import Project

Printed = pytest.CaptureFixture[str]
STARTED = datetime(2026, 5, 4, 12, tzinfo=UTC)


def ran(
    url: str, number: int, *, pipeline: str = "p", model: str = "m", done: int = 10, **changes: Any
) -> None:
    """Store the run of a day, which took 10 minutes."""
    started = STARTED + timedelta(days=number)
    run = Run(
        run_id=f"{pipeline}{number}",
        pipeline=pipeline,
        pipeline_sha256="h",
        endpoint="e",
        model=model,
        started_at=started,
    )
    ended: dict[str, Any] = {"ended_at": started + timedelta(minutes=10), "state": "complete"}
    ended |= {"documents_in": done, "counts": {"done": done}, "calls": 2 * done, "cost_usd": 0.01 * done}
    results = Results.open(Into(url=url), pipeline, {})
    results.begin(run)
    results.end(run.model_copy(update=ended | changes))
    results.close()


def listed(url: str, by: By | None = None) -> list[Any]:
    return spent(stored_runs(url)[0], by)


def test_runs_come_newest_first_with_what_they_took_up(database: str):
    ran(database, 0)
    counts = {"done": 3, "review": 2, "failed": 1, "deferred": 1, "unchanged": 90, "quarantined": 4}
    ran(database, 1, counts=counts, documents_in=101)
    newest, oldest = listed(database)
    assert (newest.name, oldest.name) == ("p1", "p0")
    assert (newest.documents, newest.done, newest.review, newest.not_done, newest.minutes) == (7, 3, 2, 2, 10)
    assert (newest.unchanged, newest.quarantined) == (90, 4)


def test_the_trend_is_what_a_document_cost_beside_the_median_before(database: str):
    for number, cost in enumerate((0.1, 0.2, 0.9, 0.4)):
        ran(database, number, cost_usd=cost)
    ran(database, 9, pipeline="other", cost_usd=5.0)
    trends = {each.name: each.trend for each in listed(database)}
    assert trends == {
        "p0": None,
        "p1": pytest.approx(2),
        "p2": pytest.approx(6),
        "p3": pytest.approx(2),
        "other9": None,
    }


def test_what_cost_nothing_known_has_no_trend(database: str):
    ran(database, 0)
    ran(database, 1, cost_usd=None)
    ran(database, 2, counts={"unchanged": 10})
    assert [each.trend for each in listed(database)] == [None, None, None]


@pytest.mark.parametrize(
    ("by", "names"),
    [("day", ["2026-05-06", "2026-05-05", "2026-05-05"]), ("model", ["m", "n"]), ("pipeline", ["p", "q"])],
)
def test_runs_are_summed_up(database: str, by: By, names: list[str]):
    ran(database, 1)
    ran(database, 1, pipeline="q", model="n", cost_usd=1.0)
    ran(database, 2)
    found = listed(database, by)
    assert sorted(each.name for each in found) == sorted(names)
    assert sum(each.documents for each in found) == 30
    assert sum(each.cost_usd for each in found) == pytest.approx(1.2)


def call(model: str, cost: float | None, kind: CallKind = "paid", tokens: int = 100) -> CallMade:
    return CallMade(at=STARTED, kind=kind, model=model, key="k", prompt_tokens=tokens, cost_usd=cost)


def turned(document: str, *made: CallMade, model: str, status: Status = "done", **whole: Any) -> Outcome:
    """Make the outcome of a document whose step was answered by several models in turn."""
    paid = [each for each in made if each.kind == "paid"]
    costs = [each.cost_usd for each in paid]
    cost: dict[str, Any] = {
        "attempts": len(paid),
        "calls": len(paid),
        "cached_calls": len(made) - len(paid),
        "prompt_tokens": sum(each.prompt_tokens for each in paid),
        "cost_usd": None if None in costs else sum(filter(None, costs)),
    } | whole
    step = StepOutcome(status="done", sha256="s", model=model, made=made, **cost)
    about = {"document_id": document, "uri": document, "content_sha256": "c", "steps": {"extract": step}}
    return Outcome(status=status, model=model, **about, **cost)


def ran_by_two(url: str, *outcomes: Outcome, several: bool = True) -> None:
    """Store a run of two models with these outcomes, and what they come to."""
    results = Results.open(Into(url=url), "p", {})
    results.several_models = several
    whole = {"pipeline": "p", "pipeline_sha256": "h", "endpoint": "e", "model": "cheap, strong"}
    run = Run(run_id="r", started_at=STARTED, **whole)
    results.begin(run)
    for each in outcomes:  # one batch after the other
        results.write([each], "r", "h")
    counts: Counter[Status] = Counter(each.status for each in outcomes)
    tally = sum((each.tally() for each in outcomes), Tally()).model_dump()
    ended = {"ended_at": STARTED + timedelta(minutes=10), "state": "complete", "counts": {**counts}}
    results.end(run.model_copy(update={**ended, **tally, "documents_in": len(outcomes)}))
    results.close()


def of_models(url: str) -> dict[str, Any]:
    return {each.name: each for each in spent(stored_runs(url, of_models=True)[0], "model")}


def test_a_run_of_several_models_is_divided_by_the_model_of_each_call(database: str):
    ran(database, 1, model="strong", cost_usd=1.0)
    ran_by_two(
        database,
        turned("a", call("cheap", 0.001), model="cheap"),
        turned("b", call("cheap", 0.002), call("strong", 0.5), model="strong", status="review"),
        turned("c", call("cheap", 0.0, "cached", 9), call("strong", 0.25), model="strong"),
    )
    found = of_models(database)
    assert set(found) == {"cheap", "strong"}
    assert {name: each.cost_usd for name, each in found.items()} == {
        "cheap": pytest.approx(0.003),
        "strong": pytest.approx(1.75),
    }
    cheap, strong = found["cheap"], found["strong"]
    assert (cheap.calls, cheap.cached_calls, cheap.prompt_tokens) == (2, 1, 200)
    assert (cheap.done, cheap.review, strong.done, strong.review) == (1, 0, 11, 1)
    runs = listed(database)
    for name in ("calls", "cached_calls", "prompt_tokens", "documents", "cost_usd", "minutes"):
        each, whole = ([getattr(one, name) for one in many] for many in (found.values(), runs))
        assert sum(each) == pytest.approx(sum(whole)), name


def test_what_no_call_tells_is_of_the_model_that_answered(database: str):
    ran_by_two(database, turned("a", call("cheap", 0.5), model="strong", calls=3, cost_usd=0.75))
    found = of_models(database)
    assert {name: (each.calls, each.cost_usd) for name, each in found.items()} == {
        "cheap": (1, 0.5),
        "strong": (2, 0.25),
    }


def test_a_model_without_a_price_leaves_the_others_theirs(database: str):
    ran_by_two(database, turned("a", call("cheap", 0.5), call("strong", None), model="strong"))
    assert {name: each.cost_usd for name, each in of_models(database).items()} == {
        "cheap": 0.5,
        "strong": None,
    }


def test_a_run_of_an_earlier_version_stays_that_of_its_models_together(database: str):
    ran_by_two(database, turned("a", call("cheap", 0.5), model="cheap"), several=False)
    [whole] = of_models(database).values()
    assert (whole.name, whole.cost_usd, whole.minutes) == ("cheap, strong", 0.5, 10)


def printed(project: Project, capsys: Printed, *arguments: str) -> str:
    assert project.run("runs", *arguments) == 0
    return capsys.readouterr().out


def test_a_pipeline_has_its_own_runs_and_a_database_all(project: Project, capsys: Printed):
    project.documents(a="text")
    plant([outcome(Path("in/a.txt"), status="review")])
    plant([outcome(Path("in/a.txt"))], run_id="r2", name="q")
    project.pipeline("http://127.0.0.1:9/v1")
    own = json.loads(printed(project, capsys, "p.yaml", "--json"))
    assert [run["name"] for run in own["runs"]] == ["r1"]
    assert own["waiting"] == {"p": 1}
    every = json.loads(printed(project, capsys, "--into", "sqlite:///results.db", "--json"))
    assert {run["pipeline"] for run in every["runs"]} == {"p", "q"}
    assert "1 document waits in review: docmill review p" in printed(project, capsys, "p.yaml")


def test_what_is_in_quarantine_is_told(project: Project, capsys: Printed):
    project.documents(a="text", b="text")
    held = [outcome(Path("in/a.txt"), status="quarantined"), outcome(Path("in/b.txt"))]
    plant(held)
    plant(held, run_id="r2", name="q")
    project.pipeline("http://127.0.0.1:9/v1")
    own = json.loads(printed(project, capsys, "p.yaml", "--json"))
    assert own["quarantined"] == {"p": 1}
    assert [run["quarantined"] for run in own["runs"]] == [1]
    said = printed(project, capsys, "--into", "sqlite:///results.db").splitlines()
    assert said[-2:] == [
        "1 document is in quarantine: docmill retry p --quarantined",
        "1 document is in quarantine: docmill retry q --quarantined",
    ]


def test_the_newest_are_shown_and_the_rest_counted(project: Project, capsys: Printed):
    for number in range(5):
        ran("sqlite:///results.db", number)
    said = printed(project, capsys, "--into", "sqlite:///results.db", "--last", "2").splitlines()
    assert [line.split()[0] for line in said] == ["run", "p4", "p3", "…", "5"]
    assert said[-1] == "5 runs in sqlite:///results.db: 50 documents, 100 calls paid, $0.50"


def test_a_run_of_several_models_is_one_run(project: Project, capsys: Printed):
    ran_by_two("sqlite:///results.db", turned("a", call("cheap", 0.5), call("strong", 0.5), model="strong"))
    said = printed(project, capsys, "--into", "sqlite:///results.db", "--by", "model").splitlines()
    assert [line.split()[0] for line in said[1:3]] == ["cheap", "strong"]
    assert said[-1] == "1 run in sqlite:///results.db: 1 document, 2 calls paid, $1.00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "name a pipeline"), (["--into", "sqlite:///no.db"], "no results database"), (["p.yaml"], "no")],
)
def test_what_is_not_there_is_a_wrong_configuration(
    project: Project, capsys: Printed, arguments: list[str], said: str
):
    project.pipeline("http://127.0.0.1:9/v1")
    assert project.run("runs", *arguments) == 2
    assert said in capsys.readouterr().err


def test_prefect_is_not_imported(project: Project):
    ran("sqlite:///results.db", 0)
    code = (
        "import sys; from docmill.flows.cli import invoke\n"
        "assert invoke(['runs', '--into', 'sqlite:///results.db']) == 0\n"
        "sys.exit('prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=project.root, check=False).returncode == 0


def test_the_picture_has_a_bar_a_run_that_took_documents_up(database: str):
    ran(database, 0, counts={"done": 5, "failed": 5})
    assert picture(stored_runs(database)[0]) is None
    ran(database, 1, counts={"unchanged": 10})
    ran(database, 2, done=20)
    drawn = picture(stored_runs(database)[0])
    assert drawn is not None
    assert [[bar.kind for bar in group] for group in drawn.documents] == [["done", "failed"], ["done"]]
    assert [bar.height for [bar] in drawn.costs] == [45, 90]
