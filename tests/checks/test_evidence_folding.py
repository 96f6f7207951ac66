"""Folding: what is equal after it, and that every place leads back to the original."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docmill.tasks.checks.evidence import folding
from docmill.tasks.checks.evidence.folding import folded
from docmill.tasks.checks.evidence.search import Text, sought
from docmill.tasks.checks.evidence.values import Value
from docmill.tasks.checks.evidence.words import is_whole

ODD = (
    "aAbBzZßẞſıİéÉüÜñ\u0301\u0308\u0327\u0345\u0653ﬁﬃﬅĲǆ½①㎏℃Ⅷ²₂ªº™…‥¨´ｶﾞﾟガパがﾡￂ가각\u1100\u1161\u11a8"
    "東京都，。１２٣٤०أإلىשָׁלﷺﻻनिकि\u09c7\u09beไทำ한글𝔸𝟘👩🏽\u200d💻\ue000\ue001\ue002\ue003"
    "\u00ad\u200b\u200c\u200e\u2066\u2069\ufeff\u034f\ufe0f -‐‑–−'’‘\"“”*.,;|/"
    "\t\n\r\v\x1c\x85\u00a0\u2003\u2028\u3000"
)
MARKS = '*_`\\"-‐‑–−‘’‛“”„‟\u00ad'
CHARS = st.sampled_from(ODD) | st.characters(exclude_characters="@", exclude_categories=["Cs"])
TEXTS = st.text(CHARS, max_size=40) | st.lists(st.text(CHARS, max_size=6), max_size=8).map(" ".join)


def places(text: str, value: str) -> list[str]:
    """Give what is quoted of a text for a string."""
    what = sought(Value((), (), value))
    return [text[start:end] for start, end in Text(text).find({what: 1})[what]] if what else []


def unmarked(text: str) -> str:
    """Leave out what is a mark of Markdown or CSV by what stands beside it."""
    return re.sub(r"[*_`\\\"²¹³ªº]|(?<=[㐀-鿿]) (?=[㐀-鿿])", "", text)


@given(TEXTS, st.data())
@example("x a-\nb", None)
@example("a\u00ad\nb c", None)
def test_any_whole_tokens_of_a_text_are_found_and_quoted_equal_after_folding(text: str, data: st.DataObject):
    words = [match.span() for match in re.finditer(r"\S+", text)]
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1)) if data else len(words) - 1
    last = data.draw(st.integers(first, len(words) - 1)) if data else len(words) - 1
    value = text[words[first][0] : words[last][1]]
    if sought(Value((), (), value)) is None:
        return
    [quote] = places(text, value)
    assert any(
        folded(quote, hyphen).text.strip(" \t") == folded(value, hyphen).text.strip(" \t")
        for hyphen in ("", "-")
    )


@given(TEXTS)
def test_each_character_of_a_folded_text_leads_to_what_folds_to_it(text: str):
    whole = folded(text)
    for at in range(len(whole.text)):
        for end in range(at + 1, min(at + 4, len(whole.text)) + 1):
            if span := whole.original(at, end):
                again = folded(text[span[0] : span[1]]).text
                assert unmarked(again) in (
                    unmarked(whole.text[at:end]),
                    f"{unmarked(whole.text[at:end])}-",
                ), span


@given(
    st.text(
        CHARS.filter(lambda char: not char.isspace() and char not in '*_`\\"-‐‑–−‘’‛“”„‟«»\u00ad'),
        max_size=20,
    )
)
def test_folding_is_nfkc_and_case_but_for_what_is_not_seen(text: str):
    text = "".join(char for char in text if unicodedata.normalize("NFKD", char)[0] != " ")
    text = "".join(char for char in text if not folding.GREEK.search(unicodedata.normalize("NFKC", char)))
    seen = "".join(
        char
        for char in text
        if unicodedata.category(char) != "Cf"
        and not re.match("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]", char)
    )
    raised = any(unicodedata.decomposition(char).startswith("<super>") for char in text)
    if seen == text and not raised and not set("İıI\u0307") & set(unicodedata.normalize("NFKD", text)):
        assert folded(text).text == unicodedata.normalize("NFKC", text).casefold()


@given(st.text("aé\u0301\u0308ﬁ가\u1161", max_size=30))
def test_forms_of_unicode_are_equal(text: str):
    for form in ("NFC", "NFD"):
        assert folded(unicodedata.normalize(form, text)).text == folded(text).text


@pytest.mark.parametrize(
    ("text", "value", "quote"),
    [
        ("Müller-\nLüdenscheidt GmbH", "müller-lüdenscheidt gmbh", "Müller-\nLüdenscheidt GmbH"),
        ("die Liefer-\n  ung kam", "Lieferung", "Liefer-\n  ung"),
        ("die Liefer\u00ad\nung kam", "Lieferung", "Liefer\u00ad\nung"),
        ("die Lie\u00adfe\u00adrung", "Lieferung", "Lie\u00adfe\u00adrung"),
        ("Ada\n\n  Lovelace", "Ada Lovelace", "Ada\n\n  Lovelace"),
        ("Ada\u00a0Lovelace", "Ada Lovelace", "Ada\u00a0Lovelace"),
        ("in der STRASSE 5", "Straße 5", "STRASSE 5"),
        ("die Straße 5", "strasse 5", "Straße 5"),
        ("the ﬁnal oﬃce", "final office", "ﬁnal oﬃce"),
        ("ﬁﬁ ﬁne ﬁ", "fine", "ﬁne"),
        ("Cafe\u0301 Ole\u0301!", "Café Olé", "Cafe\u0301 Ole\u0301"),
        ("ｶﾞｽ工業", "ガス工業", "ｶﾞｽ工業"),
        ("住所：東京都渋谷区1-2", "東京都渋谷区", "東京都渋谷区"),
        ("김철수는 서울에 산다", "김철수", "김철수"),
        ("שלום עולם", "עולם", "עולם"),
        ("مرحبا\u200f بالعالم", "بالعالم", "بالعالم"),
        ("हिन्दी में लिखा", "हिन्दी", "हिन्दी"),
        ("by **Ada** Lovelace", "Ada Lovelace", "Ada** Lovelace"),
        ("O’Brien & “Sons”", 'O\'Brien & "Sons"', "O’Brien & “Sons”"),
        ("a\r\nvalue over\r\nlines", "value over lines", "value over\r\nlines"),
        ("INV-\n2024-7", "INV-2024-7", "INV-\n2024-7"),
        ("write to Ada@Example.com.", "ada@example.com", "Ada@Example.com"),
        ("BİTLİS IŞIK", "Bitlis Işık", "BİTLİS IŞIK"),
        ("BI\u0307TLI\u0307S", "Bitlis", "BI\u0307TLI\u0307S"),
        ("by __Ada__ `King` and *Co*", "Ada King and Co", "Ada__ `King` and *Co"),
        ("see a\\_b\\_c", "a_b_c", "a\\_b\\_c"),
        ("5*3*2", "5*3*2", "5*3*2"),
        ('x,"the ""old"" mill",y', 'the "old" mill', 'the ""old"" mill'),
        ("Ada¹ King", "Ada1 King", "Ada¹ King"),
        ("sum 70¹ EUR", "70", "70"),
        ("社名は北川電\n機工業です", "北川電機工業", "北川電\n機工業"),
        ("北川 電機", "北川電機", "北川 電機"),
    ],
)
def test_a_value_is_quoted_as_it_stands(text: str, value: str, quote: str):
    assert places(text, value) == [quote]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Adam", "Ada"),
        ("112", "12"),
        ("12.5", "12"),
        ("1,12", "12"),
        ("the Café", "Cafe"),
        ("Cafe\u0301", "Cafe"),
        ("हिन्दी", "हिन्द"),
        ("½", "1"),
        ("Ada\tLovelace", "Ada Lovelace"),
        ("| Ada | Lovelace |", "Ada Lovelace"),
        ("| Ada |\n| Lovelace |", "Ada Lovelace"),
        ("maria-ada@example.com", "ada@example.com"),
        ("ada@example.co.uk", "ada@example.co"),
        ("under_score", "score"),
        ("", "anything"),
        ("sum 70¹ EUR", "701"),
        ("北川\n\n電機", "北川電機"),
        ("北川\t電機", "北川電機"),
    ],
)
def test_a_part_of_a_token_and_of_two_cells_is_not_found(text: str, value: str):
    assert places(text, value) == []


def test_a_token_ends_where_the_text_does():
    assert is_whole("12", 0, 2)
    assert not is_whole("12", 0, 1)


def test_beyond_the_most_special_characters_plain_words_are_found_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folding, "MAX_SPECIALS", 3)
    text = Text("ß Straße Maß groß and plain")
    wanted = {
        what: 1 for word in ("Maß", "groß", "plain") if (what := sought(Value(("a",), ("a",), word, None)))
    }
    assert [len(spans) for spans in text.find(wanted).values()] == [1, 0, 1]
