"""Long lists: code reads each row of a table as it is written, and leaves to the model what it cannot."""

import copy
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.groups import Tables
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.lists.evidence import grounded
from docmill.tasks.checks.lists.filling import Filling, column_faults, filling, is_for_code
from docmill.tasks.checks.lists.found import LongList, long_lists
from docmill.tasks.checks.lists.readers import UNREAD, Column, reader
from docmill.tasks.checks.toolschema import made
from docmill.tasks.checks.validation import validator
from tests.support.longlists import DECLARED, FORMS, MEANS, TOOL, bullets, document, sold

EACH_FORM = pytest.mark.parametrize("form", FORMS)


def named(found: LongList) -> dict[str, int | None]:
    """Name the columns by the words of the header."""
    words = [said.casefold() for said in found.group.header]
    return {
        name: next((words.index(word) for word in MEANS.get(name, ()) if word in words), None)
        for name in found.declared.properties
    }


def read(text: str, tool: ToolSchema = TOOL, *, always: bool = False) -> tuple[LongList, Filling]:
    """Find the one list of a text, and read it by its header."""
    [found] = long_lists(Tables(text), tool, always=always)
    return found, filling(found, named(found))


def expected(form: str, rows: Any) -> list[dict[str, Any]]:
    suffix = ", planed" if form == "commas" else ""
    return [{**row.record, "item": row.item + suffix} for row in rows]


@EACH_FORM
@pytest.mark.parametrize("many", [30, 31, 240])
def test_every_row_is_read_as_it_is_written(form: str, many: int):
    rows = sold(many)
    found, read_ = read(document(rows, FORMS[form]))
    assert [each.item for each in read_.items] == expected(form, rows)
    assert (read_.odd, read_.doubtful) == ([], [])
    assert is_for_code(found, named(found))


@EACH_FORM
def test_what_is_read_satisfies_the_schema_and_its_evidence_is_its_cell(form: str):
    rows = sold(60)
    text = document(rows, FORMS[form])
    _, read_ = read(text)
    lines = [each.item for each in read_.items]
    assert validator(TOOL.parameters).is_valid({"number": "LW-4711", "lines": lines})
    grounding = grounded(Grounds(text), "lines", read_.items, TOOL.marked)
    assert grounding.missing == []
    paths = [f"lines[{n}].{name}" for n in range(60) for name in ("item", "quantity", "price", "delivered")]
    assert [entry["path"] for entry in grounding.evidence] == paths
    assert all(text[entry["start"] : entry["end"]] == entry["quote"] for entry in grounding.evidence)
    rows_of = [entry["quote"] for entry in grounding.evidence if entry["path"].endswith(".item")]
    assert rows_of == [each["item"] for each in lines]


@EACH_FORM
def test_fewer_than_thirty_rows_are_no_long_list_unless_the_step_says_columns(form: str):
    text = document(sold(29), FORMS[form])
    assert long_lists(Tables(text), TOOL) == []
    _, read_ = read(text, always=True)
    assert len(read_.items) == 29


def test_a_list_in_words_is_found_and_has_no_columns():
    [found] = long_lists(Tables(document(sold(30), bullets)), TOOL)
    assert (found.group.form, len(found.items)) == ("list", 30)


def test_a_table_of_something_else_is_no_list_where_the_record_has_two_arrays():
    table = "\n".join(f"| {number} | {number}.5 |" for number in range(40))
    text = f"| Depth | Pressure |\n|---|---|\n{table}\n"
    declared = copy.deepcopy(DECLARED)
    assert [each.fits for each in long_lists(Tables(text), TOOL)] == [False]
    declared["parameters"]["properties"]["people"] = declared["parameters"]["properties"]["lines"]
    assert long_lists(Tables(text), made(declared, "note", "note.json")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"maxItems": 39},
        {"minItems": 41},
        {"uniqueItems": True},
        {"contains": {"required": ["price"]}},
        {"x-complete": False},
        {"x-evidence": False},
    ],
)
def test_an_array_whose_schema_code_does_not_keep_is_left_to_the_model(change: dict[str, Any]):
    declared = copy.deepcopy(DECLARED)
    declared["parameters"]["properties"]["lines"].update(change)
    text = document(sold(40))
    assert long_lists(Tables(text), made(declared, "note", "note.json")) == []


def test_a_record_whose_fields_depend_on_each_other_is_left_to_the_model():
    declared = copy.deepcopy(DECLARED)
    declared["parameters"]["if"] = {"properties": {"lines": {"minItems": 1}}}
    declared["parameters"]["then"] = {"required": ["received_by"]}
    assert long_lists(Tables(document(sold(40))), made(declared, "note", "note.json")) == []


