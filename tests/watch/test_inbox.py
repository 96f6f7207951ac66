"""What `docmill watch` announces, decided without a server: which files, in which events, under which ids."""

import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.watch import event as events
from docmill.flows.watch.availability import Availability
from docmill.flows.watch.inbox import Arrival, Inbox
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.announced import Announced
from docmill.tasks.sources.files import FileRef
from tests.support.outcomes import store

AGAIN_AFTER_S = 600


def _arrival(name: str, digest: str | None = "h") -> Arrival:
    path = Path("/in", name)
    return Arrival(FileRef(name, path.as_uri(), path), digest, str(path))


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=80)
arrivals = st.builds(_arrival, names, st.none() | st.sampled_from(["g", "h"]))
many = st.builds(
    lambda few, times: [each for each in few for _ in range(times)],
    st.lists(arrivals, max_size=12),
    st.integers(1, 150),
)


def _bytes(group: list[Arrival]) -> int:
    written = events.event("p" * 200, group, 1, datetime.now(UTC))
    return len(json.dumps(written).encode())


@given(many)
def test_grouped_loses_none_and_every_event_is_within_its_limits(given_: list[Arrival]):
    groups = list(events.grouped(given_))
    assert [arrival for group in groups for arrival in group] == given_
    assert all(0 < len(group) <= 500 and _bytes(group) <= 256_000 for group in groups)


@given(many)
def test_no_event_could_have_taken_the_next_document(given_: list[Arrival]):
    groups = list(events.grouped(given_))
    for group, following in pairwise(groups):
        assert len(group) == 500 or _bytes([*group, following[0]]) > 256_000 - events.ENVELOPE_BYTES


def test_five_hundred_documents_are_one_event_and_one_more_are_two():
    burst = [_arrival(f"{number}.txt") for number in range(501)]
    assert [len(group) for group in events.grouped(burst)] == [500, 1]


def test_long_names_fill_an_event_before_its_count_does():
    burst = [_arrival("日" * 80 + str(number)) for number in range(500)]
    sizes = [_bytes(group) for group in events.grouped(burst)]
    assert len(sizes) == 2
    assert max(sizes) <= 256_000


@given(st.lists(arrivals, min_size=1, max_size=8), st.randoms(), st.integers(1, 9))
def test_the_id_does_not_depend_on_the_order(group: list[Arrival], chance, number: int):
    shuffled = list(group)
    chance.shuffle(shuffled)
    assert events.event_id("p", group, number) == events.event_id("p", shuffled, number)


@given(st.lists(arrivals, min_size=1, max_size=8), st.integers(1, 9))
def test_another_number_content_document_or_pipeline_is_another_id(group: list[Arrival], number: int):
    changed = [_arrival(group[0].ref.document_id, "another"), *group[1:]]
    ids = {
        events.event_id("p", group, number),
        events.event_id("p", group, number + 1),
        events.event_id("q", group, number),
        events.event_id("p", changed, number),
        events.event_id("p", [*group, _arrival("one more")], number),
    }
    assert len(ids) == 5


