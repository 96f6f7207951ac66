"""Files that hold several documents, as a source: divided as it is known, else listed as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from docmill.schemas.bundle import Bundle, BundlePart, file_of
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred, StorageError
from docmill.tasks.sources import scans
from docmill.tasks.sources.arrivals import Outside
from docmill.tasks.sources.batches import batch
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.dealt import Dealt
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.source import DocumentRef
from tests.support.documents import pdf

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
    for each in (source, replace(source, known=None)):
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


def test_a_document_is_found_again_without_listing(inbox: Path):
    (inbox / "a.pdf").write_bytes(LETTERS)
    (inbox / "b.txt").write_text("text")
    source = knowing(divided("in/a.pdf", LETTERS, (1, 2), (3, 3)))
    for name in ("in/a.pdf#pages=3-3", "in/a.pdf", "in/b.txt"):  # another run has divided it meanwhile
        found = source.find(name)
        assert found is not None
        assert found.document_id == name
    for name in ("in/a.pdf#pages=2-3", "elsewhere.txt", "elsewhere.pdf#pages=1-2"):
        assert isinstance(Dealt(source).ref(name, "uri", None, None, None), Outside)


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
