"""What a run has seen of its source: what it cannot know of is not gone."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.flows.run.gone import Seen, _bare
from docmill.schemas.bundle import BundlePart
from docmill.schemas.document import AS_USUAL
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.divided import PartRef, Readings, Undivided
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.remote import Objects
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.source import DocumentRef, Source
from docmill.tasks.sources.urls import url_glob


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two documents, one of them in a folder below."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "below").mkdir(parents=True)
    for name in ("a.txt", "below/b.txt"):
        (tmp_path / "in" / name).write_text(name)
    return tmp_path / "in"


def seen(source: Files | Bundles | Rows) -> Seen:
    """List a source to its end."""
    with source.opened() as refs:
        found = Seen(refs)
        for _ in found:
            pass
    found.sort()
    return found


def ref(document_id: str) -> FileRef:
    return FileRef(document_id, f"file:///{document_id}", Path(document_id))


def test_what_was_listed_is_there_and_all_that_a_file_may_hold_that_is_not_divided():
    listed: Iterator[DocumentRef] = iter(
        [
            ref("a.txt"),
            PartRef(ref("b.pdf"), BundlePart(name="#pages=1-2", pages=(1, 2)), Readings()),
            Undivided(ref("c.pdf"), Readings()),
        ]
    )
    found = Seen(listed)
    assert (len(list(found)), found.whole) == (3, True)
    found.sort()
    there = ["a.txt", "b.pdf#pages=1-2", "c.pdf", "c.pdf#pages=9-9"]
    assert [each for each in (*there, "b.pdf", "b.pdf#pages=3-3", "d.txt") if found.has(each)] == there


@pytest.mark.parametrize("divides", [False, True])
def test_a_source_of_which_a_folder_cannot_be_listed_is_not_seen_as_a_whole(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, divides: bool
):
    files = Files(("in/**",))
    source = Bundles(files, None) if divides else files
    assert seen(source).whole
    scandir = os.scandir

    def failing(path: str) -> object:
        if path == str(inbox / "below"):
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    found = seen(source)
    assert (found.has("in/below"), found.whole) == (True, False)


def test_rows_of_which_one_cannot_be_read_are_not_seen_as_a_whole(inbox: Path):
    for broken, whole in (("", True), ("2\n", False)):
        Path("t.csv").write_text(f"id,t\n1,a\n{broken}")
        assert seen(Rows(Declared(files="t.csv", key="id", text="{{ t }}"))).whole is whole


@pytest.mark.parametrize(
    ("pattern", "bare"),
    [
        ("in/*.txt", None),
        ("in/nothing-of-this-name.txt", None),
        ("in/[[]of-this-name].txt", None),
        ("empty/*.txt", "empty"),
        ("empty/a.txt", "empty"),
        ("away/*.txt", "away"),
        ("away/a.txt", "away"),
    ],
)
@pytest.mark.parametrize("kind", ["files", "bundles", "stores", "rows"])
def test_a_folder_in_which_a_pattern_begins_is_bare_where_it_is_empty_or_not_there(
    inbox: Path, kind: str, pattern: str, bare: str | None
):
    (inbox.parent / "empty").mkdir()
    files = Files(("in/**", pattern))
    sources: dict[str, Source] = {
        "files": files,
        "bundles": Bundles(files, None),
        "stores": Documents(files, Objects((url_glob("s3://bucket/*"),), AS_USUAL)),
        "rows": Rows(Declared(files=[*files.patterns, "s3://bucket/*"], key="id", text="{{ t }}")),
    }
    assert _bare(sources[kind]) == (inbox.parent / bare if bare else None)


def test_a_folder_that_cannot_be_looked_into_is_bare(inbox: Path, monkeypatch: pytest.MonkeyPatch):
    def stale(_: Path) -> Iterator[Path]:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(Path, "iterdir", stale)
    assert _bare(Files(("in/*.txt",))) == inbox


def test_a_folder_that_is_gone_for_good_is_named_in_any_way(inbox: Path):
    shutil.rmtree(inbox)
    assert _bare(Files(("in/*.txt",))) == inbox
    assert _bare(Files(("in/*.txt",)), ("in/../in",)) is None
