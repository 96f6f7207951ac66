"""The five kinds of documents: what is true of one, and the parts that say it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from labelling import names
from labelling.language import Writer
from labelling.layout import Heading, Items, Lines, Pairs, Part, Table
from labelling.words import WORDS

CENT = Decimal("0.01")
PRICES = ("unit_price", "amount")
TAX = {"en": 20, "de": 19, "fr": 20}


@dataclass(frozen=True)
class Made:
    """A document's parts, what is true of it, and who sent it."""

    parts: list[Part]
    record: dict[str, Any]
    sender: str = "Sender <sender@example.org>"


def invoice(writer: Writer, random: Random) -> Made:
    """An invoice: net lines, tax and what has to be paid."""
    words, language = WORDS[writer.language], writer.language
    vendor, customer = _two_companies(language, random)
    issued = _day(random)
    due = issued + timedelta(days=random.choice([14, 30])) if random.random() < 0.8 else None
    lines = [_line(name, random) for name in random.sample(names.GOODS[language], random.randint(2, 12))]
    net = sum((line["amount"] for line in lines), Decimal(0))
    tax = (net * TAX[language] / 100).quantize(CENT)
    number, vat = names.code(words["INV"], random), _vat(language, random)
    pairs = [(words["invoice number"], number), (words["date"], writer.day(issued))]
    pairs += [(words["due"], writer.day(due))] if due else []
    rows = [
        [line["description"], str(line["quantity"]), *(writer.number(line[key]) for key in PRICES)]
        for line in lines
    ]
    sums = [
        (words["net"], writer.number(net)),
        (f"{words['tax']} {TAX[language]} %", writer.number(tax)),
        (words["total"], writer.money(net + tax)),
    ]
    parts: list[Part] = [
        Lines([vendor, *names.address(language, random), f"{words['vat id']}: {vat}"]),
        Lines([words["to"], customer, *names.address(language, random)]),
        Heading(f"{words['invoice']} {number}"),
        Pairs(pairs),
        Table([words[key] for key in ("description", "quantity", "unit price", "amount")], rows, sums),
        *([_tax_summary(writer, net, tax)] if random.random() < 0.3 else []),
        Lines([words["pay"], words["thanks"]]),
    ]
    record = {
        "number": number,
        "issued_on": issued.isoformat(),
        "due_on": due.isoformat() if due else None,
        "vendor": {"name": vendor, "vat_id": vat},
        "customer": {"name": customer},
        "lines": lines,
        "net": net,
        "tax": tax,
        "total": net + tax,
    }
    return Made(parts, record)


def receipt(writer: Writer, random: Random) -> Made:
    """A till's receipt: what was taken, and what was paid."""
    words, language = WORDS[writer.language], writer.language
    merchant, day = names.company(language, random), _day(random)
    chosen = random.sample(names.FOOD[language], random.randint(2, 9))
    items = [{"description": name, "amount": _amount(random, 150, 1900)} for name in chosen]
    total = sum((item["amount"] for item in items), Decimal(0))
    rows = [[item["description"], writer.number(item["amount"])] for item in items]
    sums = [(words["total"], writer.money(total))]
    parts: list[Part] = [
        Lines([merchant, *names.address(language, random)]),
        Pairs([(words["date"], writer.day(day)), (words["till"], str(random.randint(1, 9)))]),
        Table([words["item"], words["price"]], rows, sums),
        Lines([words["card"], words["thanks"]]),
    ]
    record = {"merchant": merchant, "bought_on": day.isoformat(), "items": items, "total": total}
    return Made(parts, record)


def contract(writer: Writer, random: Random) -> Made:
    """A contract for services, each with its monthly fee."""
    words, language = WORDS[writer.language], writer.language
    contractor, client = _two_companies(language, random)
    starts = _day(random)
    ends = starts + timedelta(days=random.choice([364, 729, 1095])) if random.random() < 0.6 else None
    chosen = random.sample(names.SERVICES[language], random.randint(2, 6))
    services = [{"service": name, "monthly_fee": _amount(random, 9000, 240000)} for name in chosen]
    weeks = random.choice([4, 6, 8, 12])
    end = words["ends on"].format(writer.day(ends)) if ends else words["open end"]
    parts: list[Part] = [
        Heading(words["contract"]),
        Lines([words["between"].format(contractor, client)]),
        Heading(f"1. {words['services']}"),
        Table(
            [words["service"], words["monthly fee"]],
            [[each["service"], writer.number(each["monthly_fee"])] for each in services],
        ),
        Heading(f"2. {words['term']}"),
        Lines([words["starts on"].format(writer.day(starts)), end, words["notice"].format(weeks)]),
        *([_contacts(writer, random)] if random.random() < 0.4 else []),
        Heading(f"3. {words['other']}"),
        Lines([words["written form"], words["law"]]),
        Lines([f"{contractor} / {client}"]),
    ]
    record = {
        "contractor": contractor,
        "client": client,
        "starts_on": starts.isoformat(),
        "ends_on": ends.isoformat() if ends else None,
        "notice_weeks": weeks,
        "services": services,
    }
    return Made(parts, record)


