"""Sixty values of the sample documents, half of them true: what is found, and that it is quoted right."""

from pathlib import Path
from typing import Any

import pytest

from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.sources.files import listed

ROOT = Path(__file__).parents[2]
XLSX, PDF, MAIL = "Hedgewick May hours.xlsx", "LK-2026-0093.pdf", "ticket-48211.txt"
NEWS, BILL, PLAIN = "PM_2026-05-06.html", "RE-2026-0417.html", "Invoice_88213.txt"
RESUME, NDA = "lebenslauf_castellane_EN.html", "nda-2026-03-02.html"

# Document, value, and what is quoted; None where the value is not in the document.
SPANS: list[tuple[str, Any, str | None]] = [
    (XLSX, "Hedgewick Survey Partners LLP", "Hedgewick Survey Partners LLP"),
    (XLSX, "2026-06-28", "2026-06-28"),
    (XLSX, "HSP-0551", "HSP-0551"),
    (XLSX, 1912.80, "1912.8"),
    (XLSX, 6.5, "6.5"),
    (XLSX, 0.20, "20"),
    (PDF, "Møllebro Fiskehal A/S", "Møllebro Fiskehal A/S"),
    (PDF, "2026-05-07", "7 May 2026"),
    (PDF, "2026-06-06", "6 June 2026"),
    (PDF, 1883.75, "1,883.75"),
    (PDF, 25, "25"),
    (PDF, "SE00 0000 0000 0058 3982 57", "SE00 0000 0000 0058 3982 57"),
    (
        PDF,
        "we advise a new oil filter before 1 September 2026",
        "we advise a new oil filter before\n1 September 2026",
    ),
    (MAIL, "Stampa L40 label printer feeds two labels", "Stampa L40 label printer feeds\ntwo labels"),
    (MAIL, "b.snaer@granvik-honey.example", "b.snaer@granvik-honey.example"),
    (MAIL, "3.2.11", "3.2.11"),
    (NEWS, "Berghavn", "BERGHAVN"),
    (NEWS, "2026-05-06", "May 6, 2026"),
    (NEWS, 76, "76"),
    (NEWS, "EUR 42 million", "EUR 42 million"),
    (BILL, "2026-04-22", "22 April 2026"),
    (BILL, 5825, "5,825.00"),
    (BILL, 4860.0, "4,860.00"),
    (BILL, "Baghuset 3, 2. tv. 9999 Kalvehave", "Baghuset 3, 2. tv.  \n9999 Kalvehave"),
    (BILL, "Amount payable", "Amount payable"),
    (PLAIN, "2026-03-14", "03/14/2026"),
    (PLAIN, 2073.6, "2,073.60"),
    (RESUME, "1991-06-04", "4 June 1991"),
    (RESUME, 118_000, "118,000"),
    (
        NDA,
        "Ostelind Robotics, Inc., a Delaware corporation",
        "Ostelind Robotics, Inc.**, a Delaware corporation",
    ),
    (XLSX, "Hedgewick Survey", "Hedgewick Survey"),
    (XLSX, "Hedgewick Partners LLP", None),
    (XLSX, "2026-06-29", None),
    (XLSX, 191.28, None),
    (XLSX, 318, None),
    (XLSX, "HSP-055", None),
    (XLSX, "Rate Amount", None),
    (PDF, "Møllebro Fiskehal", "Møllebro Fiskehal"),
    (PDF, "Mollebro Fiskehal A/S", None),
    (PDF, "2026-07-05", None),
    (PDF, "2026-05-08", None),
    (PDF, 1883.57, None),
    (PDF, -1883.75, None),
    (PDF, 883.75, None),
    (PDF, 449.5, None),
    (MAIL, "snaer@granvik-honey.example", None),
    (MAIL, "3.2.1", None),
    (MAIL, 3.2, None),
    (MAIL, "Bertil Snae", None),
    (MAIL, "Berta Snaer", None),
    (NEWS, "Berghaven", None),
    (NEWS, "2026-06-05", None),
    (NEWS, 42_000_000, "42 million"),
    (NEWS, 4_200_000, None),
    (NEWS, "Klang", None),
    (BILL, "2026-04-23", None),
    (BILL, 5852, None),
    (BILL, 825, None),
    (PLAIN, "2026-04-14", None),
    (PLAIN, 73.6, None),
    (RESUME, "1991-04-07", None),
    (RESUME, 1180, None),
    (NDA, "Marrowbridge Casting", None),
    (NDA, 50, None),
]


@pytest.fixture(scope="module")
def grounds() -> dict[str, Grounds]:
    """Read the documents that are asked about."""
    files = {ref.document_id.rpartition("/")[2]: ref for ref in listed([f"{ROOT}/samples/inbox/*"])}
    documents = {name: files[name].read() for name, _, _ in SPANS}
    return {name: Grounds(document.text, document.page_starts) for name, document in documents.items()}


def test_precision_and_recall_are_one(grounds: dict[str, Grounds]):
    """Of the places that are given: how many are right; of those that there are: how many are given."""
    given = [_quote(grounds[name], value) for name, value, _ in SPANS]
    expected = [quote for *_, quote in SPANS]
    right = sum(quote is not None and quote == true for quote, true in zip(given, expected, strict=True))
    assert len(SPANS) >= 60
    assert sum(quote is None for quote in expected) >= 29
    assert right / sum(quote is not None for quote in given) == 1, list(zip(SPANS, given, strict=True))
    assert right / sum(quote is not None for quote in expected) == 1, list(zip(SPANS, given, strict=True))


def _quote(grounds: Grounds, value: Any) -> str | None:
    [entry] = grounds.of({"a": value}, {"properties": {"a": {}}}).evidence
    quote: str | None = entry["quote"]
    return quote
