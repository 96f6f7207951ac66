"""Pages whose letters are not what they show are told from any page of prose, figures or codes."""

import random

import pytest

from docmill.tasks.checks.quality import grade, is_garbled

PROSE = {
    "English": "The committee met at noon and has approved the plan, which shall not be changed. ",
    "German": "Der Ausschuss trat mit den Räten zusammen und hat den Plan gebilligt, der von nun an gilt. ",
    "French": "Le comité a approuvé le plan pour les mois à venir, qui est dans les mains des experts. ",
    "Polish": "Komisja zebrała się w południe i zatwierdziła plan, który zostanie wykonany do końca roku. ",
    "Czech": "Výbor se sešel v poledne a schválil plán, který bude proveden do konce. Strč prst skrz krk. ",
    "Finnish": "Valiokunta kokoontui ja hyväksyi suunnitelman, joka toteutetaan ennen vuoden loppua. ",
    "Russian": "Комитет собрался в полдень и утвердил план, который будет выполнен до конца года. ",
    "Japanese": "委員会は正午に会合を開き、年末までに実施される計画を承認しました。",
}


def _shifted(text: str, by: int) -> str:
    """Write a text by the numbers of its glyphs, as a font without a map of its letters gives it."""
    return "".join(char if char.isspace() else chr(ord(char) - by) for char in text)


@pytest.mark.parametrize("language", PROSE)
def test_prose_is_what_it_says(language: str):
    assert not is_garbled(PROSE[language] * 8)


@pytest.mark.parametrize(
    "text",
    [
        "QTY PN DWG HSS M8x40 DIN 933 ZN\n" * 40,
        "\n".join(f"{random.Random(n).randbytes(16).hex()} 2031-03-{n % 28 + 1:02}" for n in range(60)),
        "GET /xyz.html HTTP/1.1\nHost: bcdf.example\n" * 30,
        "49.50\t12.00\t1,250.00 EUR\n" * 100,
        "",
    ],
    ids=["parts", "hashes", "requests", "figures", "nothing"],
)
def test_codes_and_figures_are_not_taken_for_garbage(text: str):
    assert not is_garbled(text)


@pytest.mark.parametrize("by", [29, 31, 3, -1])
@pytest.mark.parametrize("language", ["English", "German", "French"])
def test_letters_of_a_font_without_a_map_are_garbage(language: str, by: int):
    assert is_garbled(_shifted(PROSE[language] * 8, by))


@pytest.mark.parametrize("char", ["\U0010ffff", "\U0010fff0", "\ue000", "\x01"])
def test_any_character_may_stand_on_a_page(char: str):
    assert not is_garbled(f"{char} Bolzen Muttern Schrauben Beilagscheiben " * 20)


def test_a_font_without_a_map_is_told_behind_a_page_of_long_words():
    codes = " ".join(f"Beilagscheibe{n}" for n in range(100))
    assert is_garbled(codes + _shifted(PROSE["English"] * 8, 29))


def test_letters_of_a_wrong_map_are_garbage():
    text = " ".join(PROSE[language] for language in ("English", "German", "French", "Polish"))
    wrong = str.maketrans("aeiouybcdfgh", "xzqwvkaeiouy")
    assert is_garbled(text.lower().translate(wrong))


def test_letters_read_in_another_encoding_are_garbage():
    assert is_garbled((PROSE["French"] * 8).encode().decode("cp1252", "replace"))


def test_a_confidence_has_its_grade():
    assert [grade(each) for each in (1.0, 0.97, 0.96, 0.9, 0.8)] == ["good", "good", "fair", "fair", "poor"]
