"""What is a row and what is none, and which tables an array was meant for."""

from typing import Any

import pytest

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.completeness.words import is_label
from docmill.tasks.checks.toolschema import made
from tests.support.listings import Part, held, told

PARTS = [Part("Oak board", 7, 7301), Part("Ash beam", 44, 8440), Part("Elm rail", 8, 2792)]
ROWS = [f"| {part.item} | {part.quantity} | {part.cells[3]} |" for part in PARTS]
HEAD = "| Item | Qty | Amount |\n|---|---|---|\n"
TABLE = HEAD + "\n".join(ROWS)
TEXT = {"type": "string"}
LINE = {
    "type": "object",
    "properties": {"item": TEXT, "quantity": {"type": "number"}, "amount": {"type": "number"}},
}


def schema(**arrays: dict[str, Any]) -> dict[str, Any]:
    """Give the marked schema of a record with arrays; of each what its items are, and further keywords."""
    properties = {
        name: {"type": "array", "items": {key: each[key] for key in each if not key.startswith("x-")}}
        | {key: each[key] for key in each if key.startswith("x-")}
        for name, each in arrays.items()
    }
    tool = {"name": "t", "description": "d", "parameters": {"type": "object", "properties": properties}}
    return made(tool, "t", "t.json").marked


def left_out(text: str, lines: list[Part]) -> list[str]:
    """Give what is told of an invoice's lines."""
    return [row.quote for row in told(f"Invoice LW-1\n\n{text}\n", lines).rows]


def test_an_item_of_two_values_may_begin_with_its_number():
    pieces = schema(lines={"type": "object", "properties": {"item": TEXT, "quantity": {"type": "number"}}})
    rows = ["- 7 pieces of the oak board", "- 44 pieces of the ash beam", "- 8 pieces of the elm rail"]
    found = held("\n".join(rows), {"lines": [{"item": "ash beam", "quantity": 44}]}, pieces)
    assert [row.quote for row in found.rows] == [rows[0], rows[2]]


SUMS = (
    "Total",
    "**Subtotal**",
    "Grand total EUR",
    "Amount due",
    "VAT (20%)",
    "Sum of page 1",
    "Carried forward",
    "Brought forward",
    "Discount 5 %",
    "Shipping",
    "Zwischensumme",
    "zzgl. 19 % MwSt.",
    "Übertrag",
    "Rechnungsbetrag",
    "Restbetrag",
    "Sous-total",
    "Total TTC",
    "IVA 21%",
    "Итого",
    "Totale dovuto",
    "Do zapłaty",
    "Ogółem",
    "Att betala, summa",
    "합계",
    "合計",
)


@pytest.mark.parametrize("label", SUMS)
def test_sums_and_what_is_carried_over_are_no_rows(label: str):
    line = f"| {label} | | 999.00 |"
    assert left_out("\n".join([TABLE, line]), PARTS) == []
    assert left_out("\n".join([HEAD + ROWS[0], line, *ROWS[1:]]), PARTS[:2]) == [ROWS[2]]


@pytest.mark.parametrize(
    "row", ["| Total Station TS-9 | 1 | 999.00 |", "| Net | 1 | 9.00 |", "| Cutting | | 25.00 |"]
)
def test_what_is_only_like_a_sum_is_a_row(row: str):
    assert left_out("\n".join([TABLE, row]), PARTS) == [row]


TWO = [f"{part.item}\t{part.cells[3]}" for part in PARTS]


@pytest.mark.parametrize("blank", [[], [""]])
@pytest.mark.parametrize("last", ["Total due", "Subtotal", "Gross\t60.00\nGrand total", "Sum\t60.00\nPaid"])
def test_the_sums_that_end_a_table_of_two_columns_are_no_rows(last: str, blank: list[str]):
    text = "\n".join(["Item\tAmount", *TWO, *blank, "Net\t51.00", "Tax\t9.00", f"{last}\t60.00"])
    assert left_out(text, PARTS) == []
    assert left_out(text, PARTS[:2]) == [TWO[2]]


def test_what_is_charged_before_them_and_what_stands_among_the_articles_is_a_row():
    rows = ["Item\tAmount", *TWO[:2], "Net\t5.00", TWO[2], "Shipping\t9.00", "Tax\t9.00", "Total\t60.00"]
    assert left_out("\n".join(rows), PARTS) == ["Net\t5.00", "Shipping\t9.00"]


