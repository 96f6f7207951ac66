"""What a file holds: attachments and archives at every level, bounded, with names that lead nowhere."""

import json
import zipfile
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from hashlib import sha256
from io import BytesIO
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.bundle import BundlePart, file_of
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources import within as found_within
from docmill.tasks.sources.parsing import inside, wire
from docmill.tasks.sources.parsing.mail import eml
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.within import Room, member, within
from tests.support.bundled import mail
from tests.support.documents import docx, pdf, zipped


def names(content: bytes, name: str = "a") -> list[str]:
    """Give what leads to the documents of a file."""
    return [part.name for part in within(content, name, None)]


def test_a_file_that_holds_nothing_else_is_the_one_document():
    for content in (b"text", pdf("one"), docx("two"), b"\0\1\2", b"PK\x03\x04 no archive"[:2]):
        assert within(content, "a", "h") == [BundlePart(sha256="h")]


def test_a_mail_is_a_document_and_so_is_what_is_attached_to_it():
    [own, one, two] = within(mail(("a.pdf", b"one"), ("b c.txt", b"two")), "m.eml", "h")
    assert own == BundlePart(sha256="h", is_apart=True)
    assert one == BundlePart(name="#attachment=a.pdf", members=(0,), sha256=sha256(b"one").hexdigest())
    assert (two.name, two.members) == ("#attachment=b c.txt", (1,))


def test_an_archive_is_no_document_and_its_files_are():
    assert names(zipped({"a/b.txt": "x", "c.txt": "y"})) == ["#attachment=a%2Fb.txt", "#attachment=c.txt"]


def test_what_systems_leave_in_archives_and_folders_are_no_documents():
    junk = {"__MACOSX/._a.txt": "x", "d/": "", "d/.DS_Store": "x", "Thumbs.db": "x", "a.txt": "y"}
    assert names(zipped(junk)) == ["#attachment=a.txt"]


def test_an_archive_without_files_says_so():
    with pytest.raises(Unreadable, match="there is no file in it"):
        within(zipped({}), "a.zip", None)


def test_files_of_one_name_are_distinguished():
    entries = [("a.txt", "1"), ("a.txt", "2"), ("b.txt", "3"), ("a.txt", "4")]
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(entries)
    parts = within(content, "a.zip", None)
    suffixes = ["a.txt", "a.txt#2", "b.txt", "a.txt#3"]
    assert [part.name for part in parts] == [f"#attachment={suffix}" for suffix in suffixes]
    assert [member(content, part.members) for part in parts] == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
        ("C:\\x.txt", "C:%5Cx.txt"),
        ("a#pages=1-2", "a%23pages=1-2"),
        ("100%.txt", "100%25.txt"),
        ("\x1b[2J\u202ex", "_[2J_x"),
        ("Größe 5.pdf", "Größe 5.pdf"),
        ("x" * 500 + ".pdf", "x" * 146 + ".pdf"),
        (" ", "unnamed"),
    ],
)
def test_a_name_is_no_path_and_moves_no_cursor(said: str, name: str):
    [part] = within(zipped({said: "x"}), "a.zip", None)
    assert part.name == f"#attachment={name}"
    assert file_of(f"in/a.zip{part.name}") == "in/a.zip"


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5, unique=True))
@settings(max_examples=25, deadline=None)
def test_whatever_files_are_called_each_has_an_id_of_its_own_that_leads_to_it(said: list[str]):
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number, name in enumerate(said):
            entry = zipfile.ZipInfo(f"{number}")
            entry.filename = name.encode("utf-8", "replace").decode()
            file.writestr(entry, b"%d" % number)
    content = archive.getvalue()
    try:
        parts = within(content, "a.zip", None)
    except Unreadable:
        return
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        assert file_of(f"in/x{part.name}") == "in/x"
        assert part.name.isprintable()
        assert sha256(member(content, part.members)).hexdigest() == part.sha256


def test_archives_in_archives_and_mails_are_opened_to_the_third_level():
    levels = zipped({"deepest.txt": "x"})
    for number in range(3):
        levels = zipped({f"{number}.zip": levels})
    assert names(levels) == ["#attachment=2.zip#attachment=1.zip#attachment=0.zip"]
    assert names(mail(("z.zip", zipped({"m.eml": mail(("a.txt", b"x"))}))), "m.eml") == [
        "",
        "#attachment=z.zip#attachment=m.eml",
        "#attachment=z.zip#attachment=m.eml#attachment=a.txt",
    ]