def complaint(writer: Writer, random: Random) -> Made:
    """A customer's letter: what is wrong with what was bought, and what is asked for."""
    words, language = WORDS[writer.language], writer.language
    customer, bought = names.person(language, random), _day(random)
    product, order = random.choice(names.GOODS[language][:14]), names.code(words["ORD"], random)
    defects = random.sample(names.DEFECTS[language], random.randint(2, 5))
    refund = _amount(random, 800, 38000) if random.random() < 0.7 else None
    asked = words["refund"].format(writer.money(refund)) if refund else words["exchange"]
    parts: list[Part] = [
        Heading(f"{words['complaint']} {order}"),
        Lines([words["dear"]]),
        Lines([words["bought"].format(writer.day(bought), product, order)]),
        Lines([words["defects"]]),
        Items(defects),
        Lines([asked, words["soon"]]),
        Lines([words["regards"], customer]),
    ]
    record = {
        "customer": customer,
        "order_number": order,
        "product": product,
        "bought_on": bought.isoformat(),
        "defects": defects,
        "refund": refund,
    }
    return Made(parts, record, f"{customer.encode('ascii', 'ignore').decode()} <customer@example.org>")


def delivery(writer: Writer, random: Random) -> Made:
    """A delivery note: articles and how many of each, without prices."""
    words, language = WORDS[writer.language], writer.language
    sender, recipient = _two_companies(language, random)
    day, number, order = _day(random), names.code(words["DEL"], random), names.code(words["ORD"], random)
    chosen = random.sample(names.GOODS[language][:15], random.randint(2, 14))
    items = [
        {"article": f"{random.choice('ABKMT')}{random.randint(1000, 9999)}", "description": name,
         "quantity": random.randint(1, 60)}
        for name in chosen
    ]  # fmt: skip
    rows = [[each["article"], each["description"], str(each["quantity"])] for each in items]
    pairs = [(words["note number"], number), (words["order"], order), (words["delivered"], writer.day(day))]
    parts: list[Part] = [
        Lines([sender, *names.address(language, random)]),
        Heading(words["delivery"]),
        Pairs(pairs),
        Lines([words["to"], recipient, *names.address(language, random)]),
        Table([words["article"], words["description"], words["quantity"]], rows),
        Lines([words["received"]]),
    ]
    record = {
        "number": number,
        "order_number": order,
        "delivered_on": day.isoformat(),
        "sender": sender,
        "recipient": recipient,
        "items": items,
    }
    return Made(parts, record)


KINDS: dict[str, Callable[[Writer, Random], Made]] = {
    "invoice": invoice,
    "receipt": receipt,
    "contract": contract,
    "complaint": complaint,
    "delivery note": delivery,
}


def _two_companies(language: str, random: Random) -> tuple[str, str]:
    first = names.company(language, random)
    while (second := names.company(language, random)) == first:
        pass
    return first, second


def _tax_summary(writer: Writer, net: Decimal, tax: Decimal) -> Table:
    """What many invoices have below their lines: a table that has nothing to do with them."""
    words = WORDS[writer.language]
    row = [f"{TAX[writer.language]} %", writer.number(net), writer.number(tax)]
    return Table([words["rate"], words["base"], words["tax"]], [row])


def _contacts(writer: Writer, random: Random) -> Table:
    """Whom to call: a table in a contract that is none of its services."""
    words = WORDS[writer.language]
    rows = [
        [names.person(writer.language, random), words[role], f"+44 20 7946 0{random.randint(100, 999)}"]
        for role in ("sales", "support")
    ]
    return Table([words["contact"], words["role"], words["phone"]], rows)


def _day(random: Random) -> date:
    return date(2026, 1, 1) + timedelta(days=random.randint(0, 330))


def _amount(random: Random, low: int, high: int) -> Decimal:
    """Draw an amount of so many cents; half of them end in a round price."""
    cents = random.randint(low, high)
    return Decimal(cents - cents % 50 if random.random() < 0.5 else cents) / 100


def _line(description: str, random: Random) -> dict[str, Any]:
    quantity, price = random.choice([1, 1, 2, 3, 5, 12, 24]), _amount(random, 250, 64000)
    return {"description": description, "quantity": quantity, "unit_price": price, "amount": quantity * price}


def _vat(language: str, random: Random) -> str:
    """Make up a number of the right form; it is nobody's, and its check digit may not fit."""
    digits = random.randint(10**8, 10**9 - 1)
    return {"en": f"GB{digits}", "de": f"DE{digits}", "fr": f"FR{digits % 90 + 10}{digits}"}[language]