def with_property(name: str, schema: Any, *, required: bool = False) -> ToolSchema:
    declared = copy.deepcopy(DECLARED)
    items = declared["parameters"]["properties"]["lines"]["items"]
    items["properties"][name] = schema
    items["required"] += [name] if required else []
    return made(declared, "note", "note.json")


@pytest.mark.parametrize(
    ("schema", "is_left"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "enum": ["new", "used"]}, True),
        ({"type": "string", "x-evidence": False}, True),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "object", "properties": {"net": {"type": "number"}}}, True),
    ],
)
def test_what_the_model_has_to_judge_without_a_column_keeps_code_from_reading(schema: Any, is_left: bool):
    [found] = long_lists(Tables(document(sold(40))), with_property("state", schema))
    assert is_for_code(found, named(found)) is not is_left


def test_headings_between_the_rows_keep_code_from_reading_where_a_property_has_no_column():
    text = document(sold(40)).replace("| Oak", "| Kitchen | | | |\n| Oak", 1)
    [found] = long_lists(Tables(text), with_property("room", {"type": "string"}))
    assert not is_for_code(found, named(found))
    [found] = long_lists(Tables(text), TOOL)
    assert is_for_code(found, named(found))


def test_faults_of_named_columns_are_told():
    [found] = long_lists(Tables(document(sold(30))), TOOL)
    right = named(found)
    assert column_faults(found, right) is None
    assert "item, price" in str(column_faults(found, {**right, "price": right["item"]}))
    assert "price" in str(column_faults(found, {**right, "price": None}))
    assert column_faults(found, {**right, "delivered": None}) is None
    assert column_faults(found, dict.fromkeys(right)) is not None


ROWS = [
    ("| Birch post | 7 | 1,200.50 | 2025-03-01 |", None),
    ("| Birch post | seven | 1,200.50 | 2025-03-01 |", "odd"),
    ("| Birch post | 7.5 | 1,200.50 | 2025-03-01 |", "odd"),
    ("| Birch post | 7 | on request | 2025-03-01 |", "odd"),
    ("| Birch post | 7 | 1.2 million | 2025-03-01 |", "odd"),
    ("| Birch post | 7 | 1,200.50 | in March |", "odd"),
    ("| Birch post | 7 | 1,200.50 | 2025-03-01 | late |", "odd"),
    ("| Birch [post](http://example.org) | 7 | 1,200.50 | 2025-03-01 |", "odd"),
    ("| Birch post | 7 | | 2025-03-01 |", "odd"),
    ("| | 7 | 1,200.50 | 2025-03-01 |", "doubtful"),
    ("| Total | 7 | 1,200.50 | 2025-03-01 |", "doubtful"),
    ("| Subtotal | | 1,200.50 | |", "none"),
    ("| Article | Qty | Unit price | Delivered |", "none"),
    ("| Delivered by cart | | | |", "none"),
]


@pytest.mark.parametrize(("row", "becomes"), ROWS)
def test_each_row_is_read_or_the_models_or_none(row: str, becomes: str | None):
    text = document(sold(40)).replace("| Elm", f"{row}\n| Elm", 1)
    _, read_ = read(text)
    found = {"odd": read_.odd, "doubtful": read_.doubtful}
    assert {name for name, rows in found.items() if rows} == {becomes} & found.keys()
    assert len(read_.items) == (41 if becomes is None else 40)


def test_a_line_of_csv_with_other_cells_is_for_the_model():
    text = document(sold(40), FORMS["commas"])
    at = text.index('"', text.index("00009"))
    at = text.index("\n", at) + 1
    lines = f"{text[:at]}Birch, planed,7,1200.50,2025-03-01\n{text[at:]}"
    _, read_ = read(lines)
    assert [lines[row.start : row.end] for row in read_.doubtful] == ["Birch, planed,7,1200.50,2025-03-01"]
    assert len(read_.items) == 40


def test_cells_at_the_end_of_a_line_of_tabs_may_be_left_out():
    rows = sold(40)
    text = document(rows, FORMS["tabs"])
    last = text.index("\t", text.index("€"))
    cut = text[:last] + text[text.index("\n", last) :]
    _, read_ = read(cut)
    assert read_.items[0].item == {name: rows[0].record[name] for name in ("item", "quantity", "price")}


