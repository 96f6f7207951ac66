"""Encodings of documents: told from the bytes, and honoured where HTML declares them."""

import json
import subprocess
import sys

import pytest

from docmill.tasks.sources.parse import parsed

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
    (FRENCH, "mac_roman"),
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
    """A file cut within a character loses that character, not all its umlauts."""
    content = (GERMAN + "ß").encode()[:-1]
    assert parsed(content, "cut.txt").text == GERMAN + "\ufffd"


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
