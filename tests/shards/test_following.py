"""A run that follows its shards: what it makes of a silent server, and of starts that are not taken."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Pending, Running, Scheduled

from docmill.flows.observe.progress import RunProgress
from docmill.flows.shards import deployment
from docmill.flows.shards.following import Following
from docmill.schemas.budget import NANO, Budget, Settled
from docmill.schemas.errors import OverBudget, StorageError
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.schemas.shard import Part, place
from docmill.tasks.chat.purse import Purse
from docmill.tasks.sinks.listed import Listed
from docmill.tasks.sinks.work import PartResults, ShardedResults

ANY: Any = None  # a client that nothing is asked


class Server:
    """Stands for the Prefect server: what it is asked, and whether it answers."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.cancelled: list[str] = []
        self.answers = True
        self.known: dict[str, Any] = {}

    async def start(self, client: object, name: str, key: str, parameters: dict[str, Any]) -> str:
        """Start a flow run, one a key."""
        self.keys.append(key)
        if not self.answers:
            raise httpx.ConnectError("gone")
        self.known.setdefault(f"flow run of {key}", Scheduled())
        return f"flow run of {key}"

    async def states(self, client: object, ids: list[str]) -> dict[str, Any]:
        """Give what is known of these."""
        if not self.answers:
            raise httpx.ConnectError("gone")
        return {each: self.known[each] for each in ids if each in self.known}

    async def cancel(self, client: object, flow_run_id: str, state: object) -> None:
        """Take it, and do nothing."""
        self.cancelled.append(flow_run_id)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(deployment, "start", server.start)
    monkeypatch.setattr(deployment, "states", server.states)
    monkeypatch.setattr(deployment, "cancel", server.cancel)
    return server


@pytest.fixture(params=[1])
def following(tmp_path: Any, request: pytest.FixtureRequest) -> Iterator[Following]:
    row = Run(
        run_id="r",
        pipeline="p",
        pipeline_sha256="h",
        endpoint="e",
        model="m",
        started_at=datetime.now(UTC),
        shards=request.param,
    )
    results = ShardedResults.open(Into(url=f"sqlite:///{tmp_path}/r.db"), "p", {})
    results.begin(row)
    results.add_work("r", [Listed(place(each), each, each) for each in "abcdefghijklmnop"])
    results.deal(row, "")
    told: list[str] = []
    session = SimpleNamespace(tell=told.append, purse=None, ending=asyncio.Event(), stopped=asyncio.Event())
    session.over_budget = session.stop = lambda _: session.ending.set()
    observer = SimpleNamespace(sharded=lambda rows: None)
    run: Any = SimpleNamespace(
        row=row,
        session=session,
        plan=SimpleNamespace(name="p"),
        progress=RunProgress(),
        ledger=SimpleNamespace(observer=observer),
        told=told,
    )
    yield Following(run, results, results.shards("r"))
    results.close()


async def look_and_judge(following: Following) -> None:
    client: Any = None
    await following._look(client)
    for number in sorted(following._open):
        await following._judge(client, lambda shard: {}, following._shards[number])


async def begin(following: Following) -> None:
    client: Any = None
    for number in sorted(following._open):
        await following._start(client, lambda shard: {}, following._shards[number], again=False)


async def test_a_server_that_is_silent_for_a_while_starts_no_further_attempt(
    following: Following, server: Server
):
    await begin(following)
    server.answers = False
    for _ in range(5):
        await look_and_judge(following)
    server.answers = True
    await look_and_judge(following)
    assert server.keys == ["docmill-r-1-1"]


async def test_a_start_that_is_not_taken_is_made_again_under_its_key(following: Following, server: Server):
    server.answers = False
    await begin(following)
    await look_and_judge(following)
    server.answers = True
    await look_and_judge(following)
    await look_and_judge(following)
    assert set(server.keys) == {"docmill-r-1-1"}
    assert following._shards[1].flow_run_id == "flow run of docmill-r-1-1"


async def test_a_flow_run_that_the_server_no_longer_has_is_started_again(
    following: Following, server: Server
):
    await begin(following)
    server.known = {"flow run of docmill-r-1-1": Running()}
    await look_and_judge(following)
    server.known = {}
    await look_and_judge(following)
    assert server.keys == ["docmill-r-1-1", "docmill-r-1-2"]


async def test_a_start_that_is_not_taken_hours_after_the_last_fails_no_run(
    following: Following, server: Server, monkeypatch: pytest.MonkeyPatch
):
    clock = [1000.0]
    monkeypatch.setattr("docmill.flows.shards.following.time.monotonic", lambda: clock[0])
    await begin(following)
    clock[0] += 7200
    server.known = {"flow run of docmill-r-1-1": Failed(message="its machine is gone")}
    await following._look(ANY)
    server.answers = False
    await following._judge(ANY, lambda shard: {}, following._shards[1])
    for _ in range(2):
        clock[0] += 100
        await look_and_judge(following)
    clock[0] += 200
    with pytest.raises(httpx.ConnectError):
        await look_and_judge(following)
    assert server.keys == ["docmill-r-1-1", *["docmill-r-1-2"] * 4]


