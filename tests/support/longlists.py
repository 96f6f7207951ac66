"""Documents with long lists, and stand-ins that read them honestly out of the requests that they get."""

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from docmill.tasks.checks.toolschema import made
from tests.support.connection import Reply, Request
from tests.support.shapes import completion, requested_schema, written

WOODS = ("Oak", "Ash", "Elm", "Larch", "Spruce", "Walnut", "Maple", "Birch", "Cedar", "Willow")
KINDS = ("board", "beam", "rail", "lath", "post", "plank", "frame", "panel")


class Sold(NamedTuple):
    """A row: an article, how many, what one costs in cents, and the day."""

    item: str
    quantity: int
    cents: int
    day: str

    @property
    def record(self) -> dict[str, Any]:
        """Give what a record says of it."""
        price = self.cents / 100
        return {
            "item": self.item,
            "quantity": self.quantity,
            "price": int(price) if price == int(price) else price,
            "delivered": self.day,
        }


def sold(many: int, seed: int = 1) -> list[Sold]:
    """Draw so many rows, each with an article of its own."""
    chance = random.Random(seed)
    return [
        Sold(
            f"{chance.choice(WOODS)} {chance.choice(KINDS)} {number + 1:05}",
            chance.randint(1, 4_000),
            chance.randint(100, 999_999_99),
            f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        )
        for number in range(many)
    ]


def english(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def german(cents: int) -> str:
    return english(cents).translate(str.maketrans(",.", ".,"))


def _day(day: str, form: str) -> str:
    year, month, number = day.split("-")
    return form.format(year=year, month=month, day=number)


Write = Callable[[Sequence[Sold]], str]


def piped(rows: Sequence[Sold]) -> str:
    lines = [f"| {r.item} | {r.quantity} | {english(r.cents)} | {r.day} |" for r in rows]
    return "\n".join(["| Article | Qty | Unit price | Delivered |", "|---|---:|---:|---|", *lines])


def commas(rows: Sequence[Sold]) -> str:
    lines = [f'"{r.item}, planed",{r.quantity},"{english(r.cents)}",{r.day}' for r in rows]
    return "\n".join(["article,qty,price,delivered", *lines])


def semicolons(rows: Sequence[Sold]) -> str:
    lines = [f"{r.item};{r.quantity};{german(r.cents)};{_day(r.day, '{day}.{month}.{year}')}" for r in rows]
    return "\n".join(["Artikel;Menge;Preis;Geliefert", *lines])


def tabs(rows: Sequence[Sold]) -> str:
    lines = [
        f"{r.item}\t{r.quantity}\t{r.cents / 100:.2f} €\t{_day(r.day, '{day}/{month}/{year}')}" for r in rows
    ]
    return "\n".join(["Article\tQty\tPrice\tDelivered", *lines])


def aligned(rows: Sequence[Sold]) -> str:
    """Write pages of fifty rows, each with the header, what is carried over and its number."""
    header = f"{'Pos':<8}{'Article':<30}{'Qty':>8}{'Price':>18}   {'Delivered':<12}"
    pages = []
    for at in range(0, len(rows), 50):
        lines = [header]
        if at:
            lines.append(
                f"{'':<8}{'Brought forward':<30}{'':>8}{english(sum(r.cents for r in rows[:at])):>18}"
            )
        for number, r in enumerate(rows[at : at + 50], at + 1):
            day = _day(r.day, "{month}/{day}/{year}")
            lines.append(f"{number:<8}{r.item:<30}{r.quantity:>8}{english(r.cents):>18}   {day:<12}")
        lines.append(f"{'':<8}{'Subtotal':<30}{'':>8}{english(sum(r.cents for r in rows[: at + 50])):>18}")
        pages.append("\n".join([*lines, "", f"Page {at // 50 + 1}", ""]))
    return "\n".join(pages)


FORMS: dict[str, Write] = {
    "pipes": piped,
    "commas": commas,
    "semicolons": semicolons,
    "tabs": tabs,
    "aligned": aligned,
}


def bullets(rows: Sequence[Sold]) -> str:
    """Write a list in words, which has no columns."""
    return "\n".join(f"- {r.item}: {r.quantity} pieces at {english(r.cents)} each on {r.day}" for r in rows)


def document(rows: Sequence[Sold], write: Write = piped) -> str:
    """Write a delivery note with its list, and what stands before and behind it."""
    total = english(sum(row.cents for row in rows))
    return (
        "Delivery note LW-4711\n\nTo Quillhaven Joinery, 14 March 2025\n\n"
        f"{write(rows)}\n\nTotal value {total}\n\nGoods received by A. Pellworth.\n"
    )


ITEM: Any = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "description": "The article"},
        "quantity": {"type": "integer"},
        "price": {"type": "number"},
        "delivered": {"type": "string", "format": "date"},
    },
    "required": ["item", "quantity", "price"],
}
DECLARED: Any = {
    "name": "record_note",
    "description": "Record a delivery note",
    "parameters": {
        "type": "object",
        "properties": {
            "number": {"type": "string"},
            "received_by": {"type": "string"},
            "lines": {"type": "array", "description": "What was delivered", "items": ITEM},
        },
        "required": ["number", "lines"],
    },
}
TOOL = made(DECLARED, "note", "note.json")
MEANS = {
    "item": ("article", "artikel"),
    "quantity": ("qty", "menge"),
    "price": ("price", "unit price", "preis"),
    "delivered": ("delivered", "geliefert"),
}