def test_too_many_files_are_refused_as_a_whole_also_where_several_archives_hold_them():
    many = zipped({f"{number}.txt": "x" for number in range(600)})
    assert len(names(many)) == 600
    for content in (
        zipped({f"{number}": "" for number in range(1001)}),
        zipped({"a.zip": many, "b.zip": many}),
    ):
        with pytest.raises(Unreadable, match="more than 1,000 files"):
            within(content, "a.zip", None)


def test_a_bomb_is_not_unpacked_and_one_within_is_a_document_that_says_so():
    bomb = zipped({"a.txt": bytes(60_000_000)})
    with pytest.raises(Unreadable) as refused:
        within(bomb, "a.zip", None)
    assert refused.value.args == (Reason.PACKED,)
    assert names(zipped({"bomb.zip": bomb})) == ["#attachment=bomb.zip"]


def test_what_many_archives_unpack_to_is_bounded_in_all(monkeypatch: pytest.MonkeyPatch):
    packed = zipped({f"{number}.txt": bytes(1_000_000) for number in range(15)})
    content = zipped({f"{number}.zip": packed for number in range(5)})
    assert len(names(content)) == 75
    monkeypatch.setattr(found_within, "Room", partial(Room, bytes=50_000_000))
    with pytest.raises(Unreadable) as refused:
        within(content, "a.zip", None)
    assert refused.value.args == (Reason.PACKED,)


def test_an_encrypted_archive_says_so():
    content = bytearray(zipped({"a.txt": "x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(Unreadable) as refused:
        within(bytes(content), "a.zip", None)
    assert refused.value.args == (Reason.ENCRYPTED,)


def test_a_damaged_file_in_an_archive_is_a_document_without_a_hash_that_cannot_be_read():
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a.txt", "sound text")
        file.writestr("b.txt", "other text")
    content = buffer.getvalue().replace(b"sound text", b"wrong text")
    [damaged, sound] = within(content, "a.zip", None)
    assert damaged.sha256 is None
    with pytest.raises(Unreadable, match="damaged"):
        member(content, damaged.members)
    assert member(content, sound.members) == b"other text"


def test_a_file_too_large_for_a_document_says_so_when_it_is_read():
    content = zipped({"a.txt": bytes(20_000_001), "b.bin": Random(1).randbytes(110_000)})
    [large, _] = within(content, "a.zip", None)
    assert large.sha256 is None
    with pytest.raises(Unreadable) as refused:
        member(content, large.members)
    assert refused.value.args == (Reason.MEMBER,)


@given(st.binary(max_size=400), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_whatever_the_bytes_it_gives_documents_or_says_why_not(content: bytes, number: int):
    for start in (zipped({"a.txt": "x"}), mail(("a.txt", b"x")), b""):
        with suppress(Unreadable):
            assert within(start[: number % (len(start) + 1)] + content, "a.eml", None)


def test_the_text_of_a_mail_within_a_mail_stays_and_what_is_attached_to_it_is_apart():
    outer = EmailMessage()
    outer["From"], outer["Subject"] = "a@b.example", "outer"
    outer.set_content("see below")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text")
    inner.add_attachment(b"x", maintype="application", subtype="x", filename="deep.txt")
    outer.add_attachment(inner)
    assert names(outer.as_bytes(policy=SMTP), "m.eml") == ["", "#attachment=deep.txt"]


def test_a_mail_is_taken_apart_once_for_all_that_is_attached_to_it(monkeypatch: pytest.MonkeyPatch):
    taken, files = list[int](), eml.files

    def counted(content: bytes) -> list[tuple[str, bytes]]:
        taken.append(len(content))
        return files(content)

    monkeypatch.setattr(eml, "files", counted)
    first, second = mail(*((f"{number}.txt", b"%d" % number) for number in range(9))), mail(("a.txt", b"x"))
    assert len(json.loads(inside.listed(first))) == 9
    assert [inside.member(wire.asking(number, first)) for number in range(9)] == [
        b"%d" % number for number in range(9)
    ]
    assert inside.member(wire.asking(0, second)) == b"x"
    assert taken == [len(first), len(second)]
