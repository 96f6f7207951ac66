"""Documents that list the same rows in each form that there is, and where each row stands."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from docmill.tasks.checks.completeness.missing import Completeness, completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.toolschema import made

NAMES = ("item", "quantity", "price", "amount")


class Part(NamedTuple):
    """A row: an article, how many of it, and the price of one in cents."""

    item: str
    quantity: int
    cents: int

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Write its cells."""
        return self.item, str(self.quantity), _money(self.cents), _money(self.cents * self.quantity)

    @property
    def record(self) -> dict[str, Any]:
        """Give what a record says of it."""
        return {"item": self.item, "quantity": self.quantity, "amount": self.cents * self.quantity / 100}


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _piped(part: Part) -> str:
    return f"| {' | '.join(part.cells)} |"


def _columns(part: Part) -> str:
    return "{:<40}{:>8}{:>12}{:>14}".format(*part.cells)


def _sentence(part: Part) -> str:
    return "{}, {} pieces at {}, together {}".format(*part.cells)


def _block(part: Part) -> str:
    return "\n".join(f"{name.title()}: {cell}" for name, cell in zip(NAMES, part.cells, strict=True)) + "\n"


HEADINGS = ("Item", "Quantity", "Price", "Amount")
# The lines above the rows, and how a row is written (its number from 1 with it).
FORMS: dict[str, tuple[str, Callable[[int, Part], str]]] = {
    "pipes": ("| Item | Quantity | Price | Amount |\n|---|---:|---:|---:|\n", lambda _, part: _piped(part)),
    "pipes without edges": (
        "Item | Quantity | Price | Amount\n--- | ---: | ---: | ---:\n",
        lambda _, part: " | ".join(part.cells),
    ),
    "commas": ("item,quantity,price,amount\n", lambda _, part: ",".join(part.cells)),
    "quotes": (
        '"item","quantity","price","amount"\n',
        lambda _, part: ",".join(f'"{cell}"' for cell in part.cells),
    ),
    "semicolons": (
        "Artikel;Menge;Preis;Betrag\n",
        lambda _, part: ";".join(part.cells).replace(".", ","),
    ),
    "tabs": ("Item\tQty\tPrice\tAmount\n", lambda _, part: "\t".join(part.cells)),
    "columns": ("{:<40}{:>8}{:>12}{:>14}\n".format(*HEADINGS), lambda _, part: _columns(part)),
    "columns without a header": ("", lambda _, part: _columns(part)),
    "single blanks": ("Item Quantity Price Amount\n", lambda _, part: " ".join(part.cells)),
    "numbers": ("", lambda number, part: f"{number}. {_sentence(part)}"),
    "numbers in columns": ("", lambda number, part: f"{number}.  {_columns(part)}"),
    "bullets": ("", lambda _, part: f"- {_sentence(part)}"),
    "bullets, how many first": (
        "",
        lambda _, part: "- {1} x {0} at {2}, {3} together".format(*part.cells),
    ),
    "blocks": ("", lambda _, part: _block(part)),
}
TOOL = made(
    {
        "name": "record_invoice",
        "description": "Record an invoice",
        "parameters": {
            "type": "object",
            "properties": {
                "number": {"type": "string"},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "item": {"type": "string"},
                            "quantity": {"type": "integer"},
                            "amount": {"type": "number"},
                        },
                    },
                },
            },
        },
    },
    "invoice",
    "invoice.json",
)


def listing(form: str, parts: Sequence[Part], *, above: str = "Invoice LW-1\n\n", below: str = "") -> str:
    """Write a document of rows in a form."""
    head, written = FORMS[form]
    rows = "\n".join(written(number, part) for number, part in enumerate(parts, 1))
    return f"{above}{head}{rows}\n\n{below or 'Payable within a month.'}\n"


def told(text: str, lines: Sequence[Part | dict[str, Any]] | None, schema: Any = TOOL.marked) -> Completeness:
    """Hold an invoice's lines against a text."""
    items = None if lines is None else [each.record if isinstance(each, Part) else each for each in lines]
    return held(text, {"number": "LW-1"} | ({} if items is None else {"lines": items}), schema)


def held(text: str, record: dict[str, Any], schema: Any) -> Completeness:
    """Hold a record against a text; each row that is told stands where it is said to stand."""
    found = completeness(Grounds(text), record, schema)
    assert all(text[row.start : row.end] == row.quote for row in found.rows)
    return found
