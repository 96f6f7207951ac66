"""Hostile documents: an outcome with a reason, in bounded memory and time, and nothing else happens.

`pytest -s` prints the table of case, outcome, peak memory of the child, and seconds.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.reasons import MEMORY_MB, WALL_S, Reason
from tests.support.bombs import BOMBS, sheet
from tests.support.documents import PACKAGE, RELATIONS, docx, pdf, replaced, xlsx
from tests.support.processes import eventually

pytestmark = pytest.mark.slow

# What is read in a process of its own, whose only child is measured.
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.files import listed
from docmill.tasks.sources.parsing import pool

[ref] = listed(["*"])
began = time.monotonic()
try:
    told = f"{len(ref.read().text):,} characters"
except Unreadable as error:
    told = str(error)
seconds = time.monotonic() - began
pool.close()
print(json.dumps([told, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""
OVERSIZED = "the file is larger than 20,000,000 bytes: split it"
ANY_LIMIT: set[str] = {Reason.MEMORY, Reason.SLOW}
REASONS: dict[str, set[str]] = {
    "PDF: 1 GB in a page": {Reason.MEMORY},
    "PDF: pages in a circle": {Reason.DAMAGED},
    "PDF: says 2,000,000,000 pages": {"1 characters"},
    "PDF: 500 MB of object stream": {Reason.MEMORY, Reason.DAMAGED},
    "PDF: a form within itself": {Reason.MEMORY, Reason.DIED},
    "PDF: 12,000 pages": {Reason.PAGES},
    "PDF: a million brackets": {Reason.BLANK},
    "zip: 100,000 entries": {Reason.PACKED},
    "zip: 400 MB unpacked": {Reason.PACKED},
    "zip: 20 MB of 10 KB": {Reason.PACKED},
    "zip: sizes that lie": {Reason.DAMAGED},
    "docx: a billion laughs": {Reason.DAMAGED},
    "docx: 19 MB of paragraphs": ANY_LIMIT,
    "docx: 50,000 levels": {Reason.NESTED},
    "xlsx: a billion laughs": {Reason.DAMAGED},
    "xlsx: row 10,000,000,000": {Reason.DAMAGED},
    "xlsx: a million wide rows": {Reason.LONG},
    "xlsx: column ZZZZZZZ": {Reason.DAMAGED},
    "eml: 10,000 parts, nested": {Reason.NESTED},
    "eml: 10,000 mails, nested": {Reason.NESTED},
    "eml: 100,000 parts": {Reason.NESTED, Reason.SLOW},  # where the machine is busy
    "eml: a header of 10 MB": ANY_LIMIT,
    "eml: a million encoded words": ANY_LIMIT,
    "html: 19 MB of paragraphs": ANY_LIMIT,
    "html: a million levels": {Reason.NESTED},
    "txt: 20 MB in a line": {"20,000,000 characters"},
    "txt: 100 MB in a line": {OVERSIZED},
}


def _measured(root: Path) -> tuple[str, float, float]:
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=root, capture_output=True, text=True, check=True
    )
    told, seconds, peak_mb = json.loads(ended.stdout)
    return told, seconds, peak_mb


@pytest.mark.parametrize("case", REASONS)
def test_a_bomb_costs_a_reason_and_bounded_memory_and_time(case, tmp_path, capsys):
    """Each has its own sentence; the child stays within its memory, and nobody waits longer than 30 s."""
    suffix, build = BOMBS[case]
    (tmp_path / f"bomb.{suffix}").write_bytes(build())
    told, seconds, peak_mb = _measured(tmp_path)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{case:30} {peak_mb:4.0f} MB {seconds:5.1f} s  {told[:70]}", end=" "
        )
    assert told in REASONS[case]
    assert peak_mb < MEMORY_MB
    assert seconds < WALL_S + 2


@contextmanager
def _listening() -> Iterator[tuple[str, list[object]]]:
    """Listen on loopback; what connects is noted."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def note() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                connections.append(address)
                connection.close()

        threading.Thread(target=note, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x", connections
        server.shutdown(socket.SHUT_RDWR)


def _linked_image(url: str) -> bytes:
    drawing = (
        '<w:p><w:r><w:t>text</w:t></w:r><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/'
        'drawingml/2006/wordprocessingDrawing"><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/'
        '2006/main"><a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture">'
        '<pic:blipFill><a:blip r:link="r9"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
        "</w:drawing></w:r></w:p>"
    )
    return docx(body=drawing, relations=_external("image", url))


def _external(kind: str, url: str) -> str:
    return f'<Relationship Id="r9" Type="{RELATIONS}/{kind}" Target="{url}" TargetMode="External"/>'


def _entity(url: str) -> str:
    return f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}"><!ENTITY % p SYSTEM "{url}"> %p;]>'


