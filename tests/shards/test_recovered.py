"""Runs with shards that were begun before: by a process that died, or in results of an earlier version."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from docmill.flows.pipeline.options import RunOptions
from docmill.flows.run.recovery import taken_up
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import Outcome, Run, Status
from docmill.schemas.pipeline import Into
from docmill.schemas.shard import Part, place
from docmill.tasks.chat.kept import DirectoryCache
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.listed import Listed
from docmill.tasks.sinks.of_models import by_model
from docmill.tasks.sinks.work import PartResults, ShardedResults

RUN = Run(
    run_id="dead",
    pipeline="p",
    pipeline_sha256="h",
    endpoint="e",
    model="m",
    started_at=datetime.now(UTC) - timedelta(minutes=1),
    shards=3,
)
OWN = RUN.model_copy(update={"run_id": "own", "flow_run_id": "f", "started_at": datetime.now(UTC)})


def in_tokyo(url: str) -> None:
    """Have a database tell its times as Tokyo has them."""
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'".encode())


@pytest.fixture
def results(database: str) -> ShardedResults:
    """Give the results of a run that died, of all documents."""
    in_tokyo(database)
    results = ShardedResults.open(Into(url=database), "p", {})
    results.begin(RUN)
    results.deal(RUN, "all")
    return results


def test_a_run_that_is_taken_up_began_when_it_began(results: ShardedResults, tmp_path: Path):
    found = taken_up(results, OWN, "all", DirectoryCache(tmp_path), 3)
    assert (found.run_id, found.flow_run_id, found.shards) == ("dead", "f", 3)
    assert found.started_at == RUN.started_at


def test_one_of_other_documents_is_not(results: ShardedResults, tmp_path: Path):
    assert taken_up(results, OWN, "others", DirectoryCache(tmp_path), 3) == OWN


def test_a_retry_whose_shards_have_done_some_since_is_the_same():
    """Its documents are those that are not done yet: fewer each time."""
    first = RunOptions(only=frozenset("abc"), retried=("failed", "deferred"))
    assert replace(first, only=frozenset("ab")).selection() == first.selection()
    assert replace(first, retried=("failed",)).selection() != first.selection()
    assert replace(first, retried=None).selection() != first.selection()


def test_what_each_model_came_to_adds_up_to_the_run_where_an_attempt_has_deferred_some(
    results: ShardedResults, database: str
):
    """What one attempt defers is counted by what becomes of it in the next."""
    ids = ["a", "b", "c"]
    results.add_work("dead", [Listed(place(each), each, "u") for each in ids])
    first: list[Status] = ["done", "deferred", "deferred"]
    second: list[Status] = ["done", "failed"]
    for statuses in (first, second):
        for shard in results.shards("dead"):
            attempt = results.attempted("dead", shard).attempt
            part = PartResults.of(
                Part(run_id="dead", shard=shard.shard, shards=3, attempt=attempt), Into(url=database), "p", {}
            )
            part.several_models = True
            part.begin(RUN)
            for page in part.waiting_documents(9):
                for each in page:
                    model = "strong" if statuses is second and each.document_id == "c" else "cheap"
                    left = ids if statuses is first else ids[1:]
                    status = statuses[left.index(each.document_id)]
                    part.write([outcome(each.document_id, status, model)], "dead", "h")
            part.close()
    results.fail("dead")
    row = results.run("dead")
    with engine_of(database).connect() as connection:
        models = list(by_model(connection, [dict(row or {})]))
    told = {each["model"]: {name: each[name] for name in ("done", "deferred", "failed")} for each in models}
    assert told == {
        "cheap": {"done": 2, "deferred": 0, "failed": 0},
        "strong": {"done": 0, "deferred": 0, "failed": 1},
    }


def outcome(document_id: str, status: Status, model: str) -> Outcome:
    return Outcome(document_id=document_id, uri="u", content_sha256="c", status=status, model=model)


def test_results_of_an_earlier_version_gain_the_shards(database: str):
    ShardedResults.open(Into(url=database), "p", {}).close()
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.execute(text("drop table docmill__work"))
        connection.execute(text("drop table docmill__shards"))
        connection.execute(text("alter table docmill_runs drop column shards"))
    engine.dispose()
    again = ShardedResults.open(Into(url=database), "p", {})
    again.begin(RUN.model_copy(update={"shards": 1}))
    assert again.running() == [("dead", None, 1)]


def test_one_with_more_shards_than_calls_may_be_in_flight_now_is_refused(
    results: ShardedResults, tmp_path: Path
):
    """Each of its shards has one in flight at least: the limit would not hold."""
    cache = DirectoryCache(tmp_path)
    with pytest.raises(ConfigError, match=r"has 3 shards, which share limits.concurrency, 2: raise it"):
        taken_up(results, OWN, "all", cache, 2)
    assert taken_up(results, OWN, "all", cache, 3).run_id == "dead"
