"""Mails: who, when, about what, and the text, whatever it is wrapped in."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.missed import Why
from tests.support.bombs import sheet
from tests.support.documents import docx, pdf, xlsx, zipped

PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PNG = PNG_HEAD + (1200).to_bytes(4) + (1700).to_bytes(4)
LOGO = PNG_HEAD + (120).to_bytes(4) + (40).to_bytes(4)


def _mail(text: str = "Total 5", **headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in ({"From": "Ann <ann@a.example>"} | headers).items():
        message[name] = value
    message.set_content(text)
    return message


def _text(message: EmailMessage | bytes) -> str:
    content = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
    return parsed(content, "mail.eml").text


def test_headers_come_first_in_one_order():
    message = _mail(Subject="Grüße aus 日本", To="Böb <b@b.example>, c@b.example", Cc="d@b.example")
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    message["X-Spam"] = "no"
    assert _text(message) == (
        "From: Ann <ann@a.example>\nTo: Böb <b@b.example>, c@b.example\nCc: d@b.example\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\nSubject: Grüße aus 日本\n\nTotal 5"
    )


def test_plain_text_is_read_and_its_html_version_is_not():
    message = _mail("the price is 5")
    message.add_alternative("<p>the price <b>is 5</b> today</p>", subtype="html")
    assert _text(message) == "From: Ann <ann@a.example>\n\nthe price is 5"


@pytest.mark.parametrize(
    "plain", ["Please open this in a browser.", "Your order has come in. See the HTML version."]
)
def test_a_plain_text_that_says_less_gives_way_to_html(plain: str):
    message = _mail(plain)
    message.add_alternative("<p>Your order of 12 chairs costs 71 EUR.</p>", subtype="html")
    assert _text(message) == "From: Ann <ann@a.example>\n\nYour order of 12 chairs costs 71 EUR."


def test_versions_that_say_different_things_are_both_read():
    message = _mail("Your ticket is 4410.")
    message.add_alternative("<p>The train leaves at 9 from platform 12.</p>", subtype="html")
    assert _text(message).split("\n\n")[1:] == [
        "Your ticket is 4410.",
        "The train leaves at 9 from platform 12.",
    ]


@pytest.mark.parametrize("plain", ["", " \n"])
def test_html_is_read_where_the_plain_text_is_empty(plain: str):
    message = _mail(plain)
    message.add_alternative(
        "<html><head><style>p {}</style></head><p>page <b>one</b></p></html>", subtype="html"
    )
    assert _text(message) == "From: Ann <ann@a.example>\n\npage **one**"


def test_attachments_are_named_and_read():
    message = _mail()
    message.add_attachment(
        pdf("Bill 7"), maintype="application", subtype="pdf", filename="Rechnung für\nMärz.pdf"
    )
    message.add_attachment("a;b\n1;2", filename="list.csv")
    message.add_attachment(docx("Offer 8"), maintype="application", subtype="octet-stream")
    message.add_attachment(
        xlsx({"A": [["Sum", 9]]}), maintype="application", subtype="x-any", filename="s.xlsx"
    )
    message.add_attachment(LOGO, maintype="image", subtype="png")
    text, _, unread, *_ = parsed(message.as_bytes(policy=SMTP), "mail.eml")
    assert text.split("\n\n")[1:] == [
        "Total 5",
        *("Attachment: Rechnung für März.pdf", "Bill 7"),
        *("Attachment: list.csv", "a;b\n1;2"),
        *("Attachment: application/octet-stream", "Offer 8"),
        *("Attachment: s.xlsx", "## A", "Sum\t9"),
        "Attachment: image/png",
    ]
    assert not unread


@pytest.mark.parametrize(
    ("content", "kind", "name", "why"),
    [
        (b"%PDF-1.7", "application/pdf", "a.pdf", Why.DAMAGED),
        (b"PK\x03\x04", "application/zip", "a.zip", Why.DAMAGED),
        (b"\xd0\xcf\x11\xe0", "application/msword", "a.doc", Why.KIND),
        (zipped({"a": "b"}), "application/zip", "a.zip", Why.KIND),
        (b'x\x9f>"', "application/ms-tnef", "winmail.dat", Why.OUTLOOK),
        (PNG, "image/png", "scan.png", Why.PICTURE),
        (b"II*\0", "image/tiff", "fax.tif", Why.PICTURE),
        (b"ID3", "audio/mpeg", "voice.mp3", Why.KIND),
        (pdf(""), "application/pdf", "scan.pdf", Why.NO_TEXT),
    ],
)
def test_what_is_attached_and_cannot_be_read_is_told(content: bytes, kind: str, name: str, why: Why):
    message = _mail()
    maintype, _, subtype = kind.partition("/")
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    assert parsed(message.as_bytes(policy=SMTP), "mail.eml", "off").unread == ((f"attachment {name}", why),)


def test_a_part_of_an_attachment_that_cannot_be_read_is_told():
    message = _mail()
    book = sheet('<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>1+1</f></c></row>')
    message.add_attachment(book, maintype="application", subtype="x", filename="b.xlsx")
    unread = parsed(message.as_bytes(policy=SMTP), "mail.eml").unread
    assert unread == (("attachment b.xlsx, sheet A, B1", Why.UNSAVED),)


def _of_type(content_type: str, body: str) -> bytes:
    return f"From: a@b.example\nMIME-Version: 1.0\nContent-Type: {content_type}\n\n{body}".encode()


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        ('multipart/encrypted; boundary="b"', "--b\nContent-Type: x/y\n\nz\n--b--", Why.LOCKED),
        ("application/pkcs7-mime; smime-type=enveloped-data", "MIAG", Why.LOCKED),
        ("application/pkcs7-mime; smime-type=signed-data", "MIAG", Why.SEALED),
        ("text/plain", "-----BEGIN PGP MESSAGE-----\n\nhQEM\n", Why.LOCKED),
    ],
)
def test_encrypted_and_sealed_mails_are_told(content_type: str, body: str, why: Why):
    assert parsed(_of_type(content_type, body), "mail.eml").unread == (("text of the mail", why),)


def test_a_signed_mail_is_read_without_its_signature():
    parts = (
        "--b\nContent-Type: text/plain\n\nTotal 5\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"
    )
    text, _, unread, *_ = parsed(_of_type('multipart/signed; boundary="b"', parts), "mail.eml")
    assert (text, unread) == ("From: a@b.example\n\nTotal 5", ())


@pytest.mark.parametrize("content_type", ["multipart/mixed", 'multipart/mixed; boundary="other"'])
def test_a_boundary_that_is_not_named_is_found(content_type: str):
    parts = "--xyz\nContent-Type: text/plain\n\none\n--xyz\nContent-Type: text/plain\n\ntwo\n--xyz--\n"
    assert _text(_of_type(content_type, parts)).split("\n\n")[1:] == ["one", "two"]


@pytest.mark.parametrize("before", ["\ufeff", "\n\n", "\ufeff\r\n"])
def test_what_stands_before_the_first_header_is_left_out(before: str):
    mail = "From: a@b.example\nMIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\nf=C3=BCnf"
    assert _text((before + mail).encode()) == "From: a@b.example\n\nfünf"


def test_apples_file_is_read_without_what_is_around_the_mail():
    mail = b"From: a@b.example\nMessage-Id: <1@b>\n\nTotal 5\n"
    file = b'%d      \n%s<?xml version="1.0"?><plist/>' % (len(mail), mail)
    assert parsed(file, "1.emlx").text == "From: a@b.example\n\nTotal 5"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("=?utf-8?q?J=C3=BC?=\n =?utf-8?q?rgen?= <j@b.example>", "Jürgen <j@b.example>"),
        ("=?utf-8?b?w4Q=?= and =?utf-8?b?w5Y=?=", "Ä and Ö"),
        ('"=?iso-8859-1?q?K=F6ln?=" <k@b.example>', '"Köln" <k@b.example>'),
        ("Jörg <j@b.example>", "Jörg <j@b.example>"),
    ],
)
def test_names_in_headers_are_read_whatever_they_are_written_in(raw: str, shown: str):
    assert _text(f"From: {raw}\nMIME-Version: 1.0\n\nx".encode()).split("\n\n")[0] == f"From: {shown}"


def test_an_invitation_says_what_when_and_where():
    event = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Walk\\, then\n  lunch\n"
        "DTSTART;TZID=Europe/Rome:20310302T090000\nLOCATION:Pier\nATTENDEE;CN=Bo:mailto:bo@b.example\nBEGIN:VALARM\nDESCRIPTION:Ring\nEND:VALARM\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
    assert _text(_of_type("text/calendar", event)).split("\n\n")[1].split("\n") == [
        *("Summary: Walk, then lunch", "Dtstart: 2031-03-02 09:00 Europe/Rome", "Location: Pier"),
        "Attendee: Bo <bo@b.example>",
    ]


def test_lines_that_flow_are_joined():
    body = "The bill \nis due.\n> so \n> long\n-- \nAnn"
    assert "The bill is due.\n> so long\n--" in _text(_of_type("text/plain; format=flowed", body))
    assert "AB12 is" in _text(_of_type("text/plain; format=flowed; delsp=yes", "AB1 \n2 is"))


def test_pictures_of_a_page_are_not_named():
    message = _mail("")
    message.set_content('<p>page<img src="cid:1"></p>', subtype="html")
    message.add_related(b"x", maintype="image", subtype="png", cid="<1>")
    assert _text(message) == "From: Ann <ann@a.example>\n\npage"


def test_a_forwarded_mail_follows_with_its_headers():
    message = _mail("see below")
    message.add_attachment(_mail("Total 7", Subject="inner"))
    assert _text(message) == (
        "From: Ann <ann@a.example>\n\nsee below\n\nFrom: Ann <ann@a.example>\nSubject: inner\n\nTotal 7"
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=iso-8859-15", "Größe 5 €".encode("iso-8859-15")),
        ("text/plain; charset=nonsense", "Größe 5 €".encode()),
        ("text/plain", "Größe 5 €".encode()),
        ("text/plain; charset=us-ascii", "Größe 5 €".encode("cp1252")),
        ("text/html; charset=koi8-r", "<p>Договор".encode("koi8-r")),
    ],
)
def test_text_is_decoded_as_declared_else_as_it_looks(content_type: str, body: bytes):
    mail = b"From: a@b.example\r\nContent-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s"
    assert _text(mail % (content_type.encode(), body)).split("\n\n")[1] in ("Größe 5 €", "Договор")


@pytest.mark.parametrize(
    "content",
    [
        b"From: a@b.example",
        b"From: a@b.example\nContent-Type: multipart/mixed\n\nno boundary",
        b"From: =?utf-8?b?w6?=\nDate: never\nTo: ,;<<>@\nSubject: =?x?q?y?=\n\ntext",
        b"From: a@b.example\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"From: a@b.example\nContent-Type: text/plain; charset*0*=x''%ff; name*=''\n\ntext",
        b"From ann Mon Mar 2 10:00:00 2026\nFrom: a@b.example\n\ntext",
        b"From: \xff\xfe@b.example\nSubject: \xe4\n\ntext",
    ],
)
def test_a_broken_mail_is_read_as_far_as_it_goes(content: bytes):
    assert "From: " in _text(content)


LINES = st.sampled_from(
    [
        *(
            "From: a@b.example",
            "To: \udcff",
            "Subject: =?utf-8?q?=ED=A0=80?=",
            "Date: 99 Foo",
            "",
            "text",
            "--b",
        ),
        *(
            "Content-Type: multipart/mixed; boundary=b",
            "Content-Type: message/rfc822",
            "Content-Type: text/html",
        ),
        *(
            "Content-Transfer-Encoding: base64",
            "Content-Disposition: attachment; filename*=x",
            "--b--",
            "=C3",
        ),
        *("MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b", " folded", "<p>x</p>"),
    ]
)


@given(st.lists(LINES, max_size=25))
@settings(max_examples=150)
def test_any_mail_is_text_or_unreadable(lines: list[str]):
    content = "\n".join(["From: a", *lines]).encode("utf-8", "surrogateescape")
    try:
        text = _text(content)
    except Unreadable:
        return
    assert text.encode().decode() == text == text.strip() != ""
