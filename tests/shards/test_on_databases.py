"""Sharded runs whose cache and results are in PostgreSQL, which goes away in the middle."""

from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import TimeoutExpired
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.cut import Relay, relayed
from tests.support.databases import fresh
from tests.support.deploying import Site, deployed
from tests.support.processes import eventually
from tests.support.sharded import Sharded, ended

pytestmark = pytest.mark.slow
CONCURRENCY = 8


@pytest.fixture(scope="module")
def place_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with deployed(tmp_path_factory.mktemp("databases")) as site:
        yield site


@dataclass
class Databases:
    """A database for the cache and one for the results, and the way to them, which can be cut."""

    cache: str
    results: str
    relay: Relay
    through: str

    def by_relay(self, url: str) -> str:
        """Give a database's URL by that way."""
        return urlsplit(self.through)._replace(path=urlsplit(url).path).geturl()

    def stored(self) -> int:
        """Count the completions that the cache holds."""
        with psycopg.connect(self.cache) as connection:
            [(count,)] = connection.execute("SELECT count(*) FROM docmill__completions").fetchall()
        return int(count)


@pytest.fixture
def databases(postgres: str, place_of_all: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    cache, results = (fresh(postgres).replace("+psycopg", "") for _ in range(2))
    with relayed(cache) as (relay, through):
        monkeypatch.setitem(place_of_all.environment, "DOCMILL_CACHE", through)
        yield Databases(cache, results, relay, through)


def cut_in_the_middle(many: Sharded, relay: Relay) -> None:
    """Cut the way once both shards are at work."""

    def under_way() -> bool:
        states = [shard[3] for shard in many.shards()]
        return states == ["running", "running"] and len(many.site.provider.requests) > CONCURRENCY

    assert eventually(under_way, 200)
    relay.cut()


def test_a_cache_that_is_away_for_ten_seconds_is_waited_for_by_all_shards(
    place_of_all: Site, databases: Databases
):
    many = Sharded(place_of_all, "away", databases.results)
    many.site.provider.delay_s = 3.0
    with many.site.working(), many.site.working():
        begun = many.begin("--shards", "2")
        cut_in_the_middle(many, databases.relay)
        with pytest.raises(TimeoutExpired):
            begun.wait(10)
        databases.relay.mend()
        many.site.provider.delay_s = 0.0
        ended(begun, 0)
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"]) == ("complete", 40, 40)
    assert (row["calls"], row["cached_calls"]) == (31, 9)
    assert [shard[2:4] for shard in many.shards()] == [(1, "complete")] * 2
    assert len(many.site.provider.requests) == databases.stored() == 31


def test_shards_that_begin_while_the_cache_is_away_are_begun_again_once_it_is_back(
    place_of_all: Site, databases: Databases
):
    many = Sharded(place_of_all, "late", databases.results)
    begun = many.begin("--shards", "2")
    assert eventually(lambda: [each[3] for each in many.shards()] == ["waiting"] * 2, 120)
    databases.relay.cut()
    with many.site.working(), many.site.working():
        assert eventually(lambda: any(each[2] > 1 for each in many.shards()), 200)
        databases.relay.mend()
        ended(begun, 0)
    [row] = many.rows()
    assert (row["state"], row["documents_in"], row["done"]) == ("complete", 40, 40)
    assert len(many.site.provider.requests) == databases.stored() == 31


def test_where_cache_and_results_are_gone_the_run_ends_and_the_next_one_finishes(
    place_of_all: Site, databases: Databases
):
    many = Sharded(place_of_all, "gone", databases.by_relay(databases.results))
    many.site.provider.delay_s = 3.0
    with many.site.working(), many.site.working():
        begun = many.begin("--shards", "2")
        cut_in_the_middle(many, databases.relay)
        printed = ended(begun, 3)
        assert "Traceback" not in printed
        assert "postgresql" in printed
        databases.relay.mend()
        many.site.provider.delay_s = 0.0
        many.run("--shards", "2")
    assert many.asked("select status, count(*) from docmill_outcomes group by status") == [("done", 40)]
    assert many.asked("select count(*) from docmill_runs where state = 'running'") == [(0,)]
    assert databases.stored() == 31
    assert len(many.site.provider.requests) <= 31 + CONCURRENCY  # what was in flight alone is asked again