def test_a_line_on_which_a_cell_goes_on_is_for_the_model():
    rows = sold(40)
    text = document(rows, FORMS["aligned"])
    at = text.index("\n", text.index(rows[3].item))
    _, read_ = read(f"{text[:at]}\n      with a bevelled edge{text[at:]}")
    assert len(read_.items) == 39
    assert [row.reach - row.end > 20 for row in read_.odd] == [True]


def test_strings_of_one_column_are_read():
    tool = made(
        {
            "name": "record_names",
            "description": "Record who came",
            "parameters": {
                "type": "object",
                "properties": {"members": {"type": "array", "items": {"type": "string"}}},
            },
        },
        "names",
        "names.json",
    )
    text = "\n".join(["| Member | Town |", "|---|---|", *(f"| Ada {n:03} | Ely |" for n in range(50))])
    [found] = long_lists(Tables(text), tool)
    made_ = filling(found, {"members": 0})
    assert [each.item for each in made_.items] == [f"Ada {n:03}" for n in range(50)]
    grounding = grounded(Grounds(text), "members", made_.items, tool.marked)
    assert grounding.evidence[7] == {
        "path": "members[7]",
        "page": None,
        "start": text.index("Ada 007"),
        "end": text.index("Ada 007") + 7,
        "quote": "Ada 007",
    }


def column(schema: Any, *cells: str, marks: Mapping[str, int] | None = None, **more: Any) -> list[Any]:
    """Read the cells of one column."""
    given = {"name": "value", "is_required": False, "latest": None, **more}
    read_ = reader(Column(schema=schema, cells=cells, marks=Counter(marks or {}), **given))
    return ["unread" if value is UNREAD else value for value in map(read_, cells)]


NUMBER, INTEGER, DATE = {"type": "number"}, {"type": "integer"}, {"type": "string", "format": "date"}


@pytest.mark.parametrize(
    ("schema", "cells", "values"),
    [
        (NUMBER, ["1.130", "12,50"], [1130, 12.5]),
        (NUMBER, ["1,130", "12.50"], [1130, 12.5]),
        (NUMBER, ["1.130", "2.500"], ["unread", "unread"]),
        (NUMBER, ["1.130", "0.125"], [1.13, 0.125]),
        (NUMBER, ["1'130.50", "(50.00)", "50.00-", "−3"], [1130.5, -50, -50, -3]),
        (NUMBER, ["1 130,50 €", "EUR 7", "₹1,2"], [1130.5, 7, 1.2]),
        (NUMBER, ["12,50", "12.50", "1.130"], [12.5, 12.5, "unread"]),
        (NUMBER, ["19 %", "7"], ["unread", 7]),
        ({"type": "number", "maximum": 1}, ["19 %", "0.5"], [0.19, 0.5]),
        ({"type": "number", "description": "VAT in percent"}, ["19 %"], [19]),
        (NUMBER, ["12345678901234567890"], ["unread"]),
        (NUMBER, ["approx. 7", "7 of 9", "n/a"], ["unread", "unread", "n/a"]),
        (INTEGER, ["1.000.000", "7", "7.5"], [1000000, 7, "unread"]),
        (INTEGER, ["1,000"], ["unread"]),
        ({"type": "integer", "minimum": 5}, ["7", "3"], [7, "unread"]),
        (DATE, ["2025-03-01", "1 March 2025", "soon"], ["2025-03-01", "2025-03-01", "unread"]),
        (DATE, ["03/04/2025", "25/04/2025"], ["2025-04-03", "2025-04-25"]),
        (DATE, ["03/04/2025", "04/25/2025"], ["2025-03-04", "2025-04-25"]),
        (DATE, ["03/04/2025"], ["unread"]),
        (DATE, ["03/04/2025", "25/04/2025", "04/25/2025"], ["unread", "2025-04-25", "2025-04-25"]),
        (DATE, ["31.1.24"], ["unread"]),
        ({"type": "boolean"}, ["yes", "Nein", "☒", "maybe"], [True, False, True, "unread"]),
        ({"enum": ["EUR", "USD"]}, ["eur", "USD", "GBP"], ["EUR", "USD", "unread"]),
        ({"type": "string", "pattern": "^A"}, ["Ada", "Bob"], ["Ada", "unread"]),
        ({"type": ["string", "null"]}, ["Ada", "", "—"], ["Ada", None, None]),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, ["7", ""], [7, None]),
    ],
)
def test_cells_are_read_into_the_type_of_their_property(schema: Any, cells: list[str], values: list[Any]):
    values = [... if value == "n/a" else value for value in values]
    found = [
        ... if cell == "n/a" else value for cell, value in zip(cells, column(schema, *cells), strict=True)
    ]
    assert found == values


