"""Prefect for a team: PostgreSQL, Redis, two processes of the API; runs, events and schedules work there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.debian import settings
from tests.support.deploying import CLONE, Site
from tests.support.processes import eventually
from tests.support.sharded import Sharded
from tests.support.team import team_site

pytestmark = pytest.mark.slow
WITHIN_S = 240


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with team_site(tmp_path_factory.mktemp("team")) as site:
        yield site


def task_runs(team: Site, flow_run_id: str) -> list[dict[str, Any]]:
    found = team.asked("/task_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    return [each for each in found if each["end_time"] and each["state"]]


def has_ended(team: Site, name: str, count: int) -> bool:
    """Say whether so many runs of a pipeline have ended."""
    return len(team.rows(name, "select * from docmill_runs where ended_at is not null")) == count


def test_a_run_is_done_and_every_task_run_recorded(team: Site):
    team.pipeline("plain", "a", "b", "c")
    flow_run_id = str(team.start("nightly", pipeline="plain").raise_for_status().json()["id"])
    assert team.ended(flow_run_id, WITHIN_S) == ("Completed", "3 documents: 3 done")
    assert eventually(lambda: len(task_runs(team, flow_run_id)) == 3, WITHIN_S)
    assert {each["state"]["name"] for each in task_runs(team, flow_run_id)} == {"Completed"}


def test_a_run_of_two_shards_has_its_cache_and_results_in_postgresql(team: Site):
    into = team.environment["DOCMILL_CACHE"].replace("/cache", "/results")
    many = Sharded(team, "sharded", into)
    many.run("--shards", "2")
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"], row["shards"]) == ("complete", 40, 40, 2)
    assert (row["calls"], row["cached_calls"]) == (31, 9)  # identical ones once, over both
    assert [shard[3] for shard in many.shards()] == ["complete"] * 2
    assert sum(shard[1] for shard in many.shards()) == 40
    assert len(team.provider.requests) == 31


def test_an_event_starts_the_flow_once(team: Site):
    """A second event comes after it: had the first one started two runs, there were three then."""
    team.pipeline("told", "a")
    for count in (1, 2):
        team.emit("docmill.inbox.told", {"pipeline": "told", "documents": ["told/a.txt"]})
        assert eventually(partial(has_ended, team, "told", count), WITHIN_S)
    arrived = team.deployment("arrived")["id"]
    assert len(team.asked("/flow_runs/filter", deployments={"id": {"any_": [arrived]}})) == 2
    assert len([each for each in team.provider.requests if "in told" in each.text]) == 1


def test_a_schedule_starts_its_run(team: Site):
    team.pipeline("timed", "a")
    soon = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    # Each minute, so that a server which is late with the first does not have an hour to the next.
    schedule = {"schedule": {"interval": 60, "anchor_date": soon}, "parameters": {"pipeline": "timed"}}
    deployment = team.deployment("nightly")["id"]
    made = team.post(f"/deployments/{deployment}/schedules", [{**schedule, "active": True}])
    assert made.status_code == 201
    assert eventually(lambda: team.statuses("timed") == {"timed/a.txt": "done"}, WITHIN_S)


def test_it_has_the_settings_of_the_compose_file():
    compose = YAML(typ="safe").load(CLONE / "deploy/compose.yaml")
    told = compose["services"]["server"]["environment"]
    same = {name: value for name, value in settings("", 0).items() if "URL" not in name}
    assert {name: told[name] for name in same} == same
    assert compose["services"]["server"]["command"][2:6] == ["start", "--no-services", "--workers", "2"]
