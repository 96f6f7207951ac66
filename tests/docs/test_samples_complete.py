"""The inbox's samples, held against all that they list: whole lists raise no alarm, and short ones do."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.document import Document
from docmill.tasks.checks.completeness.missing import Completeness, completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.toolschema import load
from docmill.tasks.sources.files import listed

ROOT = Path(__file__).parents[2]
INVOICE = load(ROOT / "schemas" / "tools" / "supplier_invoice.json").marked


@cache
def document(name: str) -> Document:
    """Read a sample as a run does."""
    [ref] = [each for each in listed([f"{ROOT}/samples/inbox/*"]) if each.path.name == name]
    return ref.read()


NAMES = sorted(each.name for each in (ROOT / "samples" / "inbox").iterdir())


def lines(*items: tuple[str, float, float]) -> list[dict[str, Any]]:
    """Write an invoice's lines: what, how many, and their amount."""
    return [{"description": what, "quantity": many, "amount": amount} for what, many, amount in items]


VALVES = lines(
    ('Ball valve 2", 316 SS, tri-clamp', 24, 2073.6),
    ('Gasket EPDM 2", pack of 10', 60, 429),
    ("Pneumatic actuator, double acting", 2, 636),
    ("Freight, prepaid and added", 1, 94.5),
)
LINES = {
    "2026-02 hosting Nimbuscroft.md": lines(
        ("Managed file server, 8 vCPU", 1, 210),
        ("Off-site backup, per TB", 6.5, 91),
        ("Mailboxes", 34, 108.8),
        ("Out-of-hours call-out, 11 Feb", 1.5, 0),
    ),
    "Hedgewick May hours.xlsx": lines(
        ("Drone survey, north face", 6.5, 598), ("Volume model and report", 11, 858), ("Travel", 3, 138)
    ),
    "Invoice_88213 (1).txt": VALVES,
    "Invoice_88213.txt": VALVES,
    "LK-2026-0093.pdf": lines(
        ("Compressor inspection, hall B", 1, 640),
        ("Refrigerant R-449A, kg", 12, 462),
        ("Door seal, replaced", 3, 285),
        ("Call-out outside working hours", 1, 120),
    ),
    "RE-2026-0417.html": lines(
        ('Catalogue "Nordlys", 96 pages, thread-sewn, 150 g matt paper', 750, 4860),
        ("Cover with hot-foil stamping, copper", 750, 690),
        ("Proof copies, digital", 2, 90),
        ("Pallet freight to Kalvehave", 1, 185),
    ),
}
# Whole lists of the other documents, and of the invoices' other tables.
OTHERS: dict[str, dict[str, list[Any]]] = {
    "CV_Okonkwo-Lund.md": {
        "education": [
            {"year": 2017, "degree": "MSc Logistics Engineering", "school": "Limfjord Technical University"},
            {"year": 2015, "degree": "BSc Industrial Engineering", "school": "Enugu College of Engineering"},
        ],
        "jobs": [
            {"title": "Senior supply chain analyst", "employer": "Havnefryst A/S"},
            {"title": "Inventory planner", "employer": "Bolig & Bo Møbler"},
            {"title": "Trainee", "employer": "Port of Vesterhavn"},
        ],
        "languages": ["English", "Igbo", "Danish", "German"],
    },
    "Cleaning Ashgrove 2026 v2.docx": {
        "buildings": [
            {"building": "Larkspur Row 1–9", "visits": 3, "price": 412},
            {"building": "Tannery Court", "visits": 2, "price": 288.5},
            {"building": "The Maltings", "visits": 2, "price": 288.5},
            {"building": "Canal View", "visits": 1, "price": 151},
        ],
        "parties": ["Ashgrove Housing Trust", "Brightmoor Cleaning Ltd"],
    },
    "Hedgewick May hours.xlsx": {
        "hours": [
            {"day": "2026-05-18", "who": "R. Petherbridge", "hours": 6.5, "what": "flight, 412 pictures"},
            {"day": "2026-05-20", "who": "A. Solano", "hours": 7, "what": "model"},
            {"day": "2026-05-21", "who": "A. Solano", "hours": 4, "what": "report"},
            {"day": "2026-05-18", "who": "R. Petherbridge", "hours": 3, "what": "travel"},
        ]
    },
    "MSA Tarnholm-Quillby SIGNED.md": {
        "rates": [
            {"role": "Principal engineer", "day_rate": 1150},
            {"role": "Data engineer", "day_rate": 890},
            {"role": "Analyst", "day_rate": 640},
        ],
        "parties": [{"name": "Tarnholm Logistics B.V."}, {"name": "Quillby Data Services Ltd"}],
    },
    "lebenslauf_castellane_EN.html": {
        "jobs": [
            {"title": "Lead UX researcher", "employer": "Polypora Health", "town": "Basel"},
            {"title": "UX researcher", "employer": "Atelier Grand Large", "town": "Lyon"},
            {"title": "Research assistant", "employer": "Laboratoire Parole et Geste"},
        ],
        "education": [
            {"year": 2015, "degree": "Master's degree in cognitive science"},
            {"year": 2013, "degree": "Bachelor's degree in psychology"},
        ],
    },
    "nda-2026-03-02.html": {
        "parties": [{"name": "Ostelind Robotics, Inc."}, {"name": "Marrowbridge Castings LLC"}]
    },
    "press-release-saltmarrow.md": {
        "figures": [
            {"name": "Capacity", "value": "9,400 pallets at -24 °C"},
            {"name": "Turbines", "value": "4 x 450 kW"},
            {"name": "Investment", "value": "£31 million"},
            {"name": "Jobs", "value": "58"},
        ],
        "contacts": [{"name": "Lachlan Moy", "email": "press@saltmarrow-energy.example"}],
    },
    "resume-tomas-brandvold.txt": {
        "jobs": [
            {"title": "Lead Field Technician", "from": 2019},
            {"title": "Service Electrician", "from": 2014},
            {"title": "Apprentice Electrician", "from": 2011},
        ]
    },
    "ticket-48211.txt": {
        "tried": [
            "cleaning the gap sensor with the brush from the kit",
            "calibrating twice (Menu > Media > Auto)",
            "the old rolls: with these it prints every label",
        ]
    },
}
TYPES = {str: "string", int: "number", float: "number"}


