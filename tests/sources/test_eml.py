"""Mails: who, when, about what, and the text, whatever it is wrapped in."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parse import parsed


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
    message = _mail("plain")
    message.add_alternative("<p>page</p>", subtype="html")
    assert _text(message) == "From: Ann <ann@a.example>\n\nplain"


@pytest.mark.parametrize("plain", ["", " \n"])
def test_html_is_read_where_the_plain_text_is_empty(plain: str):
    message = _mail(plain)
    message.add_alternative(
        "<html><head><style>p {}</style></head><p>page <b>one</b></p></html>", subtype="html"
    )
    assert _text(message) == "From: Ann <ann@a.example>\n\npage **one**"


def test_attachments_are_named_and_not_read():
    message = _mail()
    message.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename="Rechnung für\nMärz.pdf"
    )
    message.add_attachment("SECRET", filename="note.txt")
    message.add_attachment(b"x", maintype="image", subtype="png")
    text = _text(message)
    assert text.split("\n\n")[1:] == [
        "Total 5",
        "Attachment: Rechnung für März.pdf",
        "Attachment: note.txt",
        "Attachment: image/png",
    ]


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
