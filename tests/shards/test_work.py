"""What a run writes down for its shards, on both databases: each document once, whatever a worker does."""

from datetime import UTC, datetime

import pytest

from docmill.schemas.bundle import Bundle, BundlePart
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.outcome import Outcome, Run, Status, Tally
from docmill.schemas.pipeline import Into
from docmill.schemas.shard import Part, place
from docmill.schemas.timeline import Timeline
from docmill.tasks.sinks.bundles import divide
from docmill.tasks.sinks.listed import Listed
from docmill.tasks.sinks.work import PartResults, ShardedResults

IDS = [f"in/{number}.txt" for number in range(30)]
RUN = Run(
    run_id="r",
    pipeline="p",
    pipeline_sha256="h",
    endpoint="e",
    model="m",
    started_at=datetime.now(UTC),
    shards=3,
    documents_in=2,
    counts={"unchanged": 2},
)


@pytest.fixture
def results(database: str) -> ShardedResults:
    """Give the results of a run whose thirty documents are dealt to three shards."""
    results = ShardedResults.open(Into(url=database), "p", {})
    results.begin(RUN)
    results.add_work("r", [Listed(place(each), each, f"file:///{each}") for each in IDS])
    results.deal(RUN, "all")
    return results


def part(database: str, results: ShardedResults, shard: int) -> PartResults:
    """Begin the next attempt of a shard."""
    before = results.shards("r")[shard - 1]
    attempt = results.attempted("r", before).attempt
    given = Part(run_id="r", shard=shard, shards=3, attempt=attempt)
    begun = PartResults.of(given, Into(url=database), "p", {})
    begun.begin(RUN)
    return begun


def ids(begun: PartResults) -> list[str]:
    return [each.document_id for page in begun.waiting_documents(4) for each in page]


def outcome(document_id: str, status: Status = "done") -> Outcome:
    tally = Tally(attempts=2, calls=1, prompt_tokens=10, cost_usd=0.5)
    return Outcome(document_id=document_id, uri="u", content_sha256="c", status=status, **tally.model_dump())


def test_each_document_is_in_one_shard(results: ShardedResults, database: str):
    found = [ids(part(database, results, shard)) for shard in (1, 2, 3)]
    assert sorted(each for shard in found for each in shard) == sorted(IDS)
    assert [len(shard) for shard in found] == [shard.documents for shard in results.shards("r")]
    assert results.worked("r") == (30, {})


def test_what_an_outcome_is_and_cost_counts_in_the_transaction_that_stores_it(
    results: ShardedResults, database: str
):
    begun = part(database, results, 1)
    first, second, *_ = ids(begun)
    begun.write([outcome(first), outcome(second, "failed")], "r", "h")
    [shard, *_] = results.shards("r")
    assert (shard.counts, shard.calls, shard.cost_usd) == ({"done": 1, "failed": 1}, 2, 1.0)
    assert results.worked("r") == (30, {"done": 1, "failed": 1})
    begun.close()


def test_another_attempt_goes_on_where_the_first_was(results: ShardedResults, database: str):
    failed = part(database, results, 2)
    first, second, *rest = ids(failed)
    failed.write([outcome(first), outcome(second, "deferred")], "r", "h")
    failed.end(RUN.model_copy(update={"state": "failed", "calls": 3}))
    again = part(database, results, 2)
    assert sorted(ids(again)) == sorted([second, *rest])
    again.write([outcome(each) for each in ids(again)], "r", "h")
    again.end(RUN.model_copy(update={"state": "complete"}))
    shard = results.shards("r")[1]
    assert (shard.counts, shard.attempt) == ({"done": shard.documents}, 2)
    assert shard.calls == shard.documents + 2  # so were the deferred one and what could not be stored
    assert shard.finished()


