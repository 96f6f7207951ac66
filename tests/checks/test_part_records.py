"""The record of a long document, made of what its parts say."""

import time
from typing import Any

import pytest

from docmill.schemas.document import Recognized
from docmill.schemas.outcome import MissingRow
from docmill.tasks.checks.completeness.missing import Completeness, completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.parts.dividing import Part
from docmill.tasks.checks.parts.holding import grounding, in_whole, missing
from docmill.tasks.checks.parts.merging import Merged, PartRecord, merged
from docmill.tasks.checks.parts.relaxed import filled, relaxed
from docmill.tasks.checks.parts.tabled import of_tables
from docmill.tasks.checks.validation import validator

STRING: Any = {"type": "string"}
ITEMS: Any = {
    "type": "array",
    "items": {"type": "object", "properties": {"a": STRING, "n": {"type": "integer"}}},
}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def read(
    declared: dict[str, Any], *said: tuple[str, Any], overlap: int = 0
) -> tuple[Merged, list[PartRecord]]:
    """Merge what parts say: texts that follow each other, each with its record."""
    whole, found, start = "".join(text for text, _ in said), [], 0
    for text, record in said:
        part = Part(max(0, start - overlap), start, start + len(text))
        of_part = Grounds(whole[part.start : part.end]).of(record, declared)
        found.append(PartRecord(part, record, in_whole(Grounds(whole), part, of_part)))
        start = part.end
    return merged(found, declared), found


def test_a_value_that_stands_in_its_part_comes_before_one_that_does_not():
    found, _ = read(
        schema(name=STRING), ("nothing here. ", {"name": "Acme"}), ("It is Zenith.", {"name": "Zenith"})
    )
    assert (found.record, found.conflicts) == ({"name": "Zenith"}, [])


def test_of_different_values_the_first_is_kept_and_all_are_told():
    found, _ = read(
        schema(name=STRING), ("It is Acme. ", {"name": "Acme"}), ("It is Zenith.", {"name": "Zenith"})
    )
    [conflict] = found.conflicts
    assert found.record == {"name": "Acme"}
    assert (conflict.path, [each.value for each in conflict.said]) == (("name",), ["Acme", "Zenith"])


@pytest.mark.parametrize("again", ["ACME", " acme", None, ""])
def test_the_same_value_again_or_nothing_is_no_conflict(again: str | None):
    found, _ = read(schema(name=STRING), ("It is Acme. ", {"name": "Acme"}), ("So ACME is.", {"name": again}))
    assert (found.record, found.conflicts) == ({"name": "Acme"}, [])


def test_true_and_false_are_a_conflict():
    found, _ = read(schema(paid={"type": "boolean"}), ("a", {"paid": True}), ("b", {"paid": False}))
    assert [each.path for each in found.conflicts] == [("paid",)]


def test_objects_are_put_together_of_what_parts_say():
    declared = schema(seller=schema(name=STRING, town=STRING))
    found, _ = read(
        declared, ("Acme ", {"seller": {"name": "Acme"}}), ("of Kiel", {"seller": {"town": "Kiel"}})
    )
    assert found.record == {"seller": {"name": "Acme", "town": "Kiel"}}


def test_items_follow_each_other_and_equal_ones_stay():
    first, second = {"a": "oak", "n": 1}, {"a": "ash", "n": 2}
    found, _ = read(
        schema(lines=ITEMS), ("oak 1\nash 2\n", {"lines": [first, second]}), ("oak 1\n", {"lines": [first]})
    )
    assert found.record == {"lines": [first, second, first]}


def test_an_item_that_two_parts_show_stands_once():
    oak, ash, elm = ({"a": name, "n": n} for n, name in enumerate(("oak", "ash", "elm"), 1))
    said = ("oak 1\nash 2\n", {"lines": [oak, ash]}), ("elm 3\n", {"lines": [ash, elm]})
    found, _ = read(schema(lines=ITEMS), *said, overlap=6)
    assert found.record == {"lines": [oak, ash, elm]}


def test_two_equal_rows_at_the_border_stay_two():
    oak = {"a": "oak", "n": 1}
    said = ("oak 1\n", {"lines": [oak]}), ("oak 1\n", {"lines": [oak, oak]})
    found, _ = read(schema(lines=ITEMS), *said, overlap=6)
    assert found.record == {"lines": [oak, oak]}


