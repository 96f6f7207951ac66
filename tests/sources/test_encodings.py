"""Encodings of documents: told from the bytes, and honoured where HTML declares them."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.text import Text

GERMAN = (
    "Sehr geehrte Frau Müller,\nfür die Lieferung über 1.250,00 € erhalten Sie die Rechnung. Grüße aus Köln"
)
FRENCH = "Facture n° 12 : Société Générale d'Électricité, réglée à réception. Où êtes-vous ?"
SPANISH = "El señor Muñoz pagó la factura del año pasado. ¿Cuándo llegará?"
SWEDISH = "Åke Öström, Malmö. Fakturan är betald."
POLISH = "Zażółć gęślą jaźń. Umowa została zawarta w Łodzi między stronami."
RUSSIAN = "Договор заключён между сторонами в городе Москве. Счёт на оплату прилагается."
GREEK = "Το συμβόλαιο υπογράφηκε στην Αθήνα μεταξύ των μερών."
TURKISH = "Fatura ödemesi için teşekkür ederiz. Şirketimiz İstanbul'da, çağrı merkezi açık."
ARABIC = "تم توقيع العقد في القاهرة بين الطرفين."
JAPANESE = "請求書をお送りいたします。\nお支払い期限は月末です。よろしくお願いいたします。"
CHINESE = "本合同由甲乙双方签订。请在月底之前付款。感谢您的合作。"
TAIWANESE = "本合約由甲乙雙方簽訂。請在月底之前付款。感謝您的合作。"
HEBREW = "החשבונית נשלחה אליכם ביום שלישי. נא לשלם עד סוף החודש"
LITHUANIAN = "Prašome apmokėti sąskaitą iki mėnesio pabaigos. Ačiū, jūsų įmonė Žalgiris"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Žádáme o zaplacení částky do pátku."
BAVARIAN = "Die Prüfung der Größe läuft, das Gerät wird täglich außer sonntags geöffnet."
THAI = "กรุณาชำระเงินภายในสิ้นเดือนนี้ ขอบคุณครับ"
KOREAN = "계약서는 양 당사자가 서명합니다. 월말까지 지불해 주십시오."
EMOJI = "Paid 👍 by 😀 and 𝒜da"

ENCODED = [
    *((text, "utf-8") for text in (GERMAN, RUSSIAN, JAPANESE, EMOJI)),
    *((text, "utf-8-sig") for text in (GERMAN, "plain", EMOJI)),
    *((text, encoding) for encoding in ("utf-16", "utf-32") for text in (GERMAN, JAPANESE, EMOJI)),
    *(
        (text, encoding)
        for encoding in ("utf-16-le", "utf-16-be")
        for text in ("plain text", GERMAN, RUSSIAN)
    ),
    *((text, "cp1252") for text in (GERMAN, FRENCH, SPANISH, SWEDISH, "A naïve café", "12 €", "“it’s” – ok")),
    *((text, "latin-1") for text in (FRENCH, SPANISH, SWEDISH, "Grüße")),
    *((text, encoding) for encoding in ("cp1250", "iso8859_2") for text in (POLISH, POLISH * 30)),
    *((RUSSIAN, encoding) for encoding in ("cp1251", "koi8_r", "cp866")),
    *((JAPANESE, encoding) for encoding in ("cp932", "euc_jp")),
    (GREEK, "cp1253"),
    (TURKISH, "cp1254"),
    (ARABIC, "cp1256"),
    (CHINESE, "gb18030"),
    (TAIWANESE, "big5"),
    (KOREAN, "cp949"),
    (JAPANESE, "iso2022_jp"),
    (KOREAN, "iso2022_kr"),
    (TURKISH, "iso8859_9"),
    *((HEBREW, encoding) for encoding in ("cp1255", "iso8859_8")),
    *((LITHUANIAN, encoding) for encoding in ("cp1257", "iso8859_13")),
    *((CZECH, encoding) for encoding in ("cp1250", "iso8859_2", "cp852")),
    *((BAVARIAN, encoding) for encoding in ("cp1252", "mac_roman", "cp850", "cp437")),
    *((FRENCH, encoding) for encoding in ("mac_roman", "cp850", "cp437")),
    ("Størrelse på båden: 12", "cp850"),
    (THAI, "cp874"),
]


@pytest.mark.parametrize(("text", "encoding"), ENCODED, ids=lambda value: value[:12])
@pytest.mark.parametrize("suffix", ["txt", "md", "csv"])
def test_encoding_is_told_from_the_bytes(text, encoding, suffix):
    """Text comes out as it was written, with or without a byte order mark, also where it is short."""
    assert parsed(text.encode(encoding), f"document.{suffix}").text == text


@pytest.mark.parametrize(
    ("text", "charset", "encoding"),
    [
        (GREEK, "iso-8859-7", "iso8859-7"),
        ("Ćevapčići", "windows-1250", "cp1250"),
        ("“Größe”", "ISO-8859-1", "cp1252"),
        ("“Größe”", "us-ascii", "cp1252"),
        ("联通", "gb2312", "gb18030"),
        ("請求書", "Shift_JIS", "cp932"),
        ("請求書", "iso-2022-jp", "iso2022_jp"),
        ("Grüße", "iso-8859-1", "utf-8"),
        ("Größe", "utf-16", "utf-8"),
        ("Größe", "nonsense", "utf-8"),
        ("Größe", "unicode_escape", "utf-8"),
        ("Größe", "rot13", "cp1252"),
    ],
    ids=lambda value: value,
)
@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="{}">',
        "<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset={}'>",
        '<?xml version="1.0" encoding="{}"?>',
    ],
    ids=["meta", "http-equiv", "xml"],
)
def test_html_says_its_encoding(text, charset, encoding, head):
    """The declared charset is honoured, but UTF-8 under a stale one is still UTF-8."""
    page = f"{head.format(charset)}<html><body><p>{text}</p></body></html>"
    assert parsed(page.encode(encoding), "page.html").text == text


def test_utf8_with_a_broken_byte_stays_utf8():
    """A file cut within a character loses that character, not all its umlauts, and says so."""
    content = (GERMAN + "ß").encode()[:-1]
    assert parsed(content, "cut.txt") == Text(GERMAN + "\ufffd", unread=(("some characters", Why.BROKEN),))


@pytest.mark.parametrize("suffix", ["txt", "csv", "json", "md"])
def test_what_is_told_for_sure_is_not_in_doubt(suffix):
    for text, encoding in ENCODED:
        assert parsed(text.encode(encoding), f"a.{suffix}").unread == (), (text, encoding)


def test_a_text_that_another_encoding_makes_as_likely_says_so():
    """One letter of Croatian: nothing but the language tells it from a French one."""
    assert parsed("Molimo vas da račun platite do kraja".encode("cp1250"), "a.txt").unread == (
        ("some letters", Why.ENCODING),
    )


def test_a_file_put_together_of_two_encodings_is_read_line_by_line_and_told():
    content = "Möller zahlt 12 €\n".encode() + f"{GERMAN}\n".encode("cp1252") * 3
    text, _, unread, *_ = parsed(content, "a.txt")
    assert text == "\n".join(["Möller zahlt 12 €", *[GERMAN] * 3])
    assert unread == (("some lines", Why.MIXED),)


@pytest.mark.parametrize("text", ["+1,906.25-", "A+B-C", "1 ~{ 2 ~} 3", "a\x1bb"])
def test_signs_that_look_like_an_old_encoding_are_signs(text):
    assert parsed(text.encode(), "a.txt") == Text(text.replace("\x1b", ""))


@given(st.text(st.sampled_from("abc \n–’“”€é"), min_size=1).map(lambda text: f"It is {text} so"))
def test_decoding_says_what_it_lost(text: str):
    """Whatever bytes are read, a character that is lost is told."""
    for content in (text.encode()[:-4] + b"\xff so", text.encode("cp1252")):
        read = parsed(content, "a.txt")
        assert "\ufffd" not in read.text or read.unread


@pytest.mark.slow
def test_the_last_line_of_ten_million_bytes_is_read_in_its_encoding():
    content = b"plain line\n" * 900_000 + "Größe für Öl".encode("cp1252")
    assert parsed(content, "a.txt").text.endswith("\nGröße für Öl")


def test_text_is_the_same_in_another_process():
    """Same bytes, same text: no hash seed and no locale plays a part."""
    contents = [text.encode(encoding) for text, encoding in ENCODED]
    program = (
        "import ast, json, sys; from docmill.tasks.sources.parse import parsed;"
        "print(json.dumps([parsed(each, 'a.txt').text for each in ast.literal_eval(sys.stdin.read())]))"
    )
    environment = {"PYTHONHASHSEED": "7", "LC_ALL": "C"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        input=repr(contents),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout) == [parsed(content, "a.txt").text for content in contents]
