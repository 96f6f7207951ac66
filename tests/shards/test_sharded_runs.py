"""Runs whose documents shards do, on real workers of a real Prefect server."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.shard import place, ranges
from tests.support.bundled import by_the_page, letter, mail
from tests.support.counting import Biller, wordy
from tests.support.deploying import Site, deployed
from tests.support.documents import pdf
from tests.support.processes import eventually

pytestmark = pytest.mark.slow
SHARDS = "select shard, documents, attempt, state, counts from docmill__shards order by shard"
INPUT, OUTPUT = 1.0, 100.0  # USD a million tokens
COUNTS = (
    "state",
    "documents_in",
    "done",
    "unchanged",
    "deferred",
    "calls",
    "cached_calls",
    "shards",
    "cost_usd",
)


@pytest.fixture(scope="module")
def place_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with deployed(tmp_path_factory.mktemp("shards")) as site:
        yield site


class Sharded:
    """A pipeline of a site's that has forty documents, ten of which say the same."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        site.provider.delay_s = 0.0
        site.provider.requests.clear()
        self.documents = [f"d{number}" for number in range(40)]
        file = site.pipeline(name, *self.documents)
        priced = site.declared(name)["endpoint"] | {"prices": {"input": INPUT, "output": OUTPUT}}
        lines = file.read_text().splitlines()
        file.write_text(
            "\n".join(lines).replace(json.dumps(site.declared(name)["endpoint"]), json.dumps(priced))
        )
        for each in self.documents[:10]:
            (site.root / name / f"{each}.txt").write_text(f"The same text of {name}.")

    def begin(self, *arguments: str, command: str = "run") -> "subprocess.Popen[str]":
        """Begin `docmill run`, or another command, of the pipeline with these arguments."""
        whole = [sys.executable, "-m", "docmill", command, self.name, *arguments]
        environment = {**self.site.environment, "PREFECT_API_URL": self.site.api}
        return subprocess.Popen(
            whole,
            cwd=self.site.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, command: str = "run") -> str:
        """Run it to its end; gives what it printed."""
        return ended(self.begin(*arguments, command=command), code)

    def rows(self) -> list[dict[str, Any]]:
        """Give the runs' rows in their order."""
        query = f"select {','.join(COUNTS)} from docmill_runs order by started_at"
        return [dict(zip(COUNTS, row, strict=True)) for row in self.site.rows(self.name, query)]

    def shards(self) -> list[tuple[Any, ...]]:
        """Give the rows of the shards."""
        return self.site.rows(self.name, SHARDS)

    def flow_runs(self) -> dict[str, dict[str, Any]]:
        """Give the flow runs by their names."""
        return {each["name"]: each for each in self.site.runs_of(self.name)}

    def parent(self) -> dict[str, Any]:
        """Give the flow run of the run itself."""
        [found] = [run for name, run in self.flow_runs().items() if " of " not in name]
        return found

    def under_way(self, calls: int) -> bool:
        """Wait until the provider was asked so often."""
        return eventually(lambda: len(self.site.provider.requests) >= calls, 200)


def ended(begun: "subprocess.Popen[str]", code: int) -> str:
    printed = begun.communicate(timeout=300)[0]
    assert begun.returncode == code, printed
    return printed


def kill_all_of(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a worker and all that it has started, as where its machine is gone."""
    for pid in [*descendants(worker.pid), worker.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()


def descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [below for child in children for below in (*descendants(child), child)]


@pytest.fixture
def many(place_of_all: Site, request: pytest.FixtureRequest) -> Sharded:
    return Sharded(place_of_all, request.node.name.removeprefix("test_")[:12].replace("_", "-"))


def test_two_workers_do_four_shards_and_the_sums_are_those_of_one_run(many: Sharded):
    with many.site.working(), many.site.working():
        printed = many.run("--shards", "4")
        assert "40 done" in printed
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
    many.site, many.name = site, name
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


def test_a_cancel_in_the_ui_stops_all_shards_and_the_next_run_finishes(many: Sharded):
    many.site.provider.delay_s = 2.0
    with many.site.working():
        begun = many.begin("--shards", "2", "--concurrency", "2")
        assert many.under_way(3)
        change = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        many.site.post(f"/flow_runs/{many.parent()['id']}/set_state", change).raise_for_status()
        ended(begun, 3)
        [row] = many.rows()
        assert row["state"] == "stopped"
        assert row["documents_in"] == row["done"] + row["deferred"] < 40
        states = {run["state_type"] for run in many.flow_runs().values()}
        assert states == {"CANCELLED"}
        assert many.site.provider.in_flight == 0
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
