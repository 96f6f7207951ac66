"""The page of a review: the shell that is served, and what it shows of each document."""

import json
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from docmill.flows.report.entries import entry
from docmill.flows.report.inline import inline, policy
from docmill.flows.report.texts import shown
from docmill.flows.review.case import Case
from docmill.flows.review.context import Mark, marks
from docmill.flows.review.deciding import seen, written
from docmill.flows.review.documents import Documents
from docmill.flows.review.pages import page_of
from docmill.schemas.decision import CHANGED, MISSING, OF_VALUES, OpenPoint
from docmill.schemas.document import Document

PACKAGE = "docmill.flows.review"


def shell(pipeline: str) -> tuple[bytes, str]:
    """Give the page without data, and the policy that it is served with."""
    environment = Environment(
        loader=PackageLoader(PACKAGE, ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = inline("report.css") + inline("review.css", PACKAGE)
    script = inline("view.js") + inline("review.js", PACKAGE)
    page = environment.get_template("review.html.jinja").render(pipeline=pipeline, style=style, script=script)
    allowed = f"{policy(style, script)}; connect-src 'self'; frame-ancestors 'none'"
    return page.encode("utf-8", "backslashreplace"), allowed


def listed(cases: list[Case]) -> list[dict[str, Any]]:
    """List the documents that wait, with how much of each is open."""
    return [{"id": each.document_id, "open": len(each.points)} for each in cases]


def told(case: Case, texts: Documents) -> dict[str, Any]:
    """Give all that the page shows of a document: its points, its record and its text with the evidence."""
    main = case.records.get(case.main)
    row = {**case.row, "record": main.record} if main else case.row
    made, document = entry(0, row), texts.of(case)
    decided = case.holding.decisions
    found = [] if isinstance(document, str) else marks(case, document.text)
    return {
        "id": case.document_id,
        "content": case.row["content_sha256"],
        "detail": made.detail,
        "points": [_point(case, each, document, found) for each in (*case.points, *case.undecided_labels)],
        "decided": [f"{case.named(each.step, each)}: {each.decision}" for each in decided],
        "text": {"why": document} if isinstance(document, str) else shown(document, made),
    }


def _point(case: Case, point: OpenPoint, document: Document | str, found: Sequence[Mark]) -> dict[str, Any]:
    value = point.offered if point.about == CHANGED else point.value
    return {
        "name": point.name,
        "field": case.field_of(point),
        "wrong": point.wrong,
        "quote": point.quote,
        "value": _shown(point.value) if point.about in OF_VALUES else None,
        "seen": seen(point.value),
        "typed": written(value) if point.about != MISSING else "",
        "correctable": point.about in OF_VALUES,
        "adds": point.about == MISSING,
        "page": None if isinstance(document, str) else page_of(case, point, document, found),
    }


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
