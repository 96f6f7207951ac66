"""What files hold, as it is stored; outcomes of documents that are no more, and of those that are gone."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from docmill.schemas.bundle import Bundle, BundlePart
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Gone, Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.announced import Announced
from docmill.tasks.sinks.bundles import divide, known
from docmill.tasks.sinks.changes import changes_since
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.gone import settle
from tests.support.project import THING

TOOL = ToolSchema.model_validate({"id": "thing", **THING})
RECORD = {"name": "Ada", "count": 1, "on": "2031-01-01"}
STATED = "select document_id from p__thing order by document_id"


@pytest.fixture
def results(database: str) -> Iterator[ReviewedResults]:
    """Give the results of a pipeline, of which there are none yet."""
    opened = ReviewedResults.open(Into(url=database), "p", {"thing": TOOL})
    opened.begin(run("r1"))
    yield opened
    opened.close()


def run(run_id: str, **changes: object) -> Run:
    known = {"pipeline": "p", "pipeline_sha256": "h", "endpoint": "e", "model": "m"}
    return Run.model_validate({"run_id": run_id, "started_at": datetime.now(UTC), **known, **changes})


def bundle(*names: str, content: str = "c1", split: str = "s1") -> Bundle:
    """Say that a.pdf was divided so."""
    parts = tuple(BundlePart(name=name, sha256=content) for name in names)
    return Bundle(document_id="a.pdf", content_sha256=content, split_sha256=split, parts=parts)


def stored(results: ReviewedResults, *ids: str, status: str = "done") -> None:
    """Store outcomes with their typed rows."""
    common = {
        "uri": "u",
        "content_sha256": "c1",
        "status": status,
        "typed": {"thing": RECORD},
        "record": RECORD,
    }
    results.write([Outcome.model_validate({"document_id": each, **common}) for each in ids], "r1", "h")


def settled(results: ReviewedResults, gone: Gone, is_there: Callable[[str], bool]) -> int:
    """Settle what is gone after a listing that began now."""
    return settle(results, gone, is_there, datetime.now(UTC))


def typed(results: ReviewedResults) -> list[str]:
    with results._engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql(STATED)]


def test_how_a_file_was_divided_is_known_as_long_as_it_and_the_way_are_the_same(
    results: ReviewedResults, database: str
):
    divided = bundle("#pages=1-2", "#pages=3-3")
    divide(results, divided, asked=True)
    into = Into(url=database)
    for split, hashes, found in (
        ("s1", {"a.pdf": "c1", "b.pdf": "c1"}, {"a.pdf": divided}),
        (None, {"a.pdf": "c1"}, {"a.pdf": divided}),
        ("s2", {"a.pdf": "c1"}, {}),
        ("s1", {"a.pdf": "c2"}, {}),
        ("s1", {}, {}),
    ):
        assert known(into, "p", split, hashes) == found
    assert known(into, "q", "s1", {"a.pdf": "c1"}) == {}


def test_nothing_is_known_where_there_is_no_database_yet(tmp_path):
    assert known(Into(url=f"sqlite:///{tmp_path}/none.db"), "p", "s1", {"a.pdf": "c1"}) == {}
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_one_document_and_was_not_asked_about_is_not_written_down(
    results: ReviewedResults, database: str
):
    divide(results, bundle(""), asked=False)
    assert known(Into(url=database), "p", "s1", {"a.pdf": "c1"}) == {}
    divide(results, bundle(""), asked=True)
    assert known(Into(url=database), "p", "s1", {"a.pdf": "c1"}) == {"a.pdf": bundle("")}


def test_a_file_that_is_divided_otherwise_takes_the_place_of_what_it_was(results: ReviewedResults):
    stored(results, "a.pdf", "a.pdf#pages=9-9", "b.pdf")
    divide(results, bundle("#pages=1-2", "#pages=3-3"), asked=True)
    stored(results, "a.pdf#pages=1-2", "a.pdf#pages=3-3")
    divide(results, bundle("#pages=1-2", "#pages=3-5", content="c2"), asked=True)
    left = ["a.pdf#pages=1-2", "a.pdf#pages=9-9", "b.pdf"]  # 9-9 was never said to be of the file
    assert sorted(results.document_ids()) == left
    assert typed(results) == left
    assert [form["document_id"] for form in results.history.forms("a.pdf#pages=3-3")] == ["a.pdf#pages=3-3"]
    divide(results, bundle("", content="c3"), asked=False)
    assert sorted(results.document_ids()) == ["a.pdf#pages=9-9", "b.pdf"]


@pytest.mark.parametrize(
    ("gone", "left", "marked"),
    [
        ("keep", ["a.txt", "b.pdf#pages=1-1", "c.txt"], []),
        ("mark", ["a.txt", "b.pdf#pages=1-1", "c.txt"], ["b.pdf#pages=1-1", "c.txt"]),
        ("remove", ["a.txt"], []),
    ],
)
def test_documents_that_are_gone_stay_are_marked_or_removed(
    results: ReviewedResults, gone: Gone, left: list[str], marked: list[str]
):
    stored(results, "a.txt", "b.pdf#pages=1-1", "c.txt")
    assert settled(results, gone, {"a.txt"}.__contains__) == 2
    rows = list(results.outcomes())
    assert [row["document_id"] for row in rows] == typed(results) == left
    assert [row["document_id"] for row in rows if row["gone_at"] is not None] == marked
    assert settled(results, gone, {"a.txt"}.__contains__) == len(left) - 1


def test_a_document_that_comes_back_loses_its_mark_and_one_that_stays_away_keeps_its_time(
    results: ReviewedResults,
):
    stored(results, "a.txt", "b.txt", "c.txt")
    settled(results, "mark", {"z"}.__contains__)
    [at, *_] = [row["gone_at"] for row in results.outcomes()]
    settled(results, "mark", {"a.txt"}.__contains__)
    stored(results, "b.txt")
    assert [row["gone_at"] for row in results.outcomes()] == [None, None, at]


def test_a_file_that_is_removed_is_divided_anew_when_it_comes_back(results: ReviewedResults, database: str):
    divide(results, bundle("#pages=1-1", "#pages=2-2"), asked=True)
    stored(results, "a.pdf#pages=1-1", "a.pdf#pages=2-2")
    settled(results, "remove", {"z"}.__contains__)
    assert known(Into(url=database), "p", "s1", {"a.pdf": "c1"}) == {}


def test_what_was_removed_since_a_run_is_among_the_changes_with_its_end(results: ReviewedResults):
    stored(results, "a.txt", "b.txt")
    results.end(run("r1", state="complete", ended_at=datetime.now(UTC)))
    before = results.run("r1")
    assert before is not None
    settled(results, "remove", {"a.txt"}.__contains__)
    [removed] = changes_since(results, before)
    assert (removed["document_id"], removed["replaced_at"] is None) == ("b.txt", False)


def test_a_file_that_arrived_is_settled_once_all_that_it_holds_is(results: ReviewedResults, database: str):
    divide(results, bundle("", "#attachment=b", "#attachment=c"), asked=False)
    settled = []
    with Announced(Into(url=database), "p") as announced:
        for name, status in (("", "done"), ("#attachment=b", "failed"), ("#attachment=c", "deferred")):
            stored(results, f"a.pdf{name}", status=status)
            settled.append(announced.settled({"a.pdf": "c1"}))
        stored(results, "a.pdf#attachment=c", "b.pdf")
        settled.append(announced.settled({"a.pdf": "c1", "b.pdf": "c1", "c.pdf": "c1"}))
        settled.append(announced.settled({"a.pdf": "c2"}))
    assert settled == [set(), set(), set(), {"a.pdf", "b.pdf"}, set()]


@pytest.mark.parametrize("gone", ["mark", "remove"])
def test_what_another_run_has_done_since_the_listing_began_is_not_gone(results: ReviewedResults, gone: Gone):
    stored(results, "a.txt", "old.txt")
    listed_at = datetime.now(UTC)
    stored(results, "arrived.txt")
    assert settle(results, gone, {"a.txt"}.__contains__, listed_at) == 1
    rows = {row["document_id"]: row["gone_at"] for row in results.outcomes()}
    assert rows["arrived.txt"] is None
    assert "arrived.txt" in typed(results)
    assert ("old.txt" in rows) == (gone == "mark")


def test_a_file_that_is_there_stays_divided_where_only_an_outcome_of_it_as_a_whole_goes(
    results: ReviewedResults, database: str
):
    divided = bundle("#pages=1-1", "#pages=2-2")
    divide(results, divided, asked=True)
    stored(results, "a.pdf#pages=1-1", "a.pdf#pages=2-2", "a.pdf")  # it was not divided in between
    assert settled(results, "remove", set(divided.ids()).__contains__) == 1
    assert known(Into(url=database), "p", "s1", {"a.pdf": "c1"}) == {"a.pdf": divided}