def columns(request: Request) -> dict[str, Any]:
    """Name the columns by the words of the header that the request shows."""
    properties = requested_schema(request)["properties"]["columns"]["properties"]
    shown = re.findall(r"^(column_\d+): (.*)$", request.text, re.MULTILINE)
    headed = {said.split(" | ")[0].casefold(): name for name, said in shown}
    named = {
        name: next((headed[word] for word in MEANS[name] if word in headed), "none") for name in properties
    }
    return {"rows_are_items": True, "columns": named}


ARTICLE = re.compile(r"[A-Z][a-z]+ [a-z]+ \d{5}")
SENTENCE = re.compile(r"(.+?): (\d+) pieces at ([\d.,]+) each on ([\d-]+)")


def item_of(row: str) -> dict[str, Any] | None:
    """Read one row as it is shown: cells between bars or in quotes, or a sentence; None where it is a sum."""
    if match := SENTENCE.search(row.lstrip("- ")):
        cells = list(match.groups())
    else:
        cells = [cell.strip().strip('"') for cell in re.split(r"\t|;|\||\s{2,}", row.strip().strip("|"))]
        cells = cells[1:] if cells[0].isdecimal() else cells
    if len(cells) < 4 or not cells[1].isdecimal():
        return None
    return {
        "item": cells[0],
        "quantity": int(cells[1]),
        "price": float(cells[2].replace(",", "")),
        "delivered": cells[3],
    }


def numbered(request: Request) -> list[tuple[int, str]]:
    """List the rows that a request for a part shows, each with its number."""
    return [(int(n), said) for n, said in re.findall(r"^row (\d+): (.*)$", request.text, re.MULTILINE)]


def copied(request: Request) -> dict[str, Any]:
    """Copy every row of a part."""
    found = [(number, item_of(row)) for number, row in numbered(request)]
    return {"lines": [{"row": number, "item": item} for number, item in found if item]}


def scalars(request: Request) -> dict[str, Any]:
    """Read what is no list, where the document says so."""
    number = re.search(r"Delivery note (\S+)", request.text)
    receiver = re.search(r"received by (.+?)\.\n", request.text)
    return {"number": number[1] if number else "", "received_by": receiver[1] if receiver else ""}


def sort_of(request: Request) -> str:
    """Say what a request asks for: columns, a part, the rest of the record, or the whole of it."""
    properties = requested_schema(request)["properties"]
    if "rows_are_items" in properties:
        return "columns"
    if "lines" not in properties:
        return "rest"
    return "part" if "row" in properties["lines"]["items"]["properties"] else "whole"


def whole(request: Request) -> dict[str, Any]:
    """Copy every row that the document shows."""
    items = [item for line in request.document.split("\n") if (item := item_of(line))]
    return {**scalars(request), "lines": items}


ANSWERS = {"columns": columns, "part": copied, "rest": scalars, "whole": whole}


def honest(request: Request) -> Reply:
    """Answer what is asked out of what is shown."""
    return written(completion(request, json.dumps(ANSWERS[sort_of(request)](request))))


def leaving_out(rows: Sequence[Sold], absent: Sequence[Sold]) -> Callable[[Request], Reply]:
    """Answer out of these rows, in whatever form they stand, and always leave some of them out."""
    left = {row.item for row in absent}
    kept = {row.item: row.record for row in rows if row.item not in left}

    def lines(request: Request) -> list[Any]:
        if sort_of(request) == "whole":
            return list(kept.values())
        shown = [(number, found[0]) for number, row in numbered(request) if (found := ARTICLE.search(row))]
        return [{"row": number, "item": kept[name]} for number, name in shown if name in kept]

    def answered(request: Request) -> Reply:
        if sort_of(request) not in ("whole", "part"):
            return honest(request)
        return written(completion(request, json.dumps({**scalars(request), "lines": lines(request)})))

    return answered
