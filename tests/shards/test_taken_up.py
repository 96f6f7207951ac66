"""A run whose process died when its shards were through: the next one takes it up and tells what they did."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.observe.observer import Observer
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.run import recovery
from docmill.schemas.document import Unread
from docmill.schemas.example import Example
from docmill.schemas.outcome import Outcome, Run, Tally
from docmill.schemas.shard import Part, place
from docmill.schemas.timeline import Timeline
from docmill.tasks.chat.kept import DirectoryCache
from docmill.tasks.sinks.examples import Chosen, Reviewed
from docmill.tasks.sinks.listed import Listed
from docmill.tasks.sinks.work import PartResults, ShardedResults
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")
STEP = "  - summarize: {sentences: 1}\n"
EXAMPLE = Chosen("summarize", "document", Reviewed("x", "c", 1), Example(document="text", summary="A text."))
Printed = pytest.CaptureFixture[str]


def shards_did(file: Path, outcomes: list[Outcome], booked: bool | None = None) -> None:
    """Write a run down that has two shards, each of which is through, and that has not ended."""
    plan = resolve(load(file), RunOptions(shards=2))
    results = ShardedResults.open(plan.into, plan.name, plan.typed())
    run = row_of(plan)
    results.begin(run)
    ids = [each.document_id for each in outcomes]
    results.add_work(run.run_id, [Listed(place(each), each, each, "text") for each in ids])
    results.deal(run, plan.selection)
    results.keep_examples([EXAMPLE])
    for shard in results.shards(run.run_id):
        attempt = results.attempted(run.run_id, shard).attempt
        part = PartResults.of(
            Part(run_id=run.run_id, shard=shard.shard, shards=2, attempt=attempt), plan.into, plan.name, {}
        )
        part.begin(run)
        own = {each.document_id for page in part.waiting_documents(9) for each in page}
        part.write([each for each in outcomes if each.document_id in own], run.run_id, plan.sha256)
        part.timelines.keep(
            f"{run.run_id}/{shard.shard}", run.started_at, Timeline(held_back={"tokens": 60.0})
        )
        part.end(run.model_copy(update={"state": "complete", "cost_booked": booked}))
        part.close()
    results.close()


def row_of(plan: Plan) -> Run:
    return Run(
        run_id="dead",
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint="e",
        model=plan.model,
        started_at=datetime.now(UTC) - timedelta(seconds=100),
        shards=2,
    )


def outcome(document_id: str, **told: Any) -> Outcome:
    tally = Tally(attempts=1, calls=1, cost_usd=0.5).model_dump()
    return Outcome(document_id=document_id, uri="u", content_sha256="c", status="done", **tally, **told)


@pytest.mark.slow
def test_rows_that_came_since_it_was_listed_are_read_by_the_run_after_it(
    project: Project, provider: Provider, capfd: Printed
):
    rows = '{files: t.csv, key: id, text: "{{ body }}", since: at}'
    file = project.pipeline(provider.url, STEP, rows=rows)
    file.write_text(file.read_text().replace("documents: in/*.txt\n", ""))
    Path("t.csv").write_text("id,body,at\n1,a,2026-01-01\n2,b,2026-01-02\n3,c,2026-01-03\n4,d,2026-01-04")
    shards_did(file, [outcome("1"), outcome("2")])
    assert project.run("run", str(file), "--shards", "2") == 0
    printed = capfd.readouterr().out
    assert "the run dead, whose process died, is taken up: what has come since is for the next run" in printed
    assert project.statuses() == {"1": "done", "2": "done"}
    assert project.rows("select * from docmill__examples") == []  # its shards take what it keeps: none
    assert project.run("run", str(file)) == 0
    assert project.statuses() == {"1": "done", "2": "done", "3": "done", "4": "done"}


@pytest.mark.slow
@pytest.mark.parametrize("booked", [True, False])
def test_its_last_lines_and_its_row_tell_what_those_of_one_without_shards_tell(
    project: Project, provider: Provider, capfd: Printed, booked: bool
):
    unread = (Unread(part="page 2", why="a picture"),)
    file = project.pipeline(provider.url, STEP, unread="allow")
    project.documents(a="a")
    shards_did(
        file,
        [outcome("a", truncated=True, unread=()), outcome("b", unread=unread), outcome("c"), outcome("d")],
        booked,
    )
    assert project.run("run", str(file), "--shards", "2") == 0
    printed = capfd.readouterr().out
    assert "1 read only in part, as max_input_tokens says" in printed
    assert "1 done with parts that could not be read, as unread says" in printed
    assert "held back by tokens a minute" in printed
    assert ("by list prices" in printed) is not booked
    assert project.rows("select cost_booked, cost_usd from docmill_runs") == [(booked, 2.0)]


def test_where_all_of_it_is_dead_its_shards_flow_runs_crash_with_its_own(
    project: Project, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    crashed = list[str]()

    async def crash(flow_run_ids: Iterable[str]) -> None:
        crashed.extend(flow_run_ids)

    monkeypatch.setattr(recovery, "_crash", crash)
    plan = resolve(load(project.pipeline("http://127.0.0.1:9/v1", STEP)), RunOptions(shards=2))
    results = ShardedResults.open(plan.into, plan.name, {})
    run = row_of(plan).model_copy(update={"flow_run_id": "own"})
    results.begin(run)
    results.deal(run, plan.selection)
    for shard in results.shards("dead"):
        results.attempted("dead", shard)
    results.started("dead", 1, "first")
    asyncio.run(recovery.recover(results, plan.name, DirectoryCache(cache), Observer()))
    results.close()
    assert crashed == ["own", "first"]
    assert project.rows("select state from docmill_runs") == [("failed",)]