def test_the_other_columns_tell_what_a_column_leaves_open():
    assert column(NUMBER, "1.130", marks={",": 3}) == [1130]
    assert column(NUMBER, "1.130", marks={".": 3}) == [1.13]
    assert column(NUMBER, "1.130", marks={".": 3, ",": 1}) == ["unread"]


def test_years_of_two_digits_are_near_those_of_the_document():
    assert column(DATE, "31.1.24", "31.1.99", latest=2025) == ["2024-01-31", "1999-01-31"]


def test_an_empty_cell_of_a_required_property_is_for_the_model():
    assert column({"type": "string"}, "", is_required=True) == ["unread"]


GROUPS = {",": ".", ".": ",", "'": ".", " ": ",", "\u00a0": ",", "": "."}


@given(
    amounts=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12),
    group=st.sampled_from(sorted(GROUPS)),
)
def test_amounts_with_cents_are_read_whatever_their_marks(amounts: list[int], group: str):
    cells = []
    for amount in amounts:
        plain = f"{Decimal(amount) / 100:,.2f}"
        cells.append("".join({",": group, ".": GROUPS[group]}.get(char, char) for char in plain))
    assert column(NUMBER, *cells) == [amount / 100 for amount in amounts]


@given(
    amounts=st.lists(st.integers(0, 10**7), min_size=1, max_size=12),
    group=st.sampled_from([",", ".", "'", " "]),
)
def test_whole_numbers_in_groups_are_read_right_or_not_at_all(amounts: list[int], group: str):
    cells = [f"{amount:,}".replace(",", group) for amount in amounts]
    found = column(NUMBER, *cells)
    assert all(value in (amount, "unread") for value, amount in zip(found, amounts, strict=True))
    if any(amount >= 10**6 for amount in amounts):
        assert found == amounts


def all_of(text: str, tool: ToolSchema = TOOL) -> tuple[list[str], list[str]]:
    """Give the items of all lists of a text by their names, and what the rows say that the model reads."""
    items: list[str] = []
    others: list[str] = []
    for found in long_lists(Tables(text), tool):
        made = filling(found, named(found))
        items += [str(each.item["item"]) for each in made.items]
        others += [text[row.start : row.end] for row in (*made.odd, *made.doubtful)]
    return items, others


def test_a_short_table_beside_a_long_one_is_read_too():
    text = document(sold(40), FORMS["pipes"]) + "\n\nMore\n\n" + document(sold(5, seed=2), FORMS["pipes"])
    items, others = all_of(text)
    assert len(items) + len(others) == 45


@pytest.mark.parametrize("at", [[0], [59], [20, 21, 22, 23, 24, 25, 26, 27]], ids=["first", "last", "many"])
def test_damaged_lines_of_csv_go_to_the_model_wherever_they_stand(at: list[int]):
    lines = document(sold(60), FORMS["semicolons"]).split("\n")
    rows = [n for n, line in enumerate(lines) if line.count(";") > 2][1:]
    for each in at:
        lines[rows[each]] += ";one more"
    items, others = all_of("\n".join(lines))
    assert len(items) + sum(each.endswith(";one more") for each in others) == 60


def test_what_is_charged_beside_the_goods_is_for_the_model_to_judge():
    table = document(sold(40), FORMS["pipes"])
    [last] = [line for line in table.split("\n") if line.startswith("|")][-1:]
    width = last.count("|") - 3
    charged = [f"| | {name} |{' |' * (width - 1)} {amount} |" for name, amount in (("Freight", "45.00"),)]
    items, others = all_of(table.replace(last, "\n".join([last, *charged])))
    assert len(items) == 40
    assert any("Freight" in each for each in others) or "Freight" in items


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["31.12.30", "30.11.25"], ["unread", "2025-11-30"]),
        (["March 5, 2024", "03/04/2024"], ["2024-03-05", "unread"]),
    ],
    ids=["a year ahead", "a month's name tells no order"],
)
def test_a_date_that_two_days_may_be_is_for_the_model(cells: list[str], values: list[Any]):
    assert column({"type": "string", "format": "date"}, *cells, latest=2025) == values


def test_letters_that_elsewhere_mean_nothing_are_a_text():
    assert column({"type": ["string", "null"]}, "EU", "NA", "-") == ["EU", "unread", None]
    assert column({"enum": ["EU", "NA"], "type": "string"}, "EU", "NA") == ["EU", "NA"]


def test_a_sum_below_a_csv_is_no_damaged_line():
    items, others = all_of(document(sold(40), FORMS["semicolons"]).rstrip("\n") + "\nTotal;;1234,00\n")
    assert (len(items), others) == (40, [])