def schema_of(record: dict[str, list[Any]]) -> Any:
    """Write the schema of a record of lists."""

    def rule(item: Any) -> Any:
        if not isinstance(item, dict):
            return {"type": TYPES[type(item)]}
        return {"type": "object", "properties": {name: rule(value) for name, value in item.items()}}

    lists = {name: {"type": "array", "items": rule(items[0])} for name, items in record.items()}
    return {"type": "object", "properties": lists}


def held(name: str, record: dict[str, Any], schema: Any) -> Completeness:
    return completeness(Grounds(document(name).text, document(name).page_starts), record, schema)


@pytest.mark.parametrize("name", LINES)
def test_an_invoice_with_all_of_its_lines_raises_no_alarm_and_one_without_the_first_does(name: str):
    whole = LINES[name]
    assert held(name, {"lines": whole}, INVOICE) == Completeness((), {}, {})
    for short, many in ((whole[1:], 1), ([], len(whole))):
        assert held(name, {"lines": short}, INVOICE).missing == {"lines": many}


@pytest.mark.parametrize("name", OTHERS)
def test_lists_of_other_documents_raise_no_alarm_where_they_are_whole(name: str):
    assert held(name, OTHERS[name], schema_of(OTHERS[name])) == Completeness((), {}, {})


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(LINES)))
def test_a_document_that_is_no_invoice_has_no_lines_that_an_invoice_lacks(name: str):
    assert held(name, {"lines": []}, INVOICE) == Completeness((), {}, {})
