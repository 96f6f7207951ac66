"""`docmill watch` says when nobody takes up its events: once, and again when that changes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docmill.flows.watch.client import Ask, asking
from docmill.flows.watch.takers import Takers, why_nobody
from tests.support.deploying import Site, deployed
from tests.support.processes import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def ask(site: Site) -> Iterator[Ask]:
    """Give the way to ask the site's server, whose deployment `arrived` has a worker."""
    with asking(site.api) as asked:
        assert eventually(lambda: why_nobody("inbox", asked) == "", 300)
        yield asked


def _changed(site: Site, path: str, **values: object) -> None:
    """Change what the server has, again where it says that its database is busy."""
    assert eventually(lambda: httpx.patch(f"{site.api}{path}", json=values, timeout=90).is_success, 300)


def test_a_server_without_deployments_is_told_with_what_to_type(prefect_api: str):
    with asking(prefect_api) as asked:
        found = why_nobody("inbox", asked)
    assert found.startswith(
        "no deployment on the server is started by document.arrived of docmill.inbox.inbox"
    )
    assert "`docmill deploy inbox --on-arrival`" in found


def test_a_pool_that_is_paused_is_told_once_and_when_it_goes_on(site: Site, ask: Ask):
    said: list[str] = []
    takers = Takers("inbox", said.append)
    takers.look(ask)
    assert (said, takers.may_be_asked()) == ([], False)
    try:
        _changed(site, "/work_pools/docmill", is_paused=True)
        takers.look(ask)
        takers.look(ask)
    finally:
        _changed(site, "/work_pools/docmill", is_paused=False)
    takers.look(ask)
    assert said == [
        "nobody takes up what is announced: the work pool docmill is paused",
        "what is announced is taken up again",
    ]


def test_a_trigger_that_is_switched_off_is_told(site: Site, ask: Ask):
    [automation] = site.asked("/automations/filter")
    try:
        _changed(site, f"/automations/{automation['id']}", enabled=False)
        found = why_nobody("inbox", ask)
    finally:
        _changed(site, f"/automations/{automation['id']}", enabled=True)
    assert found == f"the trigger {automation['name']} is switched off"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_pool_without_a_worker_is_told(tmp_path: Path):
    with deployed(tmp_path) as site, asking(site.api) as asked:
        found = why_nobody("inbox", asked)
        assert found.startswith("no worker is online in the work pool docmill: `docmill up`")
        with site.working():
            assert eventually(lambda: why_nobody("inbox", asked) == "", 300)
