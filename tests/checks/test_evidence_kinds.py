"""Kinds of values as documents write them: each is found, and what is near to it is not."""

import json
from typing import Any

import pytest

from docmill.tasks.checks.evidence.cldr import FILE
from docmill.tasks.checks.evidence.grounding import Grounds
from tests.support import cldr


def found(text: str, value: Any, format_: str | None = None) -> bool:
    """Say whether a value stands in a text."""
    kind = "string" if isinstance(value, str) else "number"
    schema = {"properties": {"a": {"type": kind, **({"format": format_} if format_ else {})}}}
    return not Grounds(text).of({"a": value}, schema).missing


NUMBERS: list[tuple[str, float, list[float]]] = [
    # a text, the number that it says, and others that it does not
    ("Saldo: - 50,00 €", -50, [50, 5]),
    ("Saldo: −50,00 €", -50, [50]),
    ("Saldo ‐50,00", -50, [50]),
    ("Saldo: －50", -50, [50]),
    ("Saldo: 50,00-\n", -50, [50]),
    ("Balance\t(1,234.50 USD)\n", -1234.5, [1234.5]),
    ("Change\t(12.5%)\n", -12.5, [12.5]),
    ("Kontostand: EUR -17,30", -17.3, [17.3]),
    ("Kontostand: -EUR 17,30", -17.3, [17.3]),
    ("Kontostand: -€17.30", -17.3, [17.3]),
    ("| Gutschrift | -3.400,00 |", -3400, [3400, 3.4]),
    ("pages 10-12", 12, [-12]),
    ("in the years 2019–2021", 2021, [-2021]),
    ("item COVID-19 test", 19, [-19]),
    ("- 3 apples\n- 4 pears\n", 3, [-3, -4]),
    ("Total RM1,250.00", 1250, [-1250, 250]),
    ("Total Rp 1.250.000", 1_250_000, [1250]),
    ("Total S$12.40 and NT$300", 12.4, [12.41]),
    ("Total AED3,400", 3400, [400]),
    ("Cena 199zł", 199, [99]),
    ("Cena 199 Kč", 199, [19]),
    ("Цена 1500руб.", 1500, [150, 500]),
    ("₹1,00,000 only", 100_000, [1000]),
    ("CHF 1'250.50", 1250.5, [250.5]),
    ("a flat of 85m²", 85, [852]),
    ("120 km² of wood", 120, [1202]),
    ("weighs 5kg", 5, [-5, 55]),
    ("weighs 5 kg", 5, [50]),
    ("a 250ml bottle", 250, [25]),
    ("1\u2007250 pieces", 1250, []),
    ("1\u202f250,00 €", 1250, [250]),
    ("profit of 1.2 million", 1_200_000, []),
    ("Umsatz von 3,4 Mio. €", 3_400_000, [34]),
    ("Umsatz von 3,4 Milliarden", 3_400_000_000, [3_400_000]),
    ("un budget de 2 millions", 2_000_000, [20]),
    ("45k users", 45_000, [450]),
    ("3.5bn in sales", 3_500_000_000, [35]),
    ("1.5e3 counts", 1500, [1.5e4]),
    ("revenue 100¹ (see note)", 100, [1001]),
    ("the 2nd and 3rd floor", 3, [2.3]),
    ("on 31.12.2024 we met", 2024, [31, 12]),
    ("on 2024-05-17 we met", 2024, [17, 5, -17, -5]),
    ("on 17 May 2024 we met", 2024, [17]),
    ("May 17, 2024", 2024, [17]),
    ("am 3. Juni 2024", 2024, [3]),
    ("at 14:30 sharp", 99, [14, 30]),
    ("order no. 12345678", 12345678, [1234, 5678, 345]),
    ("v1.2.3", 99, [1.2, 2.3]),
    ("IP 10.0.0.12", 99, [0.12]),
    ("19 % VAT", 0.19, [1.9]),
    ("19 % VAT", 19, [190]),
    ("５０００円", 5000, [500]),
    ("٣٤٥ ريال", 345, [34]),
    ("3千円", 3000, [3]),
    ("1万2千", 99, [10_000, 1, 2]),
    ("a loss of $(88.20) in May", -88.2, [88.2]),
    ("Result\t(5.00) EUR\n", -5, [5.01]),
    ("minus 12.5 degrees", -12.5, [12.5]),
    ("ten is 15 minus 5", 5, [-5]),
    ("営業損失 ▲5,000", -5000, [500]),
    ("a change of -.5 points", -0.5, [0.5]),
    ("Giá 25.000đ một tô", 25_000, [2500]),
    ("12Euro", 12, [1]),
    ("a rest of 45sec", 45, [4]),
    ("a stay of 10days", 10, [1]),
    ("мешок 10кг", 10, [1, 10_000_000]),
    ("площадь 30м²", 30, [302]),
    ("Fläche: 120qm", 120, [12]),
    ("20kg入り", 20, [2]),
    ("flat 12abc, row 7ab", 99, [12, 7]),
    ("Sold for $5m", 5_000_000, [5]),
    ("a plank of 5m", 5, [5_000_000]),
    ("Umsatz 75 TEUR", 75_000, [7500]),
    ("un budget de 3 M€", 3_000_000, [30]),
    ("2тыс. руб.", 2000, [2]),
]