def test_items_of_a_set_stand_once():
    names = {"type": "array", "items": STRING, "uniqueItems": True}
    found, _ = read(
        schema(names=names), ("Acme ", {"names": ["Acme"]}), ("Acme Zenith", {"names": ["ACME", "Zenith"]})
    )
    assert found.record == {"names": ["Acme", "Zenith"]}


def test_evidence_counts_from_the_beginning_of_the_document():
    declared = schema(name=STRING, lines=ITEMS)
    said = ("It is Acme.\noak 1\n", {"name": "Acme", "lines": [{"a": "oak", "n": 1}]})
    then = ("oak 2\n", {"lines": [{"a": "oak", "n": 2}]})
    found, parts = read(declared, said, then)
    whole = said[0] + then[0]
    told = grounding(parts, found, declared)
    places = {each["path"]: (each["start"], whole[each["start"] : each["end"]]) for each in told.evidence}
    assert places == {
        "name": (6, "Acme"),
        "lines[0].a": (12, "oak"),
        "lines[0].n": (16, "1"),
        "lines[1].a": (18, "oak"),
        "lines[1].n": (22, "2"),
    }
    assert told.missing == []


DEMANDING: Any = {
    "type": "object",
    "properties": {
        "name": STRING,
        "kind": {"enum": ["a", "b"]},
        "seller": {**schema(name=STRING, town=STRING), "required": ["name", "town"]},
        "pay": {
            "oneOf": [
                schema(iban=STRING) | {"required": ["iban"]},
                schema(card=STRING) | {"required": ["card"]},
            ]
        },
        "lines": ITEMS | {"minItems": 1, "items": ITEMS["items"] | {"required": ["a", "n"]}},
    },
    "required": ["name", "seller", "lines"],
    "if": {"required": ["kind"]},
    "then": {"properties": {"why": STRING}, "required": ["why"]},
    "unevaluatedProperties": False,
}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"seller": {}},
        {"seller": {"town": "Kiel"}},
        {"lines": []},
        {"kind": "a"},
        {"why": "so"},
        {"pay": {}},
    ],
)
def test_a_part_may_leave_out_what_the_whole_must_have(record: Any):
    assert validator(relaxed(DEMANDING)).is_valid(record)


@pytest.mark.parametrize("record", [{"name": 1}, {"kind": "c"}, {"other": 1}, {"lines": [{"a": "oak"}]}])
def test_what_a_part_says_is_still_checked(record: Any):
    assert not validator(relaxed(DEMANDING)).is_valid(record)


def test_what_no_part_has_said_is_null_or_empty_where_it_may_be():
    declared = schema(
        a={"type": ["string", "null"]}, b=ITEMS, c=STRING, d=schema(e={"type": "null"}) | {"required": ["e"]}
    )
    assert filled({}, declared | {"required": ["a", "b", "c", "d"]}) == {"a": None, "b": [], "d": {"e": None}}


NO_LINES: dict[str, Any] = {"lines": []}


def left_out(path: str, start: int, text: str) -> Completeness:
    row = MissingRow(path=path, start=start, end=start + len(text), quote=text)
    return Completeness((row,), {path: 1}, {})


def test_a_row_that_the_other_part_has_an_item_for_is_not_missing():
    oak = {"a": "oak", "n": 1}
    first, second = ("ash 2\noak 1\n", {"lines": [oak]}), ("elm 3\n", NO_LINES)
    found, parts = read(schema(lines=ITEMS), first, second, overlap=6)
    assert missing(parts, found, [None, left_out("lines", 0, "oak 1")]).missing == {}


def test_a_row_that_both_parts_leave_out_is_told_once_where_it_stands():
    first, second = ("ash 2\noak 1\n", NO_LINES), ("elm 3\n", NO_LINES)
    found, parts = read(schema(lines=ITEMS), first, second, overlap=6)
    told = missing(parts, found, [left_out("lines", 6, "oak 1"), left_out("lines", 0, "oak 1")])
    assert (told.missing, [(row.path, row.start, row.end) for row in told.rows]) == (
        {"lines": 1},
        [("lines", 6, 11)],
    )


def test_a_row_of_an_array_within_an_item_has_its_place_in_the_whole():
    declared = schema(rooms={"type": "array", "items": schema(name=STRING, lines=ITEMS)})
    said = ("hall\n", {"rooms": [{"name": "hall"}]}), ("loft\n", {"rooms": [{"name": "loft", "lines": []}]})
    found, parts = read(declared, *said)
    told = missing(parts, found, [None, left_out("rooms[0].lines", 5, "oak 1")])
    assert [(row.path, row.start) for row in told.rows] == [("rooms[1].lines", 10)]