ROW = '<row r="1"><c r="A1" t="inlineStr"><is><t>text{}</t></is></c></row>'
BOOK_RELS = "xl/_rels/workbook.xml.rels"
REACHING = {
    "docx: external entity": ("docx", lambda url: docx("text &e;", prolog=_entity(url))),
    "docx: external DTD": ("docx", lambda url: docx("text", prolog=f'<!DOCTYPE x SYSTEM "{url}">')),
    "docx: linked picture": ("docx", _linked_image),
    "docx: attached template": (
        "docx",
        lambda url: docx("text", relations=_external("attachedTemplate", url)),
    ),
    "docx: frame": ("docx", lambda url: docx("text", relations=_external("frame", url))),
    "xlsx: external entity": ("xlsx", lambda url: sheet(ROW.format("&e;"), _entity(url))),
    "xlsx: external DTD": ("xlsx", lambda url: sheet(ROW.format(""), f'<!DOCTYPE x SYSTEM "{url}">')),
    "xlsx: external link": (
        "xlsx",
        lambda url: replaced(
            xlsx({"A": [["text", f'=WEBSERVICE("{url}")']]}),
            {
                BOOK_RELS: f'<Relationships xmlns="{PACKAGE}/relationships">{_external("externalLink", url)}'
                f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
                "</Relationships>"
            },
        ),
    ),
    "html: pictures and scripts": (
        "html",
        lambda url: (
            f"<html><p>text<img src={url}><script src={url}></script><iframe src={url}></iframe>".encode()
        ),
    ),
    "eml: external body": (
        "eml",
        lambda url: (
            b"From: a@b.example\nContent-Type: message/external-body; access-type=URL;"
            b' URL="%s"\n\nContent-Type: text/plain\n\ntext' % url.encode()
        ),
    ),
    "eml: HTML with pictures": (
        "eml",
        lambda url: b"From: a@b.example\nContent-Type: text/html\n\n<p>text<img src=%s>" % url.encode(),
    ),
}


@pytest.mark.parametrize("case", REACHING)
def test_nothing_that_a_document_names_is_fetched_or_read(case, tmp_path):
    """A URL in it gets no connection, and a file that it names does not come into its text."""
    suffix, build = REACHING[case]
    (tmp_path / "secret.txt").write_text("SECRET")
    with _listening() as (url, connections):
        for target in (url, (tmp_path / "secret.txt").as_uri()):
            try:
                text = parsed(build(target), f"a.{suffix}").text
            except Unreadable as error:
                text = str(error)
            assert "SECRET" not in text
        assert not connections


def test_the_listener_would_hear_of_a_connection():
    """The test above can fail."""
    with _listening() as (url, connections):
        socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0]))).close()
        assert eventually(lambda: connections)


WHOLE = [
    pdf("Invoice 7\nTotal 5", "Seite 2"),
    xlsx({"A": [["Total", 5, 1.5]], "B": [["x"]]}),
    docx("Invoice 7", "Total 5"),
    BOMBS["eml: 10,000 parts, nested"][1]()[:400],
]


def _mended(archive: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    with ZipFile(BytesIO(archive)) as whole:
        return replaced(archive, {part: change(whole.read(part))})


@given(
    st.sampled_from(WHOLE),
    st.sampled_from(
        [None, "word/document.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "_rels/.rels"]
    ),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3)), min_size=1, max_size=6),
)
@settings(max_examples=150)
def test_any_damage_gives_text_or_a_reason(whole, part, changes):
    """Whatever is written over a document, or over a part of an archive, no other error comes of it."""

    def changed(content: bytes) -> bytes:
        for place, noise in changes:
            at = place % len(content)
            content = content[:at] + noise + content[at + len(noise) :]
        return content

    inner = part and whole.startswith(b"PK") and part.encode() in whole
    damaged = _mended(whole, part, changed) if inner else changed(whole)
    try:
        text = parsed(damaged, "a").text
    except Unreadable:
        return
    assert text.encode().decode() == text == text.strip() != ""


def test_names_within_an_archive_lead_nowhere(tmp_path, monkeypatch):
    """What an archive calls its entries is no path: nothing is unpacked to the disk."""
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    others = {"../up.txt": "x", f"{tmp_path}/absolute.txt": "x", "word/../../x.txt": "x"}
    assert parsed(docx("text", others=others), "a.docx").text == "text"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "deep"]


def test_a_run_over_bombs_goes_on(project, provider, prefect_api):
    """Each bomb is a failed document, and the others are done."""
    (project.root / "in").mkdir()
    for case in ("PDF: 1 GB in a page", "docx: a billion laughs", "eml: 10,000 parts, nested"):
        suffix, build = BOMBS[case]
        (project.root / "in" / f"bomb.{suffix}").write_bytes(build())
    (project.root / "in" / "good.pdf").write_bytes(pdf("text"))
    (project.root / "in" / "good.xlsx").write_bytes(xlsx({"A": [["text"]]}))
    pipeline = project.pipeline(provider.url, "  - summarize:\n", documents="in/*")
    assert project.run("run", str(pipeline)) == 1
    statuses = project.statuses()
    assert {name for name, status in statuses.items() if status == "done"} == {"in/good.pdf", "in/good.xlsx"}
    assert sorted(statuses.values()) == ["done"] * 2 + ["failed"] * 3