WIDE = "{:<20}{:>8}{:>12}"
COLUMNS = [WIDE.format(part.item, part.quantity, part.cells[3]) for part in PARTS]
HEADER = WIDE.format("Item", "Qty", "Amount")
GOES_ON: dict[str, tuple[str, list[str]]] = {
    "a header again": (
        f"{TABLE}\n\nPage 2\n\n{HEAD}| Larch post | 3 | 30.00 |",
        ["| Larch post | 3 | 30.00 |"],
    ),
    "no header again": (
        f"{HEADER}\n" + "\n".join(COLUMNS) + "\n\n\fPage 2 of 2\n\n" + WIDE.format("Larch post", 3, "30.00"),
        [WIDE.format("Larch post", 3, "30.00")],
    ),
    "carried over": (
        "\n".join([HEADER, *COLUMNS, WIDE.format("Carried forward", "", "9.00"), "", "Page 2", HEADER])
        + "\n"
        + "\n".join([WIDE.format("Brought forward", "", "9.00"), WIDE.format("Larch post", 3, "30.00")]),
        [WIDE.format("Larch post", 3, "30.00")],
    ),
    "descriptions that go on": ("\n  planed on all sides,\n  article 47\n".join([HEADER, *COLUMNS, ""]), []),
    "blank lines": ("\n\n".join([HEADER, *COLUMNS]), []),
    "sections": (f"{HEAD}| Hardwood | | |\n{ROWS[0]}\n| Softwood | | |\n" + "\n".join(ROWS[1:]), []),
    "lines of rules": ("\n".join(["+---+", "| Item | Qty | Amount |", "+---+", *ROWS, "+---+"]), []),
}


@pytest.mark.parametrize(("text", "missing"), GOES_ON.values(), ids=GOES_ON)
def test_a_table_goes_on(text: str, missing: list[str]):
    assert left_out(text, PARTS) == missing