def test_a_value_that_a_part_has_but_alike_is_so_in_the_whole():
    declared, text = schema(name=STRING), "It is AdaLtd."
    page = (Recognized(part="page 1", confidence=0.9, start=0, end=len(text)),)
    part = Part(10, 10, 10 + len(text))
    of_part = Grounds(text, recognized=page).of({"name": "Ada Ltd"}, declared)
    whole = Grounds(" " * 10 + text)
    record = PartRecord(part, {"name": "Ada Ltd"}, in_whole(whole, part, of_part))
    told = grounding([record], merged([record], declared), declared)
    assert (told.evidence[0]["start"], told.evidence[0]["similar"]) == (16, 0.9)
    assert (told.missing, told.similar) == (["name"], ["name"])


def test_ten_thousand_names_of_a_set_are_merged_at_once():
    names = {"type": "array", "items": STRING, "uniqueItems": True}
    said = [
        ("", {"names": [f"Name {number}" for number in range(1_000 * each, 1_000 * each + 2_000)]})
        for each in range(9)
    ]
    begun = time.process_time()
    found, _ = read(schema(names=names), *said)
    assert len(found.record["names"]) == 10_000
    assert time.process_time() - begun < 5


def test_a_number_is_not_its_truth_value_nor_its_text():
    names = {"type": "array", "uniqueItems": True}
    found, _ = read(
        schema(names=names), ("", {"names": [1, True, "1"]}), ("", {"names": [1.0, {"a": 1}, {"a": True}]})
    )
    assert found.record["names"] == [1, True, "1", {"a": 1}, {"a": True}]


WORKERS = (
    "| Worker | Age | Wage |",
    "|---|---|---|",
    *(f"| Ada {at} | {20 + at} | {900 + at} |" for at in range(8)),
)
PAID: Any = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"article": STRING, "qty": {"type": "integer"}, "price": {"type": "integer"}},
    },
}


def test_rows_of_another_table_whose_header_is_in_the_part_before_are_not_missing():
    declared = schema(lines=PAID)
    sold = "| Article | Qty | Price |\n|---|---|---|\n| oak | 3 | 40 |\n| ash | 5 | 70 |\n"
    items = [{"article": "oak", "qty": 3, "price": 40}, {"article": "ash", "qty": 5, "price": 70}]
    second = "\n".join(WORKERS[5:])
    assert completeness(Grounds(second), NO_LINES, declared).missing == {"lines": 5}
    whole = sold + "It rained. " * 200 + "\n\n" + "\n".join(WORKERS[:5]) + "\n" + second
    assert of_tables(whole, {"lines": items}, declared) == Completeness((), {}, {})


def test_rows_of_a_table_that_goes_on_without_its_header_are_missing_where_they_stand():
    fees = {"type": "array", "items": schema(name=STRING, fee={"type": "integer"})}
    declared = schema(fees=fees)
    first, second = "Name;Fee\nAda;40\nBob;70\n", "Cy;80\nDi;20\n"
    items = [{"name": "Ada", "fee": 40}, {"name": "Bob", "fee": 70}]
    assert completeness(Grounds(second), {"fees": []}, declared).missing == {}
    whole = "It rained. " * 300 + "\n\n" + first + second
    told = of_tables(whole, {"fees": items}, declared)
    assert told is not None
    assert [whole[row.start : row.end] for row in told.rows] == ["Cy;80", "Di;20"]
    assert [(row.path, row.quote) for row in told.rows] == [("fees", "Cy;80"), ("fees", "Di;20")]
    assert told.missing == {"fees": 2}


def test_two_tables_that_stand_apart_are_told_with_their_own_places():
    declared = schema(lines=ITEMS)
    rain = "\n\n" + "It rained. " * 300 + "\n\n"
    whole = f"a;n\noak;1\nash;2\n{rain}a;n\nelm;3\nfir;4\n"
    told = of_tables(whole, {"lines": [{"a": "oak", "n": 1}, {"a": "elm", "n": 3}]}, declared)
    assert told is not None
    assert [whole[row.start : row.end] for row in told.rows] == ["ash;2", "fir;4"]


def test_a_document_of_too_many_rows_is_looked_at_by_its_parts_alone():
    assert of_tables("a;n\n" + "oak;1\n" * 20_001, NO_LINES, schema(lines=ITEMS)) is None
