"""The values of rows: written as their database writes them, and none ends the reading of the others."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.keys import Ids
from docmill.tasks.sources.template import compiled
from docmill.tasks.sources.values import Beyond, as_json, digits, written
from tests.sinks.test_results import outcome, schema
from tests.sinks.test_rows_results import keyed
from tests.support.tickets import POSTGRES, SQLITE, asked, fault, ids, read, rows_of, table, tell

POSTGRESQL: dict[str, dict[str, str]] = {  # by type: what is written in SQL, and what has to be sent
    "timestamp": {
        "infinity": "infinity",
        "-infinity": "-infinity",
        "0044-03-15 09:00 BC": "0044-03-15 09:00:00 BC",
        "12031-05-01": "12031-05-01 00:00:00",
        "2031-05-04 10:30:00.5": "2031-05-04 10:30:00.500000",
    },
    "timestamptz": {
        "infinity": "infinity",
        "0044-03-15 09:00+00 BC": "0044-03-15 09:00:00+00 BC",
        "2031-07-01 23:30+05:30": "2031-07-01 18:00:00+00:00",
    },
    "date": {"infinity": "infinity", "0100-06-01 BC": "0100-06-01 BC", "10401-01-01": "10401-01-01"},
    "time": {"24:00": "24:00:00", "07:15": "07:15:00"},
    "timetz": {"24:00+02": "24:00:00+02", "07:15+02": "07:15:00+02:00"},
    "interval": {
        "-00:45": "-00:45:00",
        "1 year 2 mons": "1 year 2 mons",
        "9000000 years": "9000000 years",
        "178000000 years": "178000000 years",
        "3 days 04:05:06": "3 days 04:05:06",
    },
    "numeric": {
        "0.0000001": "0.0000001",
        "1130.50": "1130.50",
        "1e30": "1" + 30 * "0",
        "NaN": "NaN",
        "Infinity": "Infinity",
    },
    "float8": {"0.1": "0.1", "NaN": "nan", "Infinity": "inf"},
    "money": {"-1234.5": "-$1,234.50"},
    "text[]": {'{"oak board","ash, beam",NULL}': '["oak board", "ash, beam", null]', "{}": "[]"},
    "numeric[]": {"{12.75,0.0000001,NULL}": '[12.75, "0.0000001", null]', "[0:1]={1,2}": "[1, 2]"},
    "date[]": {"{2031-05-04,infinity}": '["2031-05-04", "infinity"]'},
    "interval[]": {'{"1 mon"}': '["1 mon"]'},
    "int[]": {"{{1,2},{3,4}}": "[[1, 2], [3, 4]]"},
    "jsonb": {
        '{"paid": true, "firm": "Müller", "none": null}': '{"firm": "Müller", "none": null, "paid": true}',
        "[12345678901234567890, 12345678901234567890.12]": (
            '[12345678901234567890, "12345678901234567890.12"]'
        ),
        "[1e400]": "[1" + 400 * "0" + "]",
        '"oak"': "oak",
    },
    "json": {"1e99999999999999999999": "1e99999999999999999999", "[" * 5000 + "]" * 5000: "["},
    "int4range": {"[3,9)": "[3,9)", "empty": "empty", "(,5)": "(,5)"},
    "tstzrange": {
        "[2031-06-01 10:00+00,)": '["2031-06-01 10:00:00+00",)',
        "[2031-06-01 10:00+00,infinity)": '["2031-06-01 10:00:00+00",infinity)',
    },
    "datemultirange": {"{[2031-01-01,2031-02-01)}": "{[2031-01-01,2031-02-01)}"},
    "inet": {"10.20.30.40": "10.20.30.40", "10.0.0.1/24": "10.0.0.1/24", "::1": "::1"},
    "cidr": {"10.0.0.0/8": "10.0.0.0/8"},
    "macaddr": {"08:00:2b:01:02:03": "08:00:2b:01:02:03"},
    "uuid": {"6f0b4f3e-4d4b-4c57-8f0a-0d7e7f1f2b10": "6f0b4f3e-4d4b-4c57-8f0a-0d7e7f1f2b10"},
    "bit(5)": {"10110": "10110"},
    "point": {"(1,2)": "(1,2)"},
    "wood": {"elm tree": "elm tree"},
    "place": {'("Harbour Lane",4)': '("Harbour Lane",4)'},
    "cents": {"7.50": "7.50"},
}
MADE = (
    "create type wood as enum ('oak', 'elm tree')",
    "create type place as (street text, number integer)",
    "create domain cents as numeric check (value >= 0)",
)


@POSTGRES
@pytest.mark.parametrize("kind", POSTGRESQL)
def test_what_postgresql_holds_is_read_as_it_writes_it(database: str, kind: str):
    if kind in ("wood", "place", "cents"):
        tell(database, *MADE)
    values = POSTGRESQL[kind]
    tell(database, f"create table goods (id integer, v {kind})")
    for number, value in enumerate(values):
        tell(database, f"insert into goods values ({2 * number}, '{value}'), ({2 * number + 1}, null)")
    refs = read(rows_of(database, "select * from goods order by id", text="v={{ v }}."))
    assert len(refs) == 2 * len(values)
    texts = [ref.read().text if ref.fault is None else ref.fault for ref in refs]
    assert texts[1::2] == ["v=."] * len(values)
    for text, wanted in zip(texts[::2], values.values(), strict=True):
        nested = wanted == "["
        assert text == f"v={wanted}." or (nested and "RecursionError" in text) or (nested and "[[[[" in text)


@POSTGRES
def test_the_settings_of_a_role_change_no_text(database: str):
    name = database.partition("?")[0].rpartition("/")[2]
    tell(
        database,
        f"alter database {name} set datestyle to 'German'",
        f"alter database {name} set intervalstyle to 'iso_8601'",
        f"alter database {name} set timezone to 'Asia/Tokyo'",
    )
    query = """select 1 as id, '2031-05-04 10:00+00'::timestamptz as t, date '2031-05-04' as d,
        interval '1 mon' as i"""
    [ref] = read(rows_of(database, query, text="{{ t }}, {{ d }}, {{ i }}"))
    assert ref.read().text == "2031-05-04 10:00:00+00:00, 2031-05-04, 1 mon"


@POSTGRES
def test_a_record_is_written_as_postgresql_does(database: str):
    [ref] = read(rows_of(database, "select 1 as id, row('Harbour Lane', 4, null) as v", text="{{ v }}"))
    assert ref.read().text == '("Harbour Lane",4,)'


@POSTGRES
def test_values_can_still_be_calculated_with_and_looked_into(database: str):
    query = """select 1 as id, 12.5 as n, '{"sum": 2.5, "of": ["a", "b"]}'::jsonb as j, array['x','y'] as a,
        date '2031-05-04' as d"""
    template = "{{ n * 2 }} {{ j.sum * 1.5 }} {{ j.of[1] }} {{ a|join('+') }} {{ d.year }} {{ a[:1] }}"
    [ref] = read(rows_of(database, query, text=template))
    assert ref.read().text == '25.0 3.75 b x+y 2031 ["x"]'


@POSTGRES
def test_a_value_that_python_does_not_hold_fails_a_template_that_looks_into_it(database: str):
    query = "select 1 as id, v from (values ('infinity'::date), ('2031-05-04')) as t (v)"
    refs = read(rows_of(database, query.replace("1 as", "row_number() over () as"), text="{{ v.year }}"))
    assert "has no attribute" in fault(refs[0]) or "UndefinedError" in fault(refs[0])
    assert refs[1].read().text == "2031"


@POSTGRES
@pytest.mark.parametrize("first", ["infinity", "2031-05-04"])
def test_a_key_that_python_does_not_hold_fails_its_row_alone(database: str, first: str):
    days = {"infinity", "2031-05-04", "2031-05-05"}
    tell(database, "create table goods (id date)")
    tell(database, *(f"insert into goods values ('{day}')" for day in [first, *sorted(days - {first})]))
    source = rows_of(database, "select * from goods", text="{{ id }}")
    with source.opened() as refs:
        found = {ref.document_id: ref.fault for ref in refs}
        assert str(source.first_key()) == "2031-05-04"
    assert found.pop("infinity") == "its key is a value that is only a text here, such as infinity"
    assert found == {"2031-05-04": None, "2031-05-05": None}


@POSTGRES
def test_a_padded_key_is_what_it_holds(database: str):
    table(database, [("K1", "s", "b"), ("K-2031", "s", "b")], key="char(8)")
    assert ids(rows_of(database)) == ["K1", "K-2031"]


@POSTGRES
@pytest.mark.parametrize("key", [time(7, 15), time(12, 0, 30, 5)])
def test_a_typed_table_joins_a_key_that_is_a_time(database: str, key: time):
    table(database, [(key, "s", "b")], key="time")
    [document_id] = ids(rows_of(database))
    results = Results.open(keyed(database, key), "p", schema())
    results.write([outcome(document_id)], "r1", "s1")
    results.close()
    assert asked(database, "select ticket from enriched join tickets on id = ticket") == [(key,)]


def test_a_key_of_several_parts_is_written_without_pythons_words():
    assert Ids().take([Decimal("1.50"), None]) == ("[1.5, null]", None)


def test_a_key_that_python_does_not_hold_decides_no_type():
    taken = Ids()
    assert taken.take(Beyond("infinity"))[1] is not None
    assert taken.take(7) == ("7", None)
    assert taken.take("8")[1] == "its key is of the type str, and the first row's of int"


@SQLITE
def test_what_sqlite_holds_in_one_column_is_read_as_it_is(database: str):
    tell(database, "create table goods (id integer primary key, v date)")
    for value in ("'2031-05-04'", "'soon'", "20310504", "3.5", "9007199254740993", "9e999", "x'6f616b'"):
        tell(database, f"insert into goods (v) values ({value})")
    refs = read(rows_of(database, "select * from goods order by id", text="{{ v }}"))
    texts = [ref.fault or ref.read().text for ref in refs]
    assert texts[:-1] == ["2031-05-04", "soon", "20310504", "3.5", "9007199254740993", "inf"]
    assert texts[-1] == "the template cannot be filled: TypeError"


@SQLITE
def test_a_nul_glues_no_words(database: str):
    tell(database, "create table goods (id integer primary key, v text)")
    tell(database, "insert into goods (v) values ('ash' || char(0) || 'beam')")
    [ref] = read(rows_of(database, "select * from goods", text="{{ v }}"))
    assert ref.read().text == "ash beam"


def rendered(template: str, **row: Any) -> str:
    return compiled(template, list(row))(row)


@pytest.mark.parametrize("template", ["{{ v }}", "{{ 'v=' ~ v }}", "{{ v|string }}", "{{ '%s'|format(v) }}"])
def test_a_value_is_well_written_within_a_filter_too(template: str):
    assert "0.0000001" in rendered(template, v=Decimal("1E-7"))
    assert '["é", null, true, 1.5]' in rendered(template, v=["é", None, True, Decimal("1.50")])
    assert '{"a": [2]}' in rendered(template, v={"a": [Decimal("2.00")]})


@pytest.mark.parametrize("template", ["{{ v.upper }}", "{{ [v]|map('upper') }}", "{{ range }}", "{{ b }}"])
def test_what_is_no_value_has_no_text(template: str):
    with pytest.raises(Unreadable, match="TypeError"):
        rendered(template, v="oak", b=[b"\xff"])


def test_binary_is_no_json():
    with pytest.raises(Unreadable, match="TypeError"):
        rendered("{{ v|tojson }}", v=b"oak")


def test_a_number_of_a_million_zeros_takes_no_memory():
    assert digits(Decimal("1E+1000000")) == "1E+1000000"
    assert as_json([Decimal("1E+1000000")]) == '["1E+1000000"]'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value=-(10**40), max_value=10**40))
def test_a_decimals_digits_are_its_own(number: Decimal):
    assert Decimal(digits(number)) == Decimal(written(number)) == number
    assert "E" not in digits(number)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=34, minutes=5), "34:05:00"),
        (-timedelta(hours=1, minutes=30), "-01:30:00"),
        (timedelta(seconds=1, microseconds=500_000), "00:00:01.5"),
        (timedelta(), "00:00:00"),
    ],
)
def test_a_span_of_time_is_written_as_a_clock(span: timedelta, text: str):
    assert written(span) == text
    assert written([span]) == f'["{text}"]'
    assert compiled("{{ span.days }}", ["span"])({"span": span}) == str(span.days)
