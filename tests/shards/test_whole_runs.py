"""What is told of a sharded run as of one: its models, its rows to a webhook, its tables as assets."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.connection import Reply, Request
from tests.support.deploying import Site, deployed
from tests.support.hooks import Receiver, receiver
from tests.support.processes import eventually
from tests.support.shapes import message
from tests.support.sharded import Sharded

__all__ = ["receiver"]

pytestmark = pytest.mark.slow
MATERIALISED = "prefect.asset.materialization.succeeded"
REFUSAL = message(content=None, tool_calls=None, refusal="I can't help with that.")
EXTRACT = "  - extract: {schema: thing}\n"


@pytest.fixture
def place_of_all(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with deployed(tmp_path_factory.mktemp("whole")) as site:
        yield site


def dear(request: Request) -> Reply | None:
    """Have the cheap model refuse three of the texts."""
    is_hard = any(f"d{number} in" in request.text for number in (17, 27, 37))
    return REFUSAL(request) if is_hard and request.parsed["model"] == "cheap" else None


def materialised(site: Site, flow_run: str) -> list[dict[str, Any]]:
    query = {"filter": {"related": {"resources_in_roles": [[f"prefect.flow-run.{flow_run}", "flow-run"]]}}}
    found = site.post("/events/filter", {**query, "limit": 50}).raise_for_status().json()["events"]
    return [each for each in found if each["event"] == MATERIALISED]


def test_models_a_webhook_and_assets_are_told_once_over_all_shards(place_of_all: Site, receiver: Receiver):
    site = place_of_all
    site.provider.rule(dear)
    many = Sharded(site, "whole")
    keys = {"model": ["cheap", "strong"], "notify": {"url": receiver.url}}
    declared = site.declared("whole", **keys)
    whole = [f"{key}: {json.dumps(value)}" for key, value in declared.items()]
    (site.root / "flows/pipelines/whole.yaml").write_text("\n".join([*whole, "steps:", EXTRACT]))
    with site.working(), site.working():
        many.run("--shards", "3")
    assert Counter(dict(site.rows("whole", "select document_id, model from docmill_outcomes")).values()) == {
        "cheap": 37,
        "strong": 3,
    }
    by_model = site.rows("whole", "select model, sum(calls) from docmill__models group by model")
    asked = Counter(each.parsed["model"] for each in site.provider.requests)
    assert dict(by_model) == asked
    told = [each["document_id"] for each in receiver.taken]
    assert sorted(told) == sorted(f"whole/{each}.txt" for each in many.documents)
    [[parent]] = site.rows("whole", "select flow_run_id from docmill_runs")
    assert eventually(lambda: bool(materialised(site, parent)), 30)
    [event] = materialised(site, parent)
    assert (event["payload"]["rows"], event["payload"]["documents_in"]) == (40, 40)
