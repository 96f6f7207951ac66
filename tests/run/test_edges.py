"""What a run does at its edges, each looked at alone: mutants lived there."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.states import Completed, Failed

from docmill.flows.run import asking, calls, dividing, long_texts
from docmill.flows.run.answer import Requests
from docmill.flows.run.intake import intake
from docmill.flows.run.reviewing import _Form
from docmill.flows.run.together import all_of
from docmill.schemas.bundle import BundlePart
from docmill.schemas.decision import OpenPoint
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, Deferred, InvalidReply, StorageError, Unreadable
from docmill.tasks.sinks.work import PartResults
from docmill.tasks.sources import scans
from docmill.tasks.sources.divided import PartRef, Readings
from docmill.tasks.sources.files import listed
from docmill.tasks.sources.reading import RowRef

ANY: Any = None


async def failing(failure: Exception) -> None:
    raise failure


FAILURES = [Unreadable("too long"), Deferred("a limit"), StorageError("a full disk")]


@pytest.mark.parametrize("turned", [False, True])
async def test_of_several_failures_that_counts_which_weighs_most(turned: bool):
    for weighs, others in ((1, FAILURES[:2]), (2, FAILURES[1:]), (2, FAILURES)):
        with pytest.raises(type(FAILURES[weighs])):
            await all_of(*map(failing, reversed(others) if turned else others))


class Failing(Requests):
    """Requests that all fail so."""

    failure: Exception

    async def completion(self, *_: Any, **__: Any) -> Any:
        raise self.failure


async def test_what_can_be_done_without_defers_its_document_and_fails_nothing():
    requests = Failing(ANY, ANY, ANY, "m")
    requests.failure = InvalidReply("no")
    assert await requests.second(b"{}", None, []) is None
    requests.failure = Deferred("a limit")
    with pytest.raises(Deferred):
        await requests.second(b"{}", None, [])


@pytest.mark.parametrize(("wait_s", "given"), [(0.2, 2), (10.3, 21)])
async def test_a_form_is_waited_for_in_whole_seconds(
    wait_s: float, given: int, monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, Any] = {}

    async def pause(**keys: Any) -> str:
        seen.update(keys)
        return "answered"

    monkeypatch.setattr(asking, "apause_flow_run", pause)
    stop: Any = SimpleNamespace(came=asyncio.Event(), reason="")
    assert await asking.asked(ANY, stop, wait_s, 2.6) == "answered"
    assert (seen["timeout"], seen["poll_interval"]) == (given, 3)


PAGES = ["The first page says so. " * 6, "The second one, too. " * 6]


@pytest.mark.parametrize(("read", "is_cut_there"), [("document", True), ("summarize", False)])
async def test_a_document_is_cut_between_its_pages_and_what_a_step_says_is_not(
    read: str, is_cut_there: bool, monkeypatch: pytest.MonkeyPatch
):
    text = "".join(PAGES)
    document = Document(
        document_id="d", uri="u", content_sha256="c", text=text, page_starts=(0, len(PAGES[0]))
    )
    seen: list[Sequence[int]] = []

    def parts(text: str, most: int, size: Any, pages: Sequence[int], *, overlap: bool) -> list[Any]:
        seen.append(pages)
        return []

    monkeypatch.setattr(long_texts, "_room", lambda *_: 200)
    monkeypatch.setattr(long_texts, "parts", parts)
    step: Any = SimpleNamespace(options=SimpleNamespace(input=read))
    basis: Any = SimpleNamespace(document=document)
    requests = Requests(ANY, basis, step, "m")
    await long_texts._pieces(requests, text, ANY, None)
    await long_texts._pieces(requests, text + "more", ANY, None)
    assert seen == [document.page_starts if is_cut_there else (), ()]


class Stored:
    """Results in which all is unchanged, and of which nothing else may be asked."""

    def has_quarantined(self) -> bool:
        return False

    def has_decisions(self) -> bool:
        return False

    def unchanged(self, known: dict[str, str], _: str) -> set[str]:
        return set(known)


async def test_scans_are_not_looked_for_where_none_can_be_read():
    plan: Any = SimpleNamespace(refresh=False, ocr="off", sha256="s")
    stored: Any = Stored()
    assert not scans.reads("off")
    refs = iter([RowRef("1", "u", "text", None)])
    assert [found.unchanged async for found in intake(refs, plan, stored)] == [True]


class OfShard(Stored, PartResults):  # type: ignore[misc]
    """The results as a shard has them."""

    def __init__(self) -> None:
        pass


async def test_a_shard_does_all_that_a_file_holds():
    """What an earlier attempt has stored of it is no longer among what waits."""
    [file] = listed([__file__])
    parts = [PartRef(file, BundlePart(name=f"#pages={n}-{n}", sha256="c"), Readings()) for n in (1, 2)]
    run: Any = SimpleNamespace(results=OfShard(), plan=None)
    found = [each async for each in dividing._found(run, iter(parts))]
    assert [(each.ref, each.unchanged) for each in found] == [(each, False) for each in parts]


async def test_prefect_draws_a_task_run_after_those_before_it_that_completed(
    monkeypatch: pytest.MonkeyPatch,
):
    """Else after those of the steps before: it would start none that waits for a failed one."""
    drawn: list[list[Any]] = []

    async def complete(*_: Any, wait_for: Sequence[Any], **__: Any) -> Any:
        drawn.append([each.value for each in wait_for])
        raise RuntimeError

    async def room() -> None: ...

    first: Any = Completed()
    last: Any = Completed()
    failed: Any = Failed()
    session: Any = SimpleNamespace(backlog=SimpleNamespace(room=room), task_runs=0)
    monkeypatch.setattr(calls, "complete", complete)
    monkeypatch.setattr(calls, "require_room", lambda *_: None)
    monkeypatch.setattr(calls, "unsent_schema", lambda *_: None)
    monkeypatch.setattr(Requests, "target", SimpleNamespace(endpoint=None))
    monkeypatch.setattr(Requests, "acts", SimpleNamespace(longest=lambda _: None))
    basis: Any = SimpleNamespace(document=SimpleNamespace(document_id="d"))
    step: Any = SimpleNamespace(id="s", options=None)
    asked = calls.Calls(ANY, basis, step, "m", session=session, waited=[first])
    for after in ([last, failed], [failed], []):
        with pytest.raises(RuntimeError):
            await asked.completion(b"{}", None, after)
    assert drawn == [[last], [first], [first]]


def form() -> _Form:
    """Make a form about two points of one document, and one of another."""

    def point(name: str) -> OpenPoint:
        return OpenPoint(path=f"/{name}", about="value", wrong="not there", step="s", name=name, value=1)

    cases: Any = [
        SimpleNamespace(document_id="a", points=(point("net"), point("tax"))),
        SimpleNamespace(document_id="b", points=(point("net"),)),
    ]
    return _Form(cases)


def answered(*decisions: str, **corrected: str) -> Any:
    said = {f"decision_{number}": each for number, each in enumerate(decisions, 1)}
    return SimpleNamespace(**said, **corrected)


def test_what_a_person_leaves_for_later_is_not_decided():
    assert form().said(answered("later", "later", "later")) == {}
    said = form().said(answered("accept", "later", "later"))
    assert {name: [(each.verdict, each.name) for each in of] for name, of in said.items()} == {
        "a": [("accept", "net")]
    }


def test_one_rejection_rejects_the_document_alone():
    said = form().said(answered("accept", "reject", "accept"))
    told = {name: [(each.verdict, each.name) for each in of] for name, of in said.items()}
    assert told == {"a": [("reject", None)], "b": [("accept", "net")]}


def test_a_correction_has_its_value():
    said = form().said(answered("correct", "later", "later", corrected_1="7"))
    assert [(each.verdict, each.text, each.seen) for each in said["a"]] == [("correct", "7", "1")]
    with pytest.raises(ConfigError, match=r"2\. tax: there is no corrected value"):
        form().said(answered("later", "correct", "later", corrected_2=""))
