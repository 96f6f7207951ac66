"""`document`: a row's own text and that of the file that it names, below the folders that rows may name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.document import Document, Recognized
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.row_files import ELSEWHERE, Permitted, together
from docmill.tasks.sources.rows import Rows, Rules
from tests.support.s3 import Bucket, bucket, s3_server
from tests.support.tickets import fault, refusal

__all__ = ["bucket", "s3_server"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, in which rows may name files."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def rows_of(*paths: str, urls: tuple[str, ...] = (), **keys: Any) -> Rows:
    Path("t.csv").write_text("id,who,path\n" + "".join(f"{n},Ada,{path}\n" for n, path in enumerate(paths)))
    declared = {"files": "t.csv", "key": "id", "text": "From {{ who }}", "document": "path", **keys}
    return Rows(Declared.model_validate(declared), Rules(named=Permitted((Path.cwd(),), urls)))


def told(source: Rows) -> list[str]:
    """Give each row's text, or the reason why it has none."""
    with source.opened() as refs:
        return [fault(ref) if ref.sha256() is None else text(ref) for ref in refs]


def text(ref: RowRef) -> str:
    document = ref.read()
    assert document.content_sha256 == ref.sha256()
    assert document.document_id == ref.document_id
    return document.text


def test_the_rows_text_and_the_files_stand_together(folder: Path):
    Path("a.txt").write_text("Dear all")
    Path("b.html").write_text("<p>Hello</p>")
    found = told(rows_of("a.txt", "b.html", f"{folder}/a.txt", (folder / "a.txt").as_uri()))
    assert found == ["From Ada\n\nDear all", "From Ada\n\nHello", *["From Ada\n\nDear all"] * 2]


def test_without_a_text_of_its_own_a_row_is_its_file():
    Path("a.txt").write_text("Dear all")
    assert told(rows_of("a.txt", "", text=None)) == ["Dear all", "no text: the row's text is empty"]


@pytest.mark.parametrize("cell", ["", "  ", '" 	"'])
def test_a_row_that_names_no_file_is_its_own_text(cell: str):
    assert told(rows_of(cell)) == ["From Ada"]


def test_a_row_changes_with_its_file_and_with_its_columns():
    Path("a.txt").write_text("one")
    with rows_of("a.txt").opened() as refs:
        first = next(refs).sha256()
    Path("a.txt").write_text("two")
    with rows_of("a.txt").opened() as refs:
        second = next(refs).sha256()
    with rows_of("a.txt", text="To {{ who }}").opened() as refs:
        third = next(refs).sha256()
    assert len({first, second, third}) == 3


@dataclass(frozen=True)
class Scan:
    """A file whose text was recognized on its picture."""

    document_id: str = "a.png"
    uri: str = "file:///a.png"

    def sha256(self) -> str:
        return "s"

    def read(self) -> Document:
        seen = Recognized(part="page 1", confidence=0.8, start=0, end=5)
        return Document(**vars(self), content_sha256="s", text="Total", recognized=(seen,), page_starts=(0,))


@pytest.mark.parametrize("own", ["", "From Ada"])
def test_what_was_recognized_of_the_file_is_known_in_the_rows_text(own: str):
    found = together(own, Scan(), "7", "t.csv#7")
    [seen] = found.recognized
    assert found.text[seen.start : seen.end] == "Total"
    assert (found.document_id, found.uri, seen.confidence) == ("7", "t.csv#7", 0.8)


def test_pages_keep_their_places():
    Path("a.csv").write_text("x")
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["one"])
    book.create_sheet("Second").append(["two"])
    book.save("b.xlsx")
    with rows_of("b.xlsx").opened() as refs:
        document = next(refs).read()
    first, second = document.page_starts
    assert first == 0
    assert document.text[second:].startswith("## Second")


def test_a_row_names_no_file_elsewhere(folder: Path):
    (folder.parent / "secret.txt").write_text("secret")
    Path("link").symlink_to(folder.parent)
    Path("link.txt").symlink_to("../secret.txt")
    names = [
        "../secret.txt",
        "/etc/passwd",
        "link/secret.txt",
        "link.txt",
        "file:///etc/passwd",
        "s3://b/k.txt",
    ]
    said = told(rows_of(*names, "http://127.0.0.1/x", "x\0y"))
    assert said[:6] == [ELSEWHERE] * 6
    assert set(said[6:]) == {"what the row names is no file's path and no object's URL"}
    assert "secret" not in str(said).replace("secret.txt", "")


def test_a_file_that_is_gone_fails_its_row_alone():
    Path("a.txt").write_text("here")
    assert told(rows_of("a.txt", "b.txt")) == [
        "From Ada\n\nhere",
        "the file is gone, or a link that leads to nothing",
    ]


def test_objects_are_named_below_the_urls_that_are_permitted(bucket: Bucket):
    bucket.put("in/a.txt", "an object")
    bucket.put("other/a.txt", "another")
    names = [f"{bucket.url}/{key}" for key in ("in/a.txt", "other/a.txt", "in/../other/a.txt")]
    found = told(rows_of(*names, urls=(f"{bucket.url}/in/",)))
    assert found == ["From Ada\n\nan object", ELSEWHERE, ELSEWHERE]


def test_another_column_is_refused():
    assert refusal(rows_of("a.txt", document="pat")) == (
        "rows.document: the query has no column 'pat'; did you mean path?"
    )