@pytest.mark.parametrize(("text", "value", "others"), NUMBERS)
def test_a_number_is_found_and_those_near_to_it_are_not(text: str, value: float, others: list[float]):
    assert value == 99 or found(text, value)
    assert [other for other in others if found(text, other)] == []


CSV, JSON = "name,sum,left\nLark,{}\nAsh,1,2\n", '{{"case": "bada", "sums": [{}]}}'


@pytest.mark.parametrize("file", [CSV, JSON])
def test_a_comma_between_numbers_of_csv_or_json_makes_no_number_of_them(file: str):
    text = file.format("4,200")
    assert [found(text, value) for value in (4, 200, 4.2, 4200)] == [True, True, False, False]
    assert found(file.format('"1,234.50","x"'), 1234.5)
    assert found(f"Paid in all: 4,200\n{text}", 4200)


DAYS: list[tuple[str, str, list[str]]] = [
    ("Rechnung Nr. 4711 vom 12. Mai 2024", "2024-05-12", ["2024-05-11", "2012-05-12"]),
    ("le 3 février 2024", "2024-02-03", ["2024-03-02"]),
    ("3 FEVRIER 2024", "2024-02-03", ["2024-03-02"]),
    ("el 7 de septiembre de 2023", "2023-09-07", ["2023-09-17"]),
    ("15 września 2023 r.", "2023-09-15", ["2023-09-05"]),
    ("5. března 2024", "2024-03-05", ["2024-05-03"]),
    ("2024. március 8.", "2024-03-08", ["2024-08-03"]),
    ("12 декабря 2023 года", "2023-12-12", ["2023-12-11"]),
    ("12 Aralık 2023", "2023-12-12", ["2023-12-02"]),
    ("12 Mayıs 2023", "2023-05-12", ["2023-05-02"]),
    ("12 ΜΑΪΟΥ 2023", "2023-05-12", ["2023-05-02"]),
    ("2024年5月3日", "2024-05-03", ["2024-05-13"]),
    ("令和6年5月3日", "2024-05-03", ["2023-05-03"]),
    ("2024년 5월 3일", "2024-05-03", ["2024-05-30"]),
    ("3 พฤษภาคม 2567", "2024-05-03", ["2023-05-03"]),
    ("ngày 3 tháng 5 năm 2024", "2024-05-03", ["2024-03-05"]),
    ("3 במאי 2024", "2024-05-03", ["2024-05-13"]),
    ("٣ مايو ٢٠٢٤", "2024-05-03", ["2024-05-13"]),
    ("March 5th, 2024", "2024-03-05", ["2024-03-15"]),
    ("the 5th of March 2024", "2024-03-05", ["2024-03-15"]),
    ("05/03/24", "2024-03-05", ["2024-03-15", "2023-03-05"]),
    ("20240305T101500Z", "2024-03-05", ["2024-05-03"]),
    ("Report for 2024. We met on 5 March.", "2024-03-05", ["2024-03-15", "2023-03-05"]),
    ("Abrechnung 2024\nam 05.03. geliefert", "2024-03-05", ["2024-03-15"]),
    ("We met on 5 March.", "", ["2024-03-05"]),
    ("order 12345 May 2024", "", ["2024-05-12", "2024-05-05"]),
    ("1.2.2024.5", "", ["2024-02-01"]),
    ("this 21st day of November, 2025", "2025-11-21", ["2025-11-01"]),
    ("21 . 11 . 2025", "2025-11-21", ["2025-11-12"]),
    ("«03» мая 2024 г.", "2024-05-03", ["2024-05-04"]),
    ("03 мая 2024г.", "2024-05-03", ["2024-05-04"]),
    ("03/May/2024:10:00:00", "2024-05-03", ["2024-05-10"]),
    ("Fri May  3 10:00:00 UTC 2024", "2024-05-03", ["2024-05-10"]),
    ("May 3–5, 2024", "2024-05-03", ["2024-05-04"]),
    ("May 3 to 5, 2024", "2024-05-05", ["2024-05-04"]),
    ("vom 3. bis 5. Mai 2024", "2024-05-03", ["2024-05-04"]),
    ("del 3 al 5 de mayo de 2024", "2024-05-05", ["2024-05-04"]),
    ("3/4 May 2024", "2024-05-03", ["2024-04-03"]),
    ("民國113年5月3日", "2024-05-03", ["2113-05-03"]),
]


@pytest.mark.parametrize(("text", "day", "others"), DAYS)
def test_a_day_is_found_and_those_near_to_it_are_not(text: str, day: str, others: list[str]):
    assert not day or found(text, day, "date")
    assert [other for other in others if found(text, other, "date")] == []


