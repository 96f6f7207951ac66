"""Typed tables as Prefect assets: a run materialises what it has written, from its source, with counts."""

from typing import Any

import httpx
import pytest

from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]
EXTRACT = "  - extract: {schema: thing}\n"
MATERIALISED = "prefect.asset.materialization.succeeded"


def flow_run(project: Project) -> str:
    [(found,)] = project.rows("select flow_run_id from docmill_runs order by started_at desc limit 1")
    return str(found)


def events(api: str, flow_run_id: str, expected: str) -> list[dict[str, Any]]:
    """Read a flow run's events from the server, once one of that name is there."""
    of_it = {"resources_in_roles": [[f"prefect.flow-run.{flow_run_id}", "flow-run"]]}
    query = {"filter": {"related": of_it}, "limit": 50}
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = httpx.post(f"{api}/events/filter", json=query).raise_for_status().json()["events"]
        return any(each["event"] == expected for each in found)

    assert eventually(there), [each["event"] for each in found]
    return found


def materialised(api: str, project: Project) -> list[dict[str, Any]]:
    """Give the materialisations of the last run, when its end has arrived."""
    whole = events(api, flow_run(project), "docmill.run.finished")
    return [each for each in whole if each["event"] == MATERIALISED]


def test_a_run_materialises_its_table_with_its_counts(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="first", b="second")
    assert project.run("run", str(project.pipeline(provider.url, EXTRACT))) == 0
    [event] = materialised(prefect_api, project)
    assert event["resource"]["prefect.resource.id"] == f"sqlite://{project.root}/results.db/p__thing"
    assert event["resource"]["prefect.resource.name"] == "p__thing"
    counts = {name: event["payload"][name] for name in ("state", "rows", "rows_in_all", "documents_in")}
    assert counts == {"state": "complete", "rows": 2, "rows_in_all": 2, "documents_in": 2}


def test_the_table_comes_from_the_pipelines_source(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="first")
    assert project.run("run", str(project.pipeline(provider.url, EXTRACT))) == 0
    [event] = materialised(prefect_api, project)
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in event["related"]}
    assert (related["asset"], related["asset-materialized-by"]) == ("docmill://p/source", "docmill")


def test_only_rows_of_this_run_are_its_rows(project: Project, provider: Provider, prefect_api: str):
    pipeline = str(project.pipeline(provider.url, EXTRACT))
    project.documents(a="first")
    assert project.run("run", pipeline) == 0
    project.documents(b="second")
    assert project.run("run", pipeline) == 0
    [event] = materialised(prefect_api, project)
    assert (event["payload"]["rows"], event["payload"]["rows_in_all"]) == (1, 2)


def test_a_run_that_writes_no_row_materialises_nothing(
    project: Project, provider: Provider, prefect_api: str
):
    pipeline = str(project.pipeline(provider.url, EXTRACT))
    project.documents(a="first")
    assert project.run("run", pipeline) == 0
    assert project.run("run", pipeline) == 0
    assert materialised(prefect_api, project) == []
