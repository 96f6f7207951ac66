"""Runs whose documents shards do, on real workers of a real Prefect server."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from docmill.schemas.shard import place, ranges
from tests.support.bundled import by_the_page, letter, mail
from tests.support.counting import Biller, wordy
from tests.support.deploying import Site, deployed
from tests.support.documents import pdf
from tests.support.sharded import INPUT, OUTPUT, Sharded, ended, flow_runs_of, kill_all_of

pytestmark = pytest.mark.slow
# Calls in flight get ten seconds, and each run looks every few whether it was cancelled.
STOPPED_WITHIN = timedelta(seconds=30)


@pytest.fixture(scope="module")
def place_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with deployed(tmp_path_factory.mktemp("shards")) as site:
        yield site


@pytest.fixture
def many(place_of_all: Site, request: pytest.FixtureRequest) -> Sharded:
    return Sharded(place_of_all, request.node.name.removeprefix("test_")[:12].replace("_", "-"))


def test_two_workers_do_four_shards_and_the_sums_are_those_of_one_run(many: Sharded):
    many.site.provider.delay_s = 0.3
    with many.site.working(), many.site.working():
        printed = many.run("--shards", "4", "--concurrency", "4")
        assert "40 done" in printed
        assert 2 <= many.site.provider.most_in_flight <= 4  # over all shards
        [row] = many.rows()
        assert (row["state"], row["documents_in"], row["done"], row["shards"]) == ("complete", 40, 40, 4)
        assert (row["calls"], row["cached_calls"]) == (31, 9)  # identical ones once, over all shards
        assert len(many.site.provider.requests) == 31
        per_shard = Counter(
            next(shard for shard, (first, beyond) in enumerate(ranges(4), 1) if first <= place(each) < beyond)
            for each in (f"{many.name}/{document}.txt" for document in many.documents)
        )
        assert [(shard[0], shard[1]) for shard in many.shards()] == sorted(per_shard.items())
        assert all(shard[2:4] == (1, "complete") for shard in many.shards())
        assert many.site.rows(many.name, "select count(*) from docmill__work") == [(0,)]
        parent = many.parent()
        below = {"parent_flow_run_id": {"any_": [parent["id"]]}}
        children = many.site.asked("/flow_runs/filter", flow_runs=below)
        assert sorted(each["name"] for each in children) == [
            f"{many.name} {number} of 4" for number in (1, 2, 3, 4)
        ]
        artifacts = many.site.asked("/artifacts/filter", artifacts={"flow_run_id": {"any_": [parent["id"]]}})
        [report] = [each["data"] for each in artifacts if each["type"] == "markdown"]
        assert report.count("| complete |") == 4
        many.run("--shards", "4")
    assert [row["unchanged"] for row in many.rows()] == [0, 40]
    assert len(many.site.provider.requests) == 31


def test_what_files_hold_is_done_by_the_shard_that_has_the_file(place_of_all: Site):
    site, name = place_of_all, "bundled"
    site.provider.requests.clear()
    site.provider.rule(by_the_page)
    file = site.pipeline(name, "plain")
    file.write_text(file.read_text().replace(f"{name}/*.txt", f"{name}/*") + "split: true\n")
    for number in range(4):
        scan = pdf(*letter(f"{number}th Ltd", "one", "two"), *letter(f"Bob {number}", "three"))
        (site.root / name / f"{number}.pdf").write_bytes(scan)
        (site.root / name / f"{number}.eml").write_bytes(mail(("bill.txt", f"Pay {number}".encode())))
    many = Sharded.__new__(Sharded)
    many.site, many.name, many.into = site, name, ""
    with site.working():
        assert "17 documents: 17 done" in many.run("--shards", "2")
        assert "17 unchanged" in many.run("--shards", "2")
    first, again = many.rows()
    assert (first["state"], first["documents_in"]) == ("complete", 17)
    # Four mails say the same, and so do four second pages.
    assert (first["calls"], first["cached_calls"]) == (12 + 17 - 6, 6)
    assert (again["documents_in"], again["unchanged"], again["calls"]) == (17, 17, 0)
    assert sum(shard[1] for shard in many.shards()) == 17


def test_shards_of_a_machine_that_is_gone_are_done_by_another(many: Sharded):
    many.site.provider.delay_s = 2.0
    with many.site.working() as worker:
        begun = many.begin("--shards", "2", "--concurrency", "4")
        assert many.under_way(6)
        kill_all_of(worker)
    asked = len(many.site.provider.requests)
    many.site.provider.delay_s = 0.0
    with many.site.working():
        printed = ended(begun, 0)
    assert "nothing was heard of it any more. It is started again" in printed
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"]) == ("complete", 40, 40)
    assert [shard[3] for shard in many.shards()] == ["complete", "complete"]
    assert max(shard[2] for shard in many.shards()) == 2
    assert len(many.site.provider.requests) <= 31 + 4  # what was in flight alone is asked again
    assert asked >= 6
    crashed = [run for run in many.flow_runs().values() if run["state_type"] == "CRASHED"]
    assert crashed


def test_a_run_that_was_killed_takes_up_its_own_shards(many: Sharded):
    many.site.provider.delay_s = 3.0
    with many.site.working():
        begun = many.begin("--shards", "2", "--concurrency", "4")
        assert many.under_way(5)
        begun.kill()
        begun.communicate()
        [before] = many.site.rows(many.name, "select run_id, state from docmill_runs")
        assert before[1] == "running"
        many.site.provider.delay_s = 0.0
        many.run("--shards", "2", "--concurrency", "4")
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"], row["calls"]) == ("complete", 40, 40, 31)
    assert many.site.rows(many.name, "select run_id from docmill_runs") == [(before[0],)]
    assert [shard[2] for shard in many.shards()] == [1, 1]  # they went on meanwhile
    assert len(many.site.provider.requests) == 31


def test_a_shard_whose_process_is_killed_is_begun_again_by_the_same_worker(many: Sharded):
    many.site.provider.delay_s = 2.0
    with many.site.working() as worker:
        begun = many.begin("--shards", "2", "--concurrency", "4")
        assert many.under_way(6)
        os.kill(flow_runs_of(worker)[0], signal.SIGKILL)
        many.site.provider.delay_s = 0.0
        assert "did not come through" in ended(begun, 0)
        assert worker.poll() is None
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"]) == ("complete", 40, 40)
    assert sorted(shard[2] for shard in many.shards()) == [1, 2]
    assert sum(shard[1] for shard in many.shards()) == 40
    assert len(many.site.provider.requests) <= 31 + 2  # what was in flight alone is asked again


def test_a_worker_that_takes_one_at_a_time_does_three_shards_after_each_other(many: Sharded):
    with many.site.begun("worker", "start", "--pool", "docmill", "--limit", "1"):
        assert "40 done" in many.run("--shards", "3")
    [row] = many.rows()
    assert (row["state"], row["done"], row["calls"]) == ("complete", 40, 31)
    assert [shard[2:4] for shard in many.shards()] == [(1, "complete")] * 3
    shards = [run for name, run in many.flow_runs().items() if " of 3" in name]
    in_turn = sorted(shards, key=lambda run: str(run["start_time"]))
    assert all(one["end_time"] <= next_["start_time"] for one, next_ in pairwise(in_turn))


def test_a_cancel_in_the_ui_stops_all_shards_and_the_next_run_finishes(many: Sharded):
    """The calls in flight would last far longer than a stop may."""
    many.site.provider.delay_s = 60.0
    with many.site.working():
        begun = many.begin("--shards", "2", "--concurrency", "2")
        assert many.under_way(2)
        change = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        many.site.post(f"/flow_runs/{many.parent()['id']}/set_state", change).raise_for_status()
        cancelled_at = datetime.now(UTC)
        printed = ended(begun, 3)
        [row] = many.rows()
        assert row["state"] == "stopped"
        assert row["documents_in"] == row["done"] + row["deferred"] < 40
        assert row["deferred"] >= 2, printed
        states = {run["state_type"] for run in many.flow_runs().values()}
        assert states == {"CANCELLED"}
        [(ended_at,)] = many.asked("select ended_at from docmill_runs")
        assert datetime.fromisoformat(ended_at).replace(tzinfo=UTC) - cancelled_at < STOPPED_WITHIN
        many.site.provider.delay_s = 0.0
        many.run("--shards", "2")
    assert many.rows()[-1]["done"] + many.rows()[-1]["unchanged"] == 40


def test_a_budget_holds_over_all_shards_and_what_it_left_is_tried_again_by_shards(many: Sharded):
    biller = Biller(many.site.provider, lambda _: wordy, prices=(INPUT, OUTPUT))
    with many.site.working():
        printed = many.run("--shards", "2", "--max-cost", "0.25", code=3)
        billed = biller.usd
        many.run("--shards", "2", command="retry")
    assert "the budget of the run, $0.25" in printed
    first, again = many.rows()
    assert first["state"] == "stopped"
    assert 0.2 < billed <= 0.25
    assert first["cost_usd"] == pytest.approx(billed)
    assert 0 < first["done"] < 40
    assert (again["documents_in"], again["done"], again["unchanged"], again["shards"]) == (
        first["deferred"],
        first["deferred"],
        0,
        2,
    )


QUARANTINED = """
update docmill_outcomes set status = 'failed' where document_id like '%/d3_.txt';
insert into docmill__failures
  select pipeline, document_id, content_sha256, pipeline_sha256, 3 from docmill_outcomes
   where status = 'failed'
"""


def test_what_is_in_quarantine_is_passed_over_and_released_for_shards(many: Sharded):
    with many.site.working():
        many.run("--shards", "2")
        with closing(sqlite3.connect(many.site.root / f"{many.name}.db")) as connection:
            connection.executescript(QUARANTINED)
        many.run("--shards", "2")
        many.run("--quarantined", "--shards", "2", command="retry")
    _, over, again = many.rows()
    assert (over["documents_in"], over["unchanged"]) == (40, 30)
    assert (again["documents_in"], again["done"], again["calls"]) == (10, 10, 0)
    assert many.site.rows(many.name, "select count(*) from docmill__failures") == [(0,)]