async def test_what_the_shards_have_spent_of_the_budget_is_told_once(following: Following, server: Server):
    move = partial(following._results.spending.move, "r", limits := Budget(run_usd=Decimal(1)))
    told: list[tuple[str, float, float]] = []
    purse = Purse(move, limits, lambda error: None, lambda *nearly: told.append(nearly))
    following._run.session.purse = purse
    today = datetime.now(UTC).date()
    for cents in (50, 45):
        move(today, [cents * NANO // 100], [])
        await look_and_judge(following)
        move(today, [], [Settled(today, cents * NANO // 100, cents * NANO // 100)])
        await look_and_judge(following)
        await look_and_judge(following)
    await purse.close()
    assert told == [("run", 0.95, 1.0)]


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (None, ["CANCELLING"]),
        (Pending(), ["CANCELLING"]),
        (Running(), ["CANCELLING"]),
        (Cancelling(), []),
        (Scheduled(), ["CANCELLED"]),
    ],
    ids=str,
)
async def test_what_a_worker_has_begun_is_left_to_end_by_itself(state: Any, wanted: list[str]):
    asked = list[str]()

    async def set_state(_: object, state: Any) -> None:
        asked.append(state.type.value)

    client: Any = SimpleNamespace(set_flow_run_state=set_state)
    await deployment.cancel(client, "00000000-0000-0000-0000-000000000001", state)
    assert asked == wanted


async def test_a_shard_that_does_not_end_in_time_writes_nothing_once_its_run_is_added_up(
    following: Following, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.flows.shards.following.END_WITHIN_S", 0.0)
    await begin(following)
    server.known = {"flow run of docmill-r-1-1": Running()}
    part = begun(following, tmp_path, 1)
    part.write([done("a")], "r", "h")
    following._run.session.stopped.set()  # else it is waited for until it is silent
    await following._end(ANY)
    with pytest.raises(StorageError, match="its run has ended"):
        part.write([done("b")], "r", "h")
    part.close()
    assert following.come_to()[0] == following._results.worked("r")[1] == {"done": 1}
    assert [shard.state for shard in following._results.shards("r")] == ["stopped"]


async def test_a_shard_that_only_the_server_says_has_crashed_writes_nothing_once_its_run_is_added_up(
    following: Following, server: Server, tmp_path: Path
):
    await begin(following)
    server.known = {"flow run of docmill-r-1-1": Crashed()}
    part = begun(following, tmp_path, 1)
    part.write([done("a")], "r", "h")
    await following._end(ANY)
    with pytest.raises(StorageError, match="its run has ended"):
        part.write([done("b")], "r", "h")
    part.close()
    assert following.come_to()[0] == following._results.worked("r")[1] == {"done": 1}


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (Failed(message="the results are not there"), "the results are not there"),
        (
            Failed(message="Flow run encountered an exception: ValueError: what a\ndocument says"),
            "an error that nobody foresaw: ValueError",
        ),
        (
            Crashed(message="Execution was interrupted by an unexpected exception: OSError: what one says"),
            "an error that nobody foresaw: OSError",
        ),
        (
            Crashed(message="Flow run encountered an exception: KeyError"),
            "an error that nobody foresaw: KeyError",
        ),
        (Crashed(), "Crashed"),
    ],
)
async def test_why_a_shard_did_not_come_through_quotes_no_document(
    following: Following, server: Server, state: Any, why: str
):
    await begin(following)
    server.known = {"flow run of docmill-r-1-1": state}
    await look_and_judge(following)
    run: Any = following._run
    assert run.told == [f"shard 1 of 1 did not come through: {why}. It is started again"]


@pytest.mark.parametrize("following", [3], indirect=True)
async def test_a_stop_while_shards_are_started_waits_for_none_that_was_not(
    following: Following, server: Server, monkeypatch: pytest.MonkeyPatch
):
    session = following._run.session
    start = server.start

    async def stopped_after_the_first(*told: Any) -> str:
        session.ending.set()
        session.stopped.set()
        return await start(*told)

    monkeypatch.setattr("docmill.flows.shards.following.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(deployment, "start", stopped_after_the_first)
    through = asyncio.create_task(following.until_through(ANY, lambda shard: {}))
    await asyncio.sleep(0.3)
    assert server.keys == ["docmill-r-1-1"]
    server.known = {"flow run of docmill-r-1-1": Cancelled()}
    async with asyncio.timeout(2):
        await through


async def through_at(following: Following, server: Server, calls: int) -> None:
    """Follow until the server was asked for so many flow runs, then for a while."""
    through = asyncio.create_task(following.until_through(ANY, lambda shard: {}))
    async with asyncio.timeout(5):
        while len(server.keys) < calls and not through.done():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    through.cancel()


async def taken_up(following: Following, server: Server, state: Any, calls: int) -> None:
    """Take up a run, whose first shard's flow run is in a state, until so many flow runs were asked for."""
    server.known = {"flow run of docmill-r-1-1": state}
    later = Following(following._run, following._results, following._results.shards("r"))
    await through_at(later, server, calls)


@pytest.mark.parametrize("state", [Cancelling(), Cancelled()], ids=str)
@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_run_that_was_cancelled_as_its_process_died_is_begun_again_where_it_is_taken_up(
    following: Following,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_begun: bool,
    state: Any,
):
    """As by a second Ctrl-C: what was cancelled then is no cancel of the run that goes on."""
    monkeypatch.setattr("docmill.flows.shards.following.LOOK_EVERY_S", 0.01)
    await begin(following)
    if is_begun:
        part = begun(following, tmp_path, 1)
        part.end(following._run.row.model_copy(update={"state": "stopped"}))
        part.close()
    await taken_up(following, server, state, calls=2)
    assert server.keys == ["docmill-r-1-1", "docmill-r-1-2"]
    assert not following._run.session.ending.is_set()


async def test_a_budget_that_was_spent_as_its_process_died_is_asked_anew_where_it_is_taken_up(
    following: Following, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.flows.shards.following.LOOK_EVERY_S", 0.01)
    await begin(following)
    part = begun(following, tmp_path, 1)
    part.end(following._run.row.model_copy(update={"state": "stopped"}), OverBudget("spent"))
    part.close()
    await taken_up(following, server, Failed(name="Stopped"), calls=2)
    assert server.keys == ["docmill-r-1-1", "docmill-r-1-2"]
    assert not following._run.session.ending.is_set()


async def test_a_shard_that_goes_on_is_left_alone_by_the_run_that_is_taken_up(
    following: Following, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.flows.shards.following.LOOK_EVERY_S", 0.01)
    await begin(following)
    begun(following, tmp_path, 1).close()
    await taken_up(following, server, Running(), calls=1)
    assert server.keys == ["docmill-r-1-1"]


@pytest.mark.parametrize("following", [3], indirect=True)
@pytest.mark.parametrize("stops", [False, True])
async def test_where_the_budget_is_spent_what_shards_have_in_flight_ends_by_itself(
    following: Following, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: bool
):
    """A call that is ended is paid for all the same; a person who stops the run waits no longer."""
    monkeypatch.setattr("docmill.flows.shards.following.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("docmill.flows.shards.following.END_WITHIN_S", 0.2)
    await begin(following)
    over, running, waiting = (f"flow run of docmill-r-{number}-1" for number in (1, 2, 3))
    parts = [begun(following, tmp_path, number) for number in (1, 2)]
    row = following._run.row.model_copy(update={"state": "stopped"})
    server.known = {over: Running(), running: Running(), waiting: Scheduled()}
    through = asyncio.create_task(following.until_through(ANY, lambda shard: {}))
    while not following._signs:
        await asyncio.sleep(0.01)
    parts[0].end(row, OverBudget("the budget of the run does not hold the next call"))
    server.known[over] = Failed(name="Stopped")
    await asyncio.sleep(0.5)
    assert (through.done(), server.cancelled) == (False, [waiting])
    if stops:
        following._run.session.stopped.set()
        await through
        assert running in server.cancelled
    else:
        held = [each.document_id for page in parts[1].waiting_documents(9) for each in page]
        parts[1].write([done(each) for each in held], "r", "h")
        parts[1].end(row, OverBudget("the budget of the run does not hold the next call"))
        await through
        assert running not in server.cancelled
        assert following.come_to()[0] == {"done": len(held)}
    for part in parts:
        part.close()


def begun(following: Following, folder: Path, shard: int) -> PartResults:
    """Begin the first attempt of a shard."""
    shards = following._run.row.shards
    given = Part(run_id="r", shard=shard, shards=shards, attempt=1)
    part = PartResults.of(given, Into(url=f"sqlite:///{folder}/r.db"), "p", {})
    own = {"flow_run_id": f"flow run of docmill-r-{shard}-1"}
    part.begin(following._run.row.model_copy(update=own))
    return part


def done(document_id: str) -> Outcome:
    return Outcome(document_id=document_id, uri="u", content_sha256="c", status="done")
