"""Outcomes as the page shows them: every value is written here, as text, so the page formats nothing."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docmill.flows.report.marked_text import Span
from docmill.schemas.money import money
from docmill.tasks.checks.evidence.alike import in_doubt
from docmill.tasks.checks.faults import Path, place

Row = Mapping[str, Any]


ROW = -1  # the number of no field: of a row of the document that stands for no item


@dataclass(frozen=True)
class Entry:
    """One outcome: `row` is its line in the table, `detail` what its own view shows beside the text.

    `evidence` are the spans that were found, each with the text that it quotes, and those of rows that
    stand for no item, as the field ROW; `pages` are those on which the record's stands.
    """

    number: int
    document_id: str
    content_sha256: str | None
    row: Mapping[str, Any]
    detail: Mapping[str, Any]
    evidence: tuple[tuple[Span, str], ...]
    pages: tuple[int, ...] = ()


def entry(number: int, row: Row) -> Entry:
    """Make the entry of an outcome's row."""
    evidence = row["evidence"] or []
    is_reviewed = row["status"] == "done" and row.get("reviewed_at") is not None
    fields = _fields(row["record"], evidence, "decided" if is_reviewed else "missing")
    numbers = {field["path"]: index for index, field in enumerate(fields)}
    missing = sum(field["state"] == "missing" for field in fields)
    # An earlier version's outcomes have no such columns; what a person decided is nobody's any more.
    unread = row.get("unread") or []
    left_out = [] if is_reviewed else row.get("missing") or []
    named = {name: row[name] for name in ("status", "label", "summary", "error")}
    measured = {"cost": _cost(row), "seconds": _seconds(row["seconds"])}
    return Entry(
        number=number,
        document_id=row["document_id"],
        content_sha256=row["content_sha256"],
        row=named
        | measured
        | {
            "cost_usd": row["cost_usd"],
            "s": row["seconds"],
            "missing": missing,
            "unread": 0 if is_reviewed else len(unread),
            "left_out": len(left_out),
        },
        detail=named
        | measured
        | {
            "id": row["document_id"],
            "uri": row["uri"],
            "truncated": row["truncated"],
            "unread": unread,
            "left_out": _by_array(left_out),
            "broken": [] if is_reviewed else row.get("broken_rules") or [],
            "updated": f"{row['updated_at']:%Y-%m-%d %H:%M:%S} UTC",
            "fields": fields,
            "steps": [_step(name, step, row) for name, step in row["steps"].items()],
        },
        evidence=tuple(
            (Span(each["start"], each["end"], numbers[each["path"]]), each["quote"] or "")
            for each in evidence
            if each["start"] is not None
        )
        + tuple((Span(each["start"], each["end"], ROW), each["quote"]) for each in left_out),
        pages=tuple(sorted({each["page"] for each in evidence if each["page"] is not None})),
    )


def _by_array(left_out: list[dict[str, Any]]) -> dict[str, int]:
    """Count the rows that stand for no item, by the array that they are missing in."""
    return dict(Counter(each["path"] for each in left_out))


def _fields(record: Any, evidence: list[dict[str, Any]], absent: str) -> list[dict[str, Any]]:
    """List a record's values with what is known of each: found, `absent` where it was not, or unchecked.

    Evidence of a value that the record does not have, such as an earlier step's, comes last.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for each in evidence:
        found.setdefault(each["path"], []).append(each)
    fields = [
        _field(place(path), value, found.pop(place(path), []), absent) for path, value in _leaves(record)
    ]
    return fields + [
        {**_field(path, None, each, absent), "value": each[0]["quote"]} for path, each in found.items()
    ]


def _field(path: str, value: Any, evidence: list[dict[str, Any]], absent: str) -> dict[str, Any]:
    state = "unchecked" if not evidence else absent if any(map(in_doubt, evidence)) else "found"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    pages = dict.fromkeys(each["page"] for each in evidence if each["page"] is not None)
    return {
        "path": path,
        "value": None if value is None else text,
        "state": state,
        "page": ", ".join(str(page) for page in pages),
    }


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give the values that hold no others, in their order."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    elif path:
        yield path, value


def _step(name: str, step: Mapping[str, Any], row: Row) -> dict[str, Any]:
    output = step["output"] if step["output"] is not None else step.get("reply")
    elsewhere = output in (None, row["summary"], row["label"], row["record"])
    return {
        "cells": [
            name,
            step["status"],
            f"{step['calls']:,} paid, {step['cached_calls']:,} cached",
            f"{step['prompt_tokens']:,} read, {step['completion_tokens']:,} written",
            _cost(step),
            _seconds(step["seconds"]),
        ],
        "output": None
        if elsewhere
        else output
        if isinstance(output, str)
        else json.dumps(output, ensure_ascii=False, indent=2),
    }


def _cost(row: Row) -> str:
    return "unknown" if row["cost_usd"] is None else money(row["cost_usd"], estimated=row["cost_estimated"])


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s"
