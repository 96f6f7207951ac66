"""A sharded run in Prefect's UI: the run and its shards are one tree."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.browser import colours, opened
from tests.support.deploying import Site, deployed
from tests.support.sharded import Sharded

pytestmark = pytest.mark.browser
COMPLETED = bytes.fromhex("219d4b")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """Give a site on which a run of four shards has ended, and its flow run."""
    with deployed(tmp_path_factory.mktemp("tree")) as site:
        many = Sharded(site, "tree")
        site.provider.delay_s = 0.2
        with site.working(), site.working():
            many.run("--shards", "4")
        yield site, str(many.parent()["id"])


def test_the_graph_has_the_shards_below_their_run(run: tuple[Site, str]):
    site, parent = run
    graph = httpx.get(f"{site.api}/flow_runs/{parent}/graph-v2").raise_for_status().json()
    below = [(node["label"], node["kind"]) for _, node in graph["nodes"]]
    assert sorted(below) == [(f"shard / tree {number} of 4", "flow-run") for number in (1, 2, 3, 4)]
    assert {artifact["key"] for artifact in graph["artifacts"]} == {"tree-progress", "tree-report"}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_page_draws_them(run: tuple[Site, str], tmp_path: Path, version: str):
    site, parent = run
    ui = site.api.removesuffix("/api") if version == "v1" else site.api.removesuffix("api") + "v2"
    page = opened(f"{ui}/runs/flow-run/{parent}", tmp_path, f"tree-{version}", "Finished in state")
    assert "Finished in state Completed('40 documents: 40 done')" in page.text
    found = colours(page.picture, rows=400)
    assert found[COMPLETED] > 2000  # four bars of 28 by 32 pixels and more