STRINGS: list[tuple[str, str, list[str]]] = [
    ('{"name": "M\\u00fcller \\"Bau\\" GmbH", "path": "C:\\\\data"}', 'Müller "Bau" GmbH', ["u00fcller"]),
    ('{"note": "line one\\nline two"}', "line one line two", ["none"]),
    ('{"smile": "\\ud83d\\ude00 good"}', "😀 good", ["d83d"]),
    ('"Hotel ""Zur Post""",12', 'Hotel "Zur Post"', ["Hotel Zum"]),
    ("**Total** *due* today", "Total due today", ["Total today"]),
    ("the `run_id` of it", "run_id of", ["run_idof"]),
    ("see [Acme Ltd](https://acme.example) now", "Acme Ltd now", ["Acme now"]),
    ("Acme \\[Ltd\\]", "Acme [Ltd]", ["Acme (Ltd)"]),
    ("a 1\\* hotel", "1* hotel", ["2* hotel"]),
    ("Acme Ltd · 12 High Street · Leeds", "12 High Street, Leeds", ["Acme, Leeds"]),
    ("İSTANBUL ŞUBESİ", "İstanbul Şubesi", ["Ankara Şubesi"]),
    ("ΟΔΟΣ ΕΡΜΟΥ", "Οδός Ερμού", ["Οδός Ερμή"]),
    ("la « Belle Étoile »", "Belle Étoile", ["Bel Étoile"]),
    ("«Rossignol» SA", '"Rossignol" SA', ["Rossignols SA"]),
    ("Card 4111-1111-1111-1111", "4111111111111111", ["4111111111111112", "411111111111"]),
    ("ISBN 978-3-16-148410-0", "978 3 16 148410 0", ["978 3 16 148410 1"]),
    ("ISPARTA", "Isparta", ["Ispart"]),
    ("株式会社\n山田商店", "株式会社山田商店", ["株式会社田商店"]),
    ("12 High Street\nLeeds\nLS1 4AP", "12 High Street, Leeds, LS1 4AP", ["2 High Street, Leeds"]),
    ("12 High Street, Leeds", "12 High Street\nLeeds", ["12 High Street\nYork"]),
    ("IBAN DE89 3704 0044 0532 0130 00", "DE89370400440532013000", ["DE89370400440532013001"]),
    ("IBAN DE89370400440532013000", "DE89 3704 0044 0532 0130 00", ["DE89 3704 0044 0532 0130"]),
    ("Tel. +49 (30) 1234-567", "+49 30 1234567", ["+49 30 1234568", "+49 30 123456"]),
    ("VAT no. GB 123 4567 89", "GB123456789", ["GB12345678"]),
    ("USt-IdNr. DE123456789", "DE 123 456 789", ["DE 123 456 788"]),
    ("5kg bag", "5 kg", ["15 kg", "5 k"]),
    ("Donau-\ndampfschiff", "Donaudampfschiff", ["Donauschiff"]),
    ("mail to a.b@c.example, please", "a.b@c.example", ["b@c.example", "a.b@c.exam"]),
]


@pytest.mark.parametrize(("text", "value", "others"), STRINGS)
def test_a_string_is_found_in_its_other_spellings_and_no_other_string_is(
    text: str, value: str, others: list[str]
):
    assert found(text, value)
    assert [other for other in others if found(text, other)] == []


def test_the_table_of_names_is_what_cldr_says():
    assert json.loads(FILE.read_text(encoding="utf-8")) == cldr.table()


@pytest.mark.parametrize(
    ("text", "value", "format_", "quote"),
    [
        ("Report for 2024. We met on 5 March, all of us.", "2024-03-05", "date", "5 March"),
        ("Gehalt 3 万円 im Monat", 30_000, None, "3 万"),
        ("Saldo: - 50,00 € heute", -50, None, "- 50,00"),
        ("profit of 1.2 million last year", 1_200_000, None, "1.2 million"),
        ("Nr. 4711 vom 12. Mai 2024: 3 Stück", "2024-05-12", "date", "12. Mai 2024"),
        ("12 High Street\nLeeds", "12 High Street, Leeds", None, "12 High Street\nLeeds"),
        ('{"note": "a\\u00e9b"}', "aéb", None, "a\\u00e9b"),
    ],
)
def test_what_is_found_is_quoted_as_it_stands(text: str, value: Any, format_: str | None, quote: str):
    kind = "string" if isinstance(value, str) else "number"
    schema = {"properties": {"a": {"type": kind, **({"format": format_} if format_ else {})}}}
    [entry] = Grounds(text).of({"a": value}, schema).evidence
    assert entry["quote"] == quote
    assert text[entry["start"] : entry["end"]] == quote


@pytest.mark.parametrize("value", [3, -3])
def test_a_number_alone_in_parentheses_may_be_the_mark_of_an_item_or_below_zero(value: int):
    assert found("a\t(3)\tb\n", value)
    assert found("(3)", value)