OTHERS = {
    "taxes": "| Rate | Net | VAT | Gross |\n|---|---|---|---|\n| 20 % | 100.00 | 20.00 | 120.00 |",
    "payments": "| Due | Amount |\n|---|---|\n| 2024-01-31 | 100.00 |",
    "hours": "| Day | From | To |\n|---|---|---|\n| Monday | 9:00 | 17:00 |",
    "figures": "| Month | Visitors | Orders |\n|---|---|---|\n| January | 100 | 20 |",
    "contacts": "| Name | Phone | Extension |\n|---|---|---|\n| Ida | 555 100 | 20 |",
    "facts": "| Field | Value |\n|---|---|\n| Seller | Quillon |\n| Number | 12 |",
    "terms": "1. Payable within 30 days.\n2. 2 % off within 10 days.\n3. Goods stay ours.",
    "prices": "| Item | Price |\n|---|---|\n| Oak board | 73.01 |\n| Oak board XL | 99.01 |",
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_tables_of_something_else_raise_no_alarm(other: str):
    assert left_out(f"{TABLE}\n\n{other}", PARTS) == []
    assert left_out(other, []) == []


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_a_header_without_a_row_below_it_is_the_end_of_facts(mark: str):
    text = "\n".join(mark.join(cells) for cells in (("By", "3"), ("Of", "4"), ("Item", "Qty", "Amount")))
    assert told(text, []).rows == ()


def test_one_word_of_a_columns_makes_a_label_of_up_to_four():
    assert [
        is_label(each) for each in ("Their unit", "Price of each one", "Unit price of each one", "Oak")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_a_second_table_of_other_columns_counts_where_items_stand_in_it_or_its_header_names_all():
    services = (
        "| Description | Hours | Amount |\n|---|---|---|\n| Planing | 3 | 150.00 |\n| Sanding | 2 | 80.00 |"
    )
    assert len(left_out(f"{TABLE}\n\n{services}", PARTS)) == 2
    assert left_out(f"{TABLE}\n\n{services}", [*PARTS, Part("Planing", 3, 5000)]) == [
        "| Sanding | 2 | 80.00 |"
    ]


def test_an_item_more_than_rows_is_told():
    found = told(TABLE, [*PARTS, PARTS[0]])
    assert (found.rows, found.repeated) == ((), {"lines": 1})
    found = told(TABLE, [*PARTS[:2], {"item": "Ash beam", "quantity": 44}])
    assert (found.missing, found.repeated) == ({"lines": 1}, {"lines": 1})


def test_an_array_may_be_exempt_or_name_its_tables():
    text = f"## Last month\n\n{HEAD}{ROWS[2]}\n\n## Line items\n\n{HEAD}{ROWS[0]}\n{ROWS[1]}\n"
    record = {"lines": [PARTS[0].record]}
    assert len(held(text, record, schema(lines=LINE)).rows) == 2
    assert held(text, record, schema(lines={**LINE, "x-complete": False})).rows == ()
    [row] = held(text, record, schema(lines={**LINE, "x-complete": ["line items"]})).rows
    assert row.quote == ROWS[1]


@pytest.mark.parametrize("said", [1, [], ["  "], "lines", [1], {}])
def test_a_keyword_of_another_kind_is_refused(said: Any):
    with pytest.raises(ConfigError, match="x-complete must be true, false, or a list of headings"):
        schema(lines={**LINE, "x-complete": said})


def test_the_keyword_is_not_sent():
    array = {"type": "array", "items": TEXT, "x-complete": ["a"]}
    parameters = {"type": "object", "properties": {"x-complete": array}}
    tool = made({"name": "t", "description": "d", "parameters": parameters}, "t", "t.json")
    assert tool.parameters["properties"] == {"x-complete": {"type": "array", "items": TEXT}}
    assert tool.marked["properties"]["x-complete"]["x-complete"] == ["a"]


PEOPLE = "Attendees:\n- Ida Marchetti\n- Tom Brandvold\n- Jan Okonkwo\n\nAgenda:\n- Budget\n- Roof\n"
FACTS = "| Field | Value |\n|---|---|\n| Number | TW-1 |\n| Seller | Quillon |\n| Buyer | Harbour Lane |\n"
CLAUSES = "1. Quillon delivers the goods to Harbour Lane.\n2. Harbour Lane pays.\n3. Oxbury's law applies.\n"
TEXTS: dict[str, tuple[str, dict[str, list[str]], int]] = {
    "a list": (PEOPLE, {"attendees": ["Ida Marchetti", "Tom Brandvold"]}, 1),
    "a whole list": (PEOPLE, {"attendees": ["Ida Marchetti", "Tom Brandvold", "Jan Okonkwo"]}, 0),
    "a list of that name": (PEOPLE, {"attendees": []}, 3),
    "a column of that name": (TABLE, {"items": []}, 3),
    "a column": (TABLE, {"items": ["Oak board"]}, 2),
    "words of a text": (
        f"Oak for roofs, delivered.\n\n{TABLE}",
        {"keywords": ["roofs", "Oak board", "Oak"]},
        0,
    ),
    "facts": (FACTS, {"parties": ["Quillon", "Harbour Lane"]}, 0),
    "clauses": (CLAUSES, {"parties": ["Quillon", "Harbour Lane"]}, 0),
    "nobody": (TABLE, {"signed_by": []}, 0),
}


@pytest.mark.parametrize(("text", "record", "missing"), TEXTS.values(), ids=TEXTS)
def test_arrays_of_texts(text: str, record: dict[str, list[str]], missing: int):
    found = held(f"Minutes\n\n{text}", record, schema(**dict.fromkeys(record, TEXT)))
    assert len(found.rows) == missing


def test_arrays_share_a_table_of_which_each_has_its_rows():
    rows = {"Rent": -700, "Salary": 3000, "Gas": -80, "Refund": 20}
    text = "| Text | Amount |\n|---|---|\n" + "\n".join(
        f"| {name} | {amount}.00 |" for name, amount in rows.items()
    )
    entry = {"type": "object", "properties": {"text": TEXT, "amount": {"type": "number"}}}
    entries = [{"text": name, "amount": amount} for name, amount in rows.items()]
    out, in_ = entries[::2], entries[1::2]
    assert held(text, {"out": out, "in": in_}, schema(out=entry, **{"in": entry})).rows == ()
    [row] = held(text, {"out": out, "in": in_[:1]}, schema(out=entry, **{"in": entry})).rows
    assert row.quote == "| Refund | 20.00 |"


def test_arrays_within_items_are_told_where_they_stand():
    orders = {"type": "object", "properties": {"number": TEXT, "lines": {"type": "array", "items": LINE}}}
    text = f"Order A-1\n\n{HEAD}{ROWS[0]}\n\nOrder A-2\n\n{HEAD}{ROWS[1]}\n{ROWS[2]}\n"
    record = {
        "orders": [
            {"number": "A-1", "lines": [PARTS[0].record]},
            {"number": "A-2", "lines": [PARTS[1].record]},
        ]
    }
    found = held(text, record, schema(orders=orders))
    assert [(row.path, row.quote) for row in found.rows] == [("orders[1].lines", ROWS[2])]
    assert found.missing == {"orders.*.lines": 1}


@pytest.mark.parametrize(
    "text",
    [
        "["
        + ", ".join(
            f'{{"item": "{p.item}", "quantity": {p.quantity}, "amount": {p.cells[3]}}}' for p in PARTS
        )
        + "]",
        "\n".join(
            f'{{\n  "item": "{p.item}",\n  "quantity": {p.quantity},\n  "amount": {p.cells[3]}\n}}'
            for p in PARTS
        ),
        "\n".join(
            f"### {p.item}\n\n- Item: {p.item}\n- Quantity: {p.quantity}\n- Amount: {p.cells[3]}\n"
            for p in PARTS
        ),
        "\n".join(
            f"**Item:** {p.item}\n**Quantity:** {p.quantity}\n**Amount:** {p.cells[3]}\n" for p in PARTS
        ),
    ],
    ids=["objects on a line", "objects on lines", "items of labels", "bold labels"],
)
def test_objects_and_labels(text: str):
    assert told(text, PARTS).rows == ()
    [row] = told(text, PARTS[:2]).rows
    assert "Elm rail" in row.quote
    assert len(told(text, []).rows) == 3


@pytest.mark.parametrize("heading", ["1. Lines", "a) Lines", "- Lines"])
def test_a_table_below_the_heading_of_a_numbered_section_is_none_of_its_text(heading: str):
    after = heading.replace("1", "2").replace("a)", "b)").replace("Lines", "Terms")
    rows = ["Oak board      7    511.07", "Ash beam      44  3,713.60", "Elm rail       8    223.36"]
    table = "\n".join(["Item         Qty    Amount", *rows])
    text = f"{heading}\n\n{table}\n\n{after}\n\nPayable at once.\nNo discount."
    assert left_out(text, PARTS) == []
    assert left_out(text, PARTS[:1]) == rows[1:]