def test_the_event_is_the_contracts():
    written = events.event("inbox", [_arrival("a b.txt")], 1, datetime(2026, 6, 3, tzinfo=UTC))
    assert written | {"id": ""} == {
        "id": "",
        "occurred": "2026-06-03T00:00:00+00:00",
        "event": "document.arrived",
        "resource": {"prefect.resource.id": "docmill.inbox.inbox"},
        "payload": {"pipeline": "inbox", "documents": ["file:///in/a%20b.txt"]},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the directory that files arrive in."""
    made = tmp_path / "in"
    made.mkdir()
    return made


def _inbox(folder: Path, *patterns: str) -> Inbox:
    return Inbox(str(folder), patterns or ("in/*.txt",), folder.parent, settle_s=2.0)


def _ripe(inbox: Inbox, now: float) -> dict[str, str | None]:
    """Look at all files, and take those that are due as announced."""
    inbox.scan(now)
    found = {}
    for arrival in inbox.ripe(now):
        assert arrival.ref.document_id not in found
        found[arrival.ref.document_id] = arrival.sha256
        inbox.announced(arrival, now + AGAIN_AFTER_S)
    return found


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_file_is_given_when_it_has_not_changed_for_the_settling_time(folder: Path):
    inbox = _inbox(folder)
    file = folder / "a.txt"
    for second in range(4):
        with file.open("a") as growing:
            growing.write("more ")
        assert _ripe(inbox, second) == {}
    assert _ripe(inbox, 4.9) == {}
    assert _ripe(inbox, 5.0) == {"in/a.txt": _hash("more " * 4)}


def test_a_file_that_changes_unnoticed_before_it_is_due_settles_anew(folder: Path):
    inbox = _inbox(folder)
    (folder / "a.txt").write_text("half")
    inbox.scan(0.0)
    (folder / "a.txt").write_text("half and half")
    assert not list(inbox.ripe(2.0))
    assert [arrival.sha256 for arrival in inbox.ripe(4.0)] == [_hash("half and half")]


def test_a_file_renamed_into_place_settles_as_any_other(folder: Path):
    inbox = _inbox(folder)
    (folder / ".a.part").write_text("text")
    assert _ripe(inbox, 0.0) == _ripe(inbox, 9.0) == {}
    (folder / ".a.part").rename(folder / "a.txt")
    assert _ripe(inbox, 10.0) == {}
    assert _ripe(inbox, 12.0) == {"in/a.txt": _hash("text")}


def test_a_notice_is_as_good_as_a_look_at_all(folder: Path):
    inbox = _inbox(folder)
    (folder / "a.txt").write_text("text")
    inbox.notice([str(folder / "a.txt"), str(folder / "b.md"), str(folder / "gone.txt")], 0.0)
    assert [arrival.path for arrival in inbox.ripe(2.0)] == [str(folder / "a.txt")]


def test_what_is_given_and_not_put_off_comes_again_with_its_next_second(folder: Path):
    inbox = _inbox(folder)
    (folder / "a.txt").write_text("text")
    inbox.scan(0.0)
    assert [len(list(inbox.ripe(now))) for now in (2.0, 2.5, 3.0, 3.0)] == [1, 0, 1, 0]


def test_new_content_is_given_again_and_a_mere_touch_is_not(folder: Path):
    inbox = _inbox(folder)
    (folder / "a.txt").write_text("text")
    (folder / "b.txt").write_text("text")
    inbox.scan(0.0)
    assert len(_ripe(inbox, 2.0)) == 2
    (folder / "a.txt").write_text("TEXT")
    os.utime(folder / "b.txt")
    assert _ripe(inbox, 10.0) == {}
    assert _ripe(inbox, 12.0) == {"in/a.txt": _hash("TEXT")}
    assert _ripe(inbox, 601.9) == {}
    assert _ripe(inbox, 602.0) == {"in/b.txt": _hash("text")}


def test_content_that_changes_under_the_same_size_and_time_is_noticed(folder: Path):
    inbox = _inbox(folder)
    file = folder / "a.txt"
    file.write_text("text")
    inbox.scan(0.0)
    assert len(_ripe(inbox, 2.0)) == 1
    before = file.stat()
    file.write_text("TEXT")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    inbox.scan(10.0)
    assert _ripe(inbox, 12.0) == {"in/a.txt": _hash("TEXT")}


def test_a_file_that_is_gone_is_forgotten(folder: Path):
    inbox = _inbox(folder)
    (folder / "a.txt").write_text("text")
    (folder / "b.txt").write_text("text")
    inbox.scan(0.0)
    (folder / "a.txt").unlink()
    assert [arrival.path for arrival in inbox.ripe(2.0)] == [str(folder / "b.txt")]
    (folder / "a.txt").write_text("text")
    inbox.scan(10.0)
    assert _ripe(inbox, 12.0).keys() == {"in/a.txt", "in/b.txt"}


def test_hidden_files_directories_and_what_no_pattern_matches_are_left_alone(folder: Path):
    (folder / "d.txt").mkdir()
    for name in (".hidden.txt", "a.md", "deep.txt~"):
        (folder / name).write_text("text")
    (folder.parent / "a.txt").write_text("text")
    inbox = _inbox(folder, "in/*.txt", "*.txt")
    inbox.scan(0.0)
    assert _ripe(inbox, 2.0) == {}


def test_what_cannot_be_read_is_given_without_a_hash(folder: Path):
    """So that a run makes it a failed document. Permissions mean nothing to root: links do."""
    (folder / "nowhere.txt").symlink_to("gone")
    (folder / "outside.txt").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.txt")
    inbox = _inbox(folder)
    inbox.scan(0.0)
    assert _ripe(inbox, 2.0) == dict.fromkeys(["in/nowhere.txt", "in/outside.txt", "in/pipe.txt"])


@pytest.mark.parametrize(
    ("pattern", "directory"),
    [
        ("in/*.txt", "in"),
        ("in/*.txt", "."),
        ("in/*.txt", ".."),
        ("in/**", "in/deep/er"),
        ("in/**/x.txt", "in/deep"),
        ("in/*/x.txt", "in/deep"),
        ("*/deep/*", "in/deep"),
        ("{root}/in/*.txt", "in"),
        ("in/[d]eep/*", "in/deep"),
        ("in/a.txt", "in"),
        ("in/deep/../*.txt", "in"),
    ],
)
def test_a_directory_that_a_pattern_reaches_is_taken(folder: Path, pattern: str, directory: str):
    (folder / "deep" / "er").mkdir(parents=True)
    root = folder.parent
    place = os.path.normpath(root / directory)
    assert Inbox(place, [pattern.format(root=root)], root)


@pytest.mark.parametrize(
    ("pattern", "directory"),
    [
        ("in/*.txt", "in/deep"),
        ("in/*/x.txt", "in/deep/er"),
        ("in/*.txt", "other"),
        ("in/.*/*.txt", "in/deep"),
        ("{root}/other/*", "in"),
    ],
)
def test_a_directory_that_no_pattern_reaches_is_refused_and_both_are_named(
    folder: Path, pattern: str, directory: str
):
    (folder / "deep" / "er").mkdir(parents=True)
    root = folder.parent
    (root / "other").mkdir()
    pattern = pattern.format(root=root)
    with pytest.raises(ConfigError) as refused:
        Inbox(str(root / directory), [pattern], root)
    assert repr(pattern) in str(refused.value)
    assert repr(str(root / directory)) in str(refused.value)


def test_a_directory_below_a_link_that_is_not_named_is_refused(folder: Path):
    (folder.parent / "elsewhere").mkdir()
    (folder / "link").symlink_to(folder.parent / "elsewhere")
    assert Inbox(str(folder / "link"), ["in/link/*"], folder.parent)
    with pytest.raises(ConfigError):
        Inbox(str(folder / "link"), ["in/*/*"], folder.parent)


def test_what_is_gone_is_said_once_and_asked_after_one_second_doubling_to_thirty(
    monkeypatch: pytest.MonkeyPatch,
):
    clock = [100.0]
    monkeypatch.setattr("docmill.flows.watch.availability.time.monotonic", lambda: clock[0])
    said: list[str] = []
    availability = Availability("the server", said.append)
    waits = []
    for _ in range(7):
        availability.failed("refused")
        began = clock[0]
        while not availability.may_be_asked():
            clock[0] += 0.5
        waits.append(clock[0] - began)
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    availability.answered()
    availability.answered()
    assert said == [
        "the server cannot be used, what arrives is announced when it can: refused",
        "the server can be used again",
    ]
    availability.failed("refused")
    clock[0] += 1
    assert availability.may_be_asked()


def _settled(url: str, **documents: str | None) -> set[str]:
    with Announced(Into(url=url), "p") as results:
        return results.settled(documents)


def test_an_outcome_counts_for_its_pipeline_document_and_content_unless_it_is_deferred(database: str):
    store(
        database, "p", ("a", "done", "1"), ("b", "failed", "1"), ("c", "deferred", "1"), ("d", "failed", None)
    )
    store(database, "q", ("e", "done", "1"))
    assert _settled(database, a="1", b="1", c="1", d=None, e="1", f="1") == {"a", "b", "d"}
    assert _settled(database, a="2", b=None, d="1") == set()


def test_where_nothing_was_stored_yet_nothing_has_an_outcome_and_nothing_is_made(database: str):
    assert _settled(database, a="1") == set()
    if database.startswith("sqlite"):
        assert not Path(database.removeprefix("sqlite:///")).exists()


def test_a_database_that_does_not_answer_is_an_error(tmp_path: Path):
    file = tmp_path / "results.db"
    file.write_bytes(b"this is no database" * 100)
    for url in ("postgresql://nobody@127.0.0.1:9/none", f"sqlite:///{file}"):
        with pytest.raises(StorageError, match=r"127\.0\.0\.1:9/none|results\.db"):
            _settled(url, a="1")


@pytest.mark.parametrize("divides", [False, True])
def test_a_file_has_the_id_that_its_outcome_will_have(tmp_path: Path, divides: bool):
    """Where files are divided, one that is called like a document within another has its URI."""
    (tmp_path / "a.pdf#pages=1-2").write_text("x")
    inbox = Inbox(str(tmp_path), ["*"], tmp_path, 0.0, divides=divides)
    inbox.scan(0.0)
    [arrival] = inbox.ripe(1.0)
    assert arrival.ref.document_id == (arrival.ref.uri if divides else "a.pdf#pages=1-2")
