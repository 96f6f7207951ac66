"""Files that hold several documents, as a source: divided as it is known, else listed as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from docmill.schemas.bundle import Bundle, BundlePart, file_of
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred, StorageError, Unreadable
from docmill.tasks.sources import scans
from docmill.tasks.sources.arrivals import Outside
from docmill.tasks.sources.batches import batch
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.dealt import Dealt, written
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.selected import Only
from docmill.tasks.sources.source import DocumentRef
from tests.support.documents import pdf, zipped

LETTERS = pdf("Ada\none", "two", "Bob\nthree")


@pytest.fixture(autouse=True)
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an inbox."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def divided(document_id: str, content: bytes, *pages: tuple[int, int]) -> Bundle:
    """Say how a PDF was divided."""
    digest = sha256(content).hexdigest()
    parts = [BundlePart(name=f"#pages={a}-{b}", pages=(a, b), sha256=digest) for a, b in pages]
    return Bundle(document_id=document_id, content_sha256=digest, split_sha256="s", parts=tuple(parts))


def knowing(*bundles: Bundle) -> Bundles:
    """Make the source of in/*, which knows how these were divided."""

    def known(hashes: Mapping[str, str]) -> Mapping[str, Bundle]:
        return {
            each.document_id: each for each in bundles if hashes.get(each.document_id) == each.content_sha256
        }

    return Bundles(Files(("in/*",)), known)


def listed(source: Bundles) -> list[DocumentRef]:
    """List a source."""
    with source.opened() as refs:
        return list(refs)


def read(ref: DocumentRef) -> Document:
    return ref.read()


def test_a_file_that_is_known_is_listed_as_the_documents_that_it_holds(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    (inbox / "b.txt").write_text("text")
    found = listed(knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))))
    assert [each.document_id for each in found] == ["in/a.pdf#pages=1-2", "in/a.pdf#pages=3-3", "in/b.txt"]
    assert found[0].uri == (inbox / "a.pdf").as_uri() + "#pages=1-2"
    assert [each.read().text for each in found] == ["Ada\none\n\ntwo", "Bob\nthree", "text"]
    assert {each.sha256() for each in found[:2]} == {sha256(LETTERS).hexdigest()}
    assert found[1].read().document_id == "in/a.pdf#pages=3-3"


def test_a_file_that_has_changed_or_is_to_be_divided_anew_is_listed_as_a_whole(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    source = knowing(divided("in/a.pdf", b"before", (1, 2), (3, 3)))
    for each in (
        source,
        replace(source, known=None),
        replace(knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))), anew=True),
    ):
        [found] = listed(each)
        assert (type(found), found.document_id) == (Undivided, "in/a.pdf")


def test_a_document_whose_file_changes_before_it_is_read_is_deferred(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    [ref, _] = listed(knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))))
    (inbox / "a.pdf").write_bytes(pdf("other", "pages", "here"))
    with pytest.raises(Deferred, match="has changed"):
        ref.read()


def test_pages_of_one_file_are_read_once_together(inbox: Path, monkeypatch: pytest.MonkeyPatch):
    (inbox / "a.pdf").write_bytes(LETTERS)
    refs = listed(knowing(divided("in/a.pdf", LETTERS, (1, 1), (2, 2), (3, 3))))
    reads, content = list[str](), FileRef.content

    def counted(self: FileRef) -> bytes:
        reads.append(self.document_id)
        return content(self)

    monkeypatch.setattr(FileRef, "content", counted)
    assert [ref.read().text for ref in refs] == ["Ada\none", "two", "Bob\nthree"]
    assert reads == ["in/a.pdf"]


def again(source: Bundles, *names: str | None) -> DocumentRef:
    """Give what a shard finds of a document of its run, and of the file that it is within."""
    document_id, file = names
    return Dealt(source).ref(str(document_id), "uri", None, None, file)


def test_what_is_packed_in_a_file_is_taken_out_of_what_was_read_once(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
):
    (inbox / "z.zip").write_bytes(zipped({"a.txt": "one", "b.txt": "two"}))
    reads, content = list[str](), FileRef.content

    def counted(self: FileRef) -> bytes:
        reads.append(self.document_id)
        return content(self)

    monkeypatch.setattr(FileRef, "content", counted)
    [found] = listed(knowing())
    assert isinstance(found, Undivided)
    assert [found.part(part).read().text for part in found.parts()] == ["one", "two"]
    assert reads == ["in/z.zip"]


def test_a_document_is_found_again_without_listing(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    (inbox / "b.txt").write_text("text")
    known = knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3)))
    for source in (known, replace(known, anew=True)):  # a run that asks everything anew has divided it, too
        found = again(source, "in/a.pdf#pages=3-3", "in/a.pdf")
        assert (type(found), found.document_id) == (PartRef, "in/a.pdf#pages=3-3")
        for name in ("in/a.pdf", "in/b.txt"):  # which another run may have divided meanwhile
            found = again(source, name, None)
            assert (type(found), found.document_id) == (Undivided, name)
        for names in (("elsewhere.txt", None), ("elsewhere.pdf#pages=1-2", "elsewhere.pdf")):
            assert isinstance(again(source, *names), Outside)


def test_what_is_listed_within_files_is_found_again_with_its_file(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    (inbox / "b.txt").write_text("text")
    source = knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3)))
    for ref in listed(source):
        found = Dealt(source).ref(ref.document_id, ref.uri, *written(ref))
        assert (type(found), found.document_id, found.uri) == (type(ref), ref.document_id, ref.uri)


@pytest.mark.parametrize(("now", "error"), [(pdf("x", "y", "z"), Deferred), (None, Unreadable)])
def test_a_document_within_a_file_that_has_changed_since_it_was_listed_is_deferred(
    inbox: Path, now: bytes | None, error: type[Exception]
):
    (inbox / "a.pdf").write_bytes(LETTERS)
    source = knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3)))
    (inbox / "a.pdf").write_bytes(now) if now else (inbox / "a.pdf").unlink()
    found = again(source, "in/a.pdf#pages=3-3", "in/a.pdf")
    assert (found.uri, found.sha256()) == ((inbox / "a.pdf").as_uri() + "#pages=3-3", None)
    with pytest.raises(error, match=r"has changed|is gone"):
        found.read()


def test_documents_of_a_file_that_a_shard_has_read_it_once(inbox: Path, monkeypatch: pytest.MonkeyPatch):
    (inbox / "a.pdf").write_bytes(LETTERS)
    dealt = Dealt(knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))))
    reads, content = list[str](), FileRef.content

    def counted(self: FileRef) -> bytes:
        reads.append(self.document_id)
        return content(self)

    monkeypatch.setattr(FileRef, "content", counted)
    for pages in ("1-2", "3-3"):
        dealt.ref(f"in/a.pdf#pages={pages}", "uri", None, None, "in/a.pdf").read()
    assert reads == ["in/a.pdf"]


def test_a_file_too_large_to_be_read_says_so_and_keeps_its_hash(inbox: Path):
    content = zipped({"a.txt": "x"}) + bytes(20_000_002)
    (inbox / "a.zip").write_bytes(content)
    [found] = listed(knowing())
    assert isinstance(found, Undivided)
    with pytest.raises(Unreadable, match="larger than 20,000,000 bytes"):
        found.parts()
    assert found.sha256() == sha256(content).hexdigest()


def test_files_that_are_to_be_divided_anew_are_tried_again_for_what_they_held(inbox: Path):
    (inbox / "a.pdf").write_bytes(pdf("repaired"))
    (inbox / "b.txt").write_text("text")
    source = Only(knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))), frozenset({"in/a.pdf#pages=3-3"}))
    with source.opened() as refs:
        assert [each.document_id for each in refs] == ["in/a.pdf"]


def test_an_object_that_is_called_like_a_document_within_another_has_an_id_of_its_own():
    files = source_of(["s3://bucket/*"])
    uri = "s3://bucket/victim.pdf%23pages=1-2"
    found = again(Bundles(files, None), uri, None)
    assert found.document_id == found.uri == uri
    assert file_of(uri) == uri


def test_a_file_that_is_called_like_a_document_within_another_has_its_uri(inbox: Path):
    (inbox / "a.pdf#pages=1-2").write_text("text")
    [found] = listed(knowing())
    assert found.document_id == (inbox / "a.pdf#pages=1-2").as_uri()
    assert file_of(found.document_id) == found.document_id
    assert read(found).text == "text"


def test_a_source_that_is_lost_fails_each_time_after_what_was_listed():
    class Lost(Files):
        def opened(self):
            return _Opened()

    class _Refs(Iterator[DocumentRef]):
        left = 2

        def __next__(self) -> DocumentRef:
            self.left -= 1
            if self.left < 0:
                raise StorageError("lost")
            return Outside(f"{self.left}", "uri")

    class _Opened:
        def __enter__(self) -> Iterator[DocumentRef]:
            return _Refs()

        def __exit__(self, *_: object) -> None: ...

    with Bundles(Lost(("*",)), None).opened() as refs:
        assert [each.document_id for each in batch(refs, 20)] == ["1", "0"]
        for _ in range(2):
            with pytest.raises(StorageError, match="lost"):
                batch(refs, 20)


def test_an_event_names_files_and_all_that_they_hold_arrives(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    (inbox / "b.txt").write_text("text")
    source = knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3))).over(["in/a.pdf", "elsewhere.txt"])
    ids = [each.document_id for each in listed(source)]
    assert ids == ["in/a.pdf#pages=1-2", "in/a.pdf#pages=3-3", "elsewhere.txt"]


@pytest.mark.parametrize(("installed", "kind"), [(False, PartRef), (True, Undivided)])
def test_a_file_whose_pictures_were_not_read_is_divided_anew_once_they_are(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, installed: bool, kind: type
):
    monkeypatch.setattr(scans, "available", lambda: installed)
    (inbox / "a.pdf").write_bytes(LETTERS)
    known = divided("in/a.pdf", LETTERS, (1, 2), (3, 3)).model_copy(update={"unseen": True})
    assert {type(each) for each in listed(knowing(known))} == {kind}