def test_an_attempt_that_was_given_up_writes_nothing_any_more(results: ShardedResults, database: str):
    """A machine that was thought dead comes back."""
    old = part(database, results, 1)
    new = part(database, results, 1)
    [document, *_] = ids(new)
    with pytest.raises(StorageError, match="another attempt has taken this shard over"):
        old.write([outcome(document)], "r", "h")
    assert not list(results.outcomes())
    with pytest.raises(StorageError):
        old.beat()
    with pytest.raises(StorageError):
        old.end(RUN)
    new.write([outcome(document)], "r", "h")
    new.beat()


def test_what_a_run_gives_up_writes_nothing_any_more_and_was_attempted_no_oftener(
    results: ShardedResults, database: str
):
    begun = part(database, results, 1)
    given_up = results.given_up("r", results.shards("r")[0])
    assert (given_up.attempt, given_up.state) == (1, "stopped")
    assert results.shards("r")[0] == given_up
    for write in (
        begun.beat,
        lambda: begun.write([outcome(ids(begun)[0])], "r", "h"),
        lambda: begun.end(RUN),
    ):
        with pytest.raises(StorageError, match="another attempt has taken this shard over, or its run"):
            write()
    assert results.shards("r")[0] == given_up
    again = part(database, results, 1)
    again.write([outcome(ids(again)[0])], "r", "h")
    assert results.shards("r")[0].attempt == 2


def test_what_a_run_has_given_up_before_it_begins_does_not_begin(results: ShardedResults, database: str):
    first = results.attempted("r", results.shards("r")[0])
    results.given_up("r", first)
    late = PartResults.of(Part(run_id="r", shard=1, shards=3, attempt=1), Into(url=database), "p", {})
    with pytest.raises(ConfigError, match="whose shard 1 waits"):
        late.begin(RUN)
    assert results.shards("r")[0].attempt == 1


def test_two_outcomes_of_one_document_are_refused(results: ShardedResults, database: str):
    begun = part(database, results, 1)
    [document, *_] = ids(begun)
    begun.write([outcome(document)], "r", "h")
    with pytest.raises(StorageError, match="has two outcomes"):
        begun.write([outcome(document, "failed")], "r", "h")
    assert [row["status"] for row in results.outcomes()] == ["done"]


def test_a_shard_of_a_run_that_has_ended_stops(results: ShardedResults, database: str):
    begun = part(database, results, 1)
    results.fail("r")
    with pytest.raises(StorageError):
        begun.beat()
    assert results.worked("r") == (0, {})  # no text of a row stays


def test_a_shard_of_a_run_that_has_ended_does_not_begin(results: ShardedResults, database: str):
    begun = part(database, results, 1)
    begun.write([outcome(ids(begun)[0])], "r", "h")
    results.fail("r")
    with pytest.raises(ConfigError, match="holds no run r whose shard 1 waits"):
        part(database, results, 1)
    assert results.shards("r")[0].counts == {"done": 1}


def test_a_worker_with_other_results_does_nothing(tmp_path: object, database: str, results: ShardedResults):
    stranger = PartResults.of(Part(run_id="other", shard=1, shards=3, attempt=1), Into(url=database), "p", {})
    with pytest.raises(ConfigError, match="must be those of the run"):
        stranger.begin(RUN)


def test_a_run_that_died_is_found_by_the_next_over_the_same_documents(results: ShardedResults, database: str):
    assert [row["run_id"] for row in results.begun("h", "all")] == ["r"]
    assert not results.begun("another pipeline", "all")
    assert not results.begun("h", "other documents")
    assert results.begun("h", "all")[0]["unchanged"] == 2


def test_a_run_that_died_with_its_shards_has_cost_what_all_their_attempts_have(
    results: ShardedResults, database: str
):
    killed = part(database, results, 1)
    first, second, *_ = ids(killed)
    killed.write([outcome(first), outcome(second, "deferred")], "r", "h")
    again = part(database, results, 1)
    again.write([outcome(second)], "r", "h")
    results.fail("r")
    row = results.run("r")
    assert row is not None
    assert (row["done"], row["deferred"], row["documents_in"]) == (2, 0, 4)  # two were unchanged
    assert (row["calls"], row["prompt_tokens"], row["cost_usd"]) == (3, 30, 1.5)


