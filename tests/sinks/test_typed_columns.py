"""The columns of typed tables: names of any script and marks, and the type that takes a property's values."""

import itertools
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect

from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.column_types import column_type
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.tables import Json
from tests.sinks.test_results import outcome, schema
from tests.support.tickets import POSTGRES, SQLITE, asked, tell

FIXED = {"document_id", "content_sha256", "run_id"}
MARKS = " .%:()[]\"'`\\/$@#&*-+=?!,;<>{}|~^_\t\n"
NAMES = st.text(
    st.sampled_from(MARKS + "abAB1") | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=12,
).filter(lambda name: len(name.encode()) <= 63 and name.casefold() not in FIXED)
COLUMNS = st.lists(NAMES, min_size=2, max_size=6, unique_by=str.casefold)
_numbers = itertools.count(1)


def opened(database: str, table: str, properties: dict[str, Any], key: str = "document_id") -> Results:
    return Results.open(Into(url=database, table=table, key=key), table, schema(**properties))


def rows(database: str, table: str) -> list[dict[str, Any]]:
    engine = create_engine(database)
    quoted = '"' + table.replace('"', '""') + '"'
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"select * from {quoted} order by 1")
        names = [column[0] for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    engine.dispose()
    return found


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=COLUMNS)
@example(names=["unit price", "unit_price", "unit.price", "unit[price", "unit]price"])
@example(names=["document id", "run id", "content sha256", "document.id", "c0", "c1"])
@example(names=["a b", "a.b", "share %", "share P", "(net)", "AnetZ"])
@example(names=["weight:kg", ":net", 'size "M"', "%s", "%(x)s", "%%"])
@example(names=["größe", "цена", "価格", "السعر", "order", "select"])
def test_each_property_has_its_own_column_whatever_it_is_called(database: str, names: list[str]):
    table = f"t{next(_numbers)}"
    documents = [f"d{number}" for number in range(3)]
    for count, run in ((len(names) // 2, "r1"), (len(names), "r2")):  # the second run adds columns
        properties = {name: {"type": "string"} for name in names[:count]}
        records = {id_: {name: f"{id_} {name}" for name in properties} for id_ in documents}
        with closing(opened(database, table, properties)) as results:
            results.write([outcome(id_, typed={"bill-s": records[id_]}) for id_ in documents], run, "s1")
            results.write([outcome("d1", typed={"bill-s": records["d1"]})], run, "s1")
        fixed = [{"document_id": id_, "content_sha256": "c1", "run_id": run} for id_ in documents]
        assert rows(database, table) == [each | records[each["document_id"]] for each in fixed]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, key=NAMES.filter(lambda key: key.casefold() != "kind"))
@example(name='50 % "net": (x)', key="content.sha256")
@pytest.mark.slow
def test_a_table_and_its_key_may_be_called_anything_too(database: str, name: str, key: str):
    table = f"{next(_numbers)}{name}"
    for run in ("r1", "r2"):
        with closing(opened(database, table, {"kind": {"type": "string"}}, key)) as results:
            written = [outcome(id_, typed={"bill-s": {"kind": id_}}) for id_ in "ab"]
            results.write([*written, outcome("c", typed={})], run, "s1")
    common = {"content_sha256": "c1", "run_id": "r2"}
    assert rows(database, table) == [{key: id_, "kind": id_, **common} for id_ in "ab"]


TEXT = {"type": "string"}
DATE = {"type": "string", "format": "date"}
CENTS = {"type": "number", "multipleOf": 0.01}
NULL = {"type": "null"}
TYPES: dict[str, tuple[Any, str]] = {
    "a number": ({"type": "number"}, "DOUBLE"),
    "hundredths": (CENTS, "NUMERIC"),
    "thousandths, or null": ({"type": ["number", "null"], "multipleOf": 0.001}, "NUMERIC"),
    "hundredths or null": ({"anyOf": [CENTS, NULL]}, "NUMERIC"),
    "whole numbers or hundredths": ({"oneOf": [{"type": "integer"}, CENTS]}, "NUMERIC"),
    "hundredths by allOf": ({"allOf": [{"type": "number"}, {"multipleOf": 0.01}]}, "NUMERIC"),
    "halves": ({"type": "number", "multipleOf": 0.5}, "DOUBLE"),
    "tens": ({"type": "number", "multipleOf": 10}, "DOUBLE"),
    "hundredths or any number": ({"anyOf": [CENTS, {"type": "number"}]}, "DOUBLE"),
    "an enum of texts": ({"enum": ["bill", "note", None]}, "TEXT"),
    "an enum of whole numbers": ({"enum": [1, 2.0]}, "BIGINT"),
    "an enum of numbers": ({"enum": [1, 2.5]}, "DOUBLE"),
    "a number of an enum": ({"type": "number", "enum": [1, 2]}, "DOUBLE"),
    "an enum of both": ({"enum": ["a", 1]}, "JSON"),
    "an enum of a text and a list": ({"enum": ["a", ["b"]]}, "JSON"),
    "a text": ({"const": "bill"}, "TEXT"),
    "a truth": ({"const": True}, "BOOLEAN"),
    "one of two texts": ({"anyOf": [{"const": "bill"}, {"const": "note"}]}, "TEXT"),
    "a reference with a description": ({"allOf": [{"enum": ["a"]}], "description": "d"}, "TEXT"),
    "a date by allOf": ({"allOf": [DATE], "title": "t"}, "DATE"),
    "a date or null": ({"anyOf": [DATE, NULL]}, "DATE"),
    "a date or a text": ({"anyOf": [DATE, TEXT]}, "TEXT"),
    "pydantic's Decimal": ({"anyOf": [{"type": "number"}, TEXT]}, "TEXT"),
    "pydantic's Decimal or null": ({"anyOf": [CENTS, TEXT, NULL]}, "TEXT"),
    "a text or an object": ({"anyOf": [TEXT, {"type": "object"}]}, "JSON"),
    "anything": ({}, "JSON"),
    "true": (True, "JSON"),
    "nothing but null": (NULL, "JSON"),
    "a number that is a text": ({"type": "number", "anyOf": [TEXT]}, "JSON"),
}


@pytest.mark.parametrize(("rule", "kind"), TYPES.values(), ids=TYPES)
def test_a_property_has_the_column_that_fits(rule: Any, kind: str):
    found = column_type(rule)
    assert ("JSON" if found is Json else str(found)) == kind


AMOUNTS = [318.4, 0.1, -75.2, 1000, 0, 12345678901234.56, 0.07, 1e15]


def test_amounts_are_exact_in_a_new_table_and_in_a_new_column(database: str):
    for properties in ({"total": CENTS}, {"total": CENTS, "tax": {"anyOf": [CENTS, NULL]}}):
        with closing(opened(database, "t", properties)) as results:
            for number, amount in enumerate(AMOUNTS):
                record = dict.fromkeys(properties, amount)
                results.write([outcome(str(number), typed={"bill-s": record})], "r1", "s1")
            results.write([outcome("x", typed={"bill-s": {"total": 1.1}})], "r1", "s1")
    found = asked(database, "select total, tax from t order by document_id")
    exact = [Decimal(repr(amount)) for amount in AMOUNTS]
    assert [tuple(None if each is None else Decimal(str(each)) for each in row) for row in found] == [
        *((each, each) for each in exact),
        (Decimal("1.1"), None),
    ]


@POSTGRES
def test_postgresql_adds_amounts_without_an_error(database: str):
    with closing(opened(database, "t", {"total": CENTS})) as results:
        written = [outcome(str(number), typed={"bill-s": {"total": 0.1}}) for number in range(10)]
        results.write(written, "r1", "s1")
    assert asked(database, "select sum(total), pg_typeof(sum(total))::text from t") == [
        (Decimal("1.0"), "numeric")
    ]


EARLIER = [
    ({"type": "number"}, CENTS, 1.25, "DOUBLE"),
    ({"enum": ["a", 1]}, {"enum": ["a", "b"]}, "b", "JSON"),
]


@pytest.mark.parametrize(("before", "now", "value", "kind"), EARLIER)
def test_a_column_of_an_earlier_version_stays_as_it_is(
    database: str, before: Any, now: Any, value: Any, kind: str
):
    opened(database, "t", {"v": before}).close()
    with closing(opened(database, "t", {"v": now})) as results:
        results.write(
            [outcome("a", typed={"bill-s": {"v": value}}), outcome("b", typed={"bill-s": {}})], "r1", "s"
        )
    engine = create_engine(database)
    [column] = [each for each in inspect(engine).get_columns("t") if each["name"] == "v"]
    engine.dispose()
    assert str(column["type"]).startswith(kind)
    stored = {"JSON": f'"{value}"' if "sqlite" in database else value}.get(kind, value)
    assert asked(database, "select v from t order by document_id") == [(stored,), (None,)]


def test_a_number_or_text_is_kept_as_it_came(database: str):
    rule = {"anyOf": [{"type": "number"}, TEXT]}
    with closing(opened(database, "t", {"v": rule})) as results:
        values = {"a": 318.4, "b": "318.40", "c": 7}
        results.write(
            [outcome(id_, typed={"bill-s": {"v": value}}) for id_, value in values.items()], "r1", "s"
        )
    assert asked(database, "select v from t order by document_id") == [("318.4",), ("318.40",), ("7",)]


def test_a_column_of_another_type_is_refused(database: str):
    opened(database, "t", {"v": TEXT}).close()
    with pytest.raises(ConfigError, match="the column v of t is TEXT, and the schema asks for BIGINT"):
        opened(database, "t", {"v": {"type": "integer"}})


@SQLITE
def test_a_table_whose_key_somebody_renamed_is_told(database: str):
    opened(database, "t", {"v": TEXT}).close()
    tell(database, "alter table t rename column document_id to id")
    with pytest.raises(ConfigError, match="into: the table t has no column document_id"):
        opened(database, "t", {"v": TEXT})
    with closing(Results.open(Into(url=database), "t", {})) as results:  # that declares it no longer
        results.write([outcome(typed={})], "r1", "s1")
