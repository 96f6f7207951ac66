"""The texts of rows: templates, what they may do, and which row is failed by what."""

import json
import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.template import compiled
from tests.support.tickets import (
    POSTGRES,
    SQLITE,
    fault,
    read,
    rows_of,
    table,
    tell,
)


def rendered(template: str, **row: Any) -> str:
    return compiled(template, list(row))(row)


def test_null_is_nothing_whatever_it_goes_through():
    template = "[{{ a }}{{ a|upper }}{{ a|trim }}{{ a ~ '' }}{% if a is none %}none{% endif %}{{ a or 'x' }}]"
    assert rendered(template, a=None) == "[nonex]"
    assert rendered("{{ a|tojson }}{{ b.c }}", a=None, b={"c": None}) == "null"


def test_a_value_that_is_nested_too_deeply_fails_its_row_alone():
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Unreadable, match="the template cannot be filled: RecursionError"):
        rendered("{{ a }}", a=deep)


def test_nothing_is_escaped():
    assert rendered("{{ a }} {{ a ~ '&' }} {{ b|tojson }}", a="<ä>", b={"x": "ä & <b>"}) == (
        '<ä> <ä>& {"x": "ä & <b>"}'
    )


def test_json_holds_any_type():
    row = {"a": [date(2026, 1, 2), Decimal("1.5"), UUID(int=0)]}
    expected = ["2026-01-02", 1.5, "00000000-0000-0000-0000-000000000000"]
    assert json.loads(rendered("{{ a|tojson }}", **row)) == expected


def test_a_column_may_be_called_like_a_function_of_jinja2():
    assert rendered("{{ range }} {{ dict }}", range="a", dict="b") == "a b"


HOSTILE = [
    "{{ 'x' * 1000000000 }}",
    "{{ a * 1000000000 }}",
    "{{ [0] * 1000000000 }}",
    "{{ 9 ** 999999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ a.__class__ }}",
    "{{ a.missing }}",
    "{{ 1 / 0 }}",
    "{{ a + 1 }}",
    "{{ b }}",
]


@pytest.mark.parametrize("template", HOSTILE)
def test_a_template_that_fails_fails_one_row(template: str):
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="the template cannot be filled"):
            rendered(template, a="x", b=b"\xff")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "template", ["{{ {}[a] }}", "{{ {}[a].b }}", "{{ b[a] }}", "{{ 'x'.index(a) }}", "{{ {}[1:a] }}"]
)
def test_a_failing_template_does_not_say_what_is_in_the_row(template: str):
    with pytest.raises(Unreadable) as caught:
        rendered(template, a="my 'secret' word", b=None)
    assert "secret" not in str(caught.value)


def test_a_failing_template_names_what_it_lacks():
    with pytest.raises(Unreadable, match=r"UndefinedError: 'Json object' has no attribute 'total'$"):
        rendered("{{ a.total }}", a={})


def test_numbers_are_calculated_with():
    assert rendered("{{ a * 2 }} {{ a % 2 }} {{ b * 3 }}", a=3, b=Decimal("1.5")) == "6 1 4.5"


def test_one_row_that_cannot_be_rendered_leaves_the_others(database: str):
    table(database, [(1, "a", "1"), (2, "b", "0"), (3, None, None)])
    query = "select id, subject, cast(body as integer) as n from tickets"
    refs = read(rows_of(database, query, text="{{ subject }}{{ 1 // n if n is not none }}"))
    assert refs[0].read().text == "a1"
    assert fault(refs[1]) == "the template cannot be filled: ZeroDivisionError"
    assert fault(refs[2]) == "no text: the row's text is empty"


TOO_LARGE = {
    "of many parts": "{% for i in range(30000) %}{{ subject|center(1000) }}{% endfor %}",
    "of one part": "{{ subject|center(20000001)|replace(' ', '.') }}",
    "of more bytes than characters": "{{ subject|center(10000001)|replace(' ', 'ä') }}",
    "of what would be left out": "{% for i in range(30000) %}{{ subject.center(1000, '\\7') }}{% endfor %}",
}


@pytest.mark.parametrize("template", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_text_that_is_too_large_is_failed_and_not_cut(tmp_path: Path, template: str):
    url = f"sqlite:///{tmp_path}/one.db"
    table(url, [(1, "a", "b")])
    [ref] = read(rows_of(url, text=template))
    assert "larger than 20,000,000 bytes" in fault(ref)


@SQLITE
def test_a_text_that_is_not_utf8_fails_its_row_alone(database: str):
    table(database, [(1, "a", "b")])
    tell(database, "insert into tickets values (2, cast(x'ff61' as text), 'b')")
    refs = read(rows_of(database))
    assert refs[0].fault is None
    assert fault(refs[1]) == "the row's text is not UTF-8"


@POSTGRES
def test_times_are_utc_whatever_the_clients_zone(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    query = "select 1 as id, '2026-01-02 03:00+02'::timestamptz as subject, '' as body"
    [ref] = read(rows_of(database, query))
    assert ref.read().text == "2026-01-02 01:00:00+00:00"
