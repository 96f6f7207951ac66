"""How documents, calls in flight and options come to shards."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.options import RunOptions, Shards
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.pipeline.shards import (
    as_parameter,
    handed_on,
    how_many,
    require_room,
    require_shards,
    share,
    taken,
)
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Limits
from docmill.schemas.shard import PLACES, place, ranges
from docmill.schemas.timeline import Timeline, together
from tests.support.project import Project


@given(st.integers(1, 200))
def test_shards_divide_all_places_between_them(shards: int):
    parts = ranges(shards)
    assert (parts[0][0], parts[-1][1], len(parts)) == (0, PLACES, shards)
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert (
        max(beyond - first for first, beyond in parts) - min(beyond - first for first, beyond in parts) <= 1
    )


@given(st.text())
def test_each_id_has_one_place(document_id: str):
    assert 0 <= place(document_id) < PLACES


def test_many_documents_come_to_shards_of_about_the_same_size():
    parts = ranges(8)
    found = Counter(
        next(shard for shard, (first, beyond) in enumerate(parts) if first <= place(f"{n}.txt") < beyond)
        for n in range(8000)
    )
    assert all(850 < count < 1150 for count in found.values())


@given(st.integers(1, 500), st.integers(1, 60))
def test_the_shares_of_what_may_be_in_flight_add_up(concurrency: int, shards: int):
    if shards <= concurrency:
        limits = Limits(concurrency=concurrency, requests_per_minute=60)
        shares = [share(limits, shard, shards) for shard in range(1, shards + 1)]
        assert sum(each.concurrency for each in shares) == concurrency
        assert all(each.requests_per_minute == 60 for each in shares)  # which the windows divide


@pytest.fixture
def plan(project: Project) -> Plan:
    project.documents(a="one")
    file = project.pipeline("http://127.0.0.1:9/v1", limits="{concurrency: 256}")
    return resolve(load(file), RunOptions(shards="auto"))


@pytest.mark.parametrize(("documents", "shards"), [(1, 1), (100, 1), (200, 3), (100_000, 4)])
def test_auto_goes_by_the_calls_and_the_limit(plan: Plan, documents: int, shards: int):
    assert how_many(plan, documents) == shards


def test_more_shards_than_calls_in_flight_are_refused(plan: Plan):
    require_room(plan)
    require_room(replace(plan, shards=256))
    with pytest.raises(ConfigError, match="257 share limits"):
        require_room(replace(plan, shards=257))


@pytest.mark.parametrize("shards", [2, "auto"])
def test_shards_of_a_duckdb_file_which_one_process_has_are_refused(plan: Plan, shards: Shards):
    into = plan.into.model_copy(update={"url": "duckdb:///results.duckdb"})
    require_room(replace(plan, into=into, shards=1))
    with pytest.raises(ConfigError, match="a DuckDB file takes one process at a time"):
        require_room(replace(plan, into=into, shards=shards))


@pytest.mark.parametrize("shards", [0, -1, 201, "some", 1.5])
def test_a_number_of_shards_that_cannot_be_is_refused(shards: object):
    with pytest.raises(ConfigError, match="a number from 1 to 200, or auto"):
        require_shards(RunOptions(shards=shards))  # type: ignore[arg-type]


def test_options_come_to_the_shards_as_they_were_given():
    options = RunOptions(
        model="m", concurrency=4, refresh=True, max_cost=Decimal("1.5"), into="sqlite:///r.db"
    )
    assert taken(handed_on(options)) == replace(options, as_kept=True)


def test_what_is_written_down_of_many_chosen_documents_is_short():
    """Each shard's row has it, and is read each second."""
    ids = [f"in/{number}.txt" for number in range(10_000)]
    chosen, fewer = (RunOptions(only=frozenset(each)) for each in (ids, ids[1:]))
    assert chosen.selection() == RunOptions(only=frozenset(reversed(ids))).selection()
    assert len({each.selection() for each in (chosen, fewer, RunOptions(), RunOptions(limit=1))}) == 4
    assert len(chosen.selection()) < 100


def test_what_chooses_documents_is_not_handed_on():
    options = RunOptions(limit=3, document=("a",), sample=2, only=frozenset({"a"}), shards=4, yes=True)
    assert handed_on(options) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (RunOptions(into="postgresql://me:secret@db.example/x"), "a password must not reach"),
        (RunOptions(into="postgresql://db.example/x"), "DOCMILL_HOSTS"),
        (RunOptions(into="sqlite:////etc/x.db"), "DOCMILL_ROOTS"),
        (RunOptions(endpoint="https://elsewhere.example/v1"), "DOCMILL_HOSTS"),
        (RunOptions(trial=True), "leave --shards out"),
    ],
)
def test_what_a_server_must_not_know_or_a_worker_not_do_is_refused(options: RunOptions, said: str):
    with pytest.raises(ConfigError, match=said) as refused:
        require_shards(replace(options, shards=2))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "told", [None, [], {"trial": True}, {"max_cost": "much"}, {"endpoint": "http://x.example"}]
)
def test_options_that_no_run_hands_on_are_refused(told: object):
    with pytest.raises(ConfigError):
        taken(told)


def test_a_pipelines_file_is_named_as_every_worker_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert as_parameter(tmp_path / "pipelines" / "p.yaml") == "pipelines/p.yaml"
    assert as_parameter("p") == "p"
    assert as_parameter("/elsewhere/p.yaml") == "/elsewhere/p.yaml"


def test_the_times_of_shards_are_one_time():
    first = Timeline(slot_s=1, calls=(1, 1), usd=(0.5, 0.5), held_back={"server": 4.0})
    second = Timeline(slot_s=2, calls=(5,), held_back={"server": 2.0})
    whole = together([(0.0, first), (2.0, second)])
    assert (whole.slot_s, whole.calls, whole.usd) == (2, (2, 5), (1.0, 0.0))
    assert whole.held_back == {"server": 3.0}