def test_the_time_of_a_run_is_that_of_its_shards(results: ShardedResults):
    results.timelines.keep("r", RUN.started_at, Timeline())
    for shard in (1, 2):
        results.timelines.keep(
            f"r/{shard}", RUN.started_at, Timeline(calls=(1, 2), held_back={"server": 4.0})
        )
    found = results.timelines.of_run("r")
    assert found is not None
    assert (found.calls, found.held_back) == ((2, 4), {"server": 4.0})


def test_what_a_file_holds_is_work_of_the_shard_that_has_the_file(results: ShardedResults, database: str):
    begun = part(database, results, 2)
    file, *others = ids(begun)
    parts = tuple(BundlePart(name=f"#pages={number}-{number}", sha256="c") for number in (1, 2, 3))
    bundle = Bundle(document_id=file, content_sha256="c", split_sha256="s", parts=parts)
    divide(begun, bundle, asked=True)
    assert {place(each) for each in bundle.ids()} == {place(file)}
    assert sorted(ids(begun)) == sorted([*others, *bundle.ids()])
    within = {each.document_id: each.file for page in begun.waiting_documents(4) for each in page}
    assert within == dict.fromkeys(others) | dict.fromkeys(bundle.ids(), file)
    begun.write([outcome(each) for each in (bundle.ids()[0], *others)], "r", "h")
    again = part(database, results, 2)
    assert sorted(ids(again)) == bundle.ids()[1:]
    again.write([outcome(each) for each in bundle.ids()[1:]], "r", "h")
    again.end(RUN.model_copy(update={"state": "complete"}))
    [_, shard, _] = results.shards("r")
    assert (shard.documents, shard.counts, shard.finished()) == (
        len(others) + 3,
        {"done": len(others) + 3},
        True,
    )
    assert results.worked("r")[0] == len(IDS) + 2
    with pytest.raises(StorageError, match="another attempt"):
        divide(begun, bundle.model_copy(update={"document_id": others[0]}), asked=True)


def test_what_a_file_is_found_to_hold_is_not_listed_again_in_the_same_attempt(
    results: ShardedResults, database: str
):
    """The last document of a page is divided before the next page is asked for."""
    begun = part(database, results, 2)
    pages = begun.waiting_documents(4)
    first = next(pages)
    file = first[-1].document_id
    parts = tuple(BundlePart(name=f"#pages={number}-{number}", sha256="c") for number in (1, 2))
    bundle = Bundle(document_id=file, content_sha256="c", split_sha256="s", parts=parts)
    divide(begun, bundle, asked=True)
    rest = [each.document_id for page in pages for each in page]
    assert not set(rest) & set(bundle.ids())
    assert sorted(ids(part(database, results, 2))) == sorted(
        [*(each.document_id for each in first[:-1]), *rest, *bundle.ids()]
    )


@pytest.fixture
def others(results: ShardedResults) -> list[str]:
    """List the same documents for the shards of another run; gives their ids."""
    other = RUN.model_copy(update={"run_id": "s"})
    results.begin(other)
    results.add_work("s", [Listed(place(each), each, f"file:///{each}") for each in IDS])
    results.deal(other, "all")
    return IDS


def test_the_end_of_a_run_drops_no_other_ones_work(results: ShardedResults, others: list[str]):
    results.end(RUN.model_copy(update={"state": "complete"}))
    assert [results.worked(run_id)[0] for run_id in ("r", "s")] == [0, len(others)]


def test_a_file_that_a_run_divides_stays_whole_for_another(
    results: ShardedResults, others: list[str], database: str
):
    begun = part(database, results, 1)
    file, *_ = ids(begun)
    parts = tuple(BundlePart(name=f"#pages={number}-{number}", sha256="c") for number in (1, 2))
    divide(begun, Bundle(document_id=file, content_sha256="c", split_sha256="s", parts=parts), asked=True)
    assert [results.worked(run_id)[0] for run_id in ("r", "s")] == [len(IDS) + 1, len(others)]
