"""Long texts with facts hidden in them, and stand-ins that answer from the part alone that they are shown."""

import json
import random
import re
from typing import Any

from tests.support.connection import Reply, Request
from tests.support.shapes import completion, requested_schema, written

SYLLABLES = [f"{a}{b}" for a in "bcdfghjklmnprstvwxz" for b in "ae"]
FACT = re.compile(r"The seal of (\w+) lies in vault (\d+)\.")
FACTS: Any = {
    "name": "facts",
    "description": "Record where the seals lie",
    "parameters": {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "signed": {"type": ["string", "null"], "format": "date"},
            "seals": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "vault": {"type": "integer"}},
                    "required": ["name", "vault"],
                },
            },
        },
        "required": ["title", "signed", "seals"],
    },
}


def words(chance: random.Random, many: int) -> str:
    """Draw words that mean nothing, as sentences."""
    drawn = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(many)]
    sentences = [" ".join(drawn[at : at + 14]).capitalize() + "." for at in range(0, many, 14)]
    return " ".join(sentences)


def page(number: int, chance: random.Random, paragraphs: int = 6, many: int = 70) -> str:
    heading = f"{number}. {words(chance, 3)}"
    return "\n\n".join([heading, *(words(chance, many) for _ in range(paragraphs))])


def facts(many: int) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [
        {"name": f"Q{number:03}{chance.choice(SYLLABLES)}", "vault": chance.randint(1_000, 9_999_999)}
        for number in range(many)
    ]


def long_text(pages: int, hidden: list[dict[str, Any]], seed: int = 1, *, many: int = 70) -> str:
    """Write pages with form feeds between them, and facts within paragraphs at even distances."""
    chance = random.Random(seed)
    written_pages = [page(number + 1, chance, many=many) for number in range(pages)]
    for index, fact in enumerate(hidden):
        at = (2 * index + 1) * pages // (2 * len(hidden))
        before, _, after = written_pages[at].rpartition("\n\n")
        said = f"The seal of {fact['name']} lies in vault {fact['vault']}."
        written_pages[at] = f"{before} {said}\n\n{after}"
    title = "Register of the northern harbours\n\nSigned on 2025-03-14.\n\n"
    return title + "\f".join(written_pages)


def instruction(request: Request) -> str:
    """Give what a request asks of its document."""
    return str(json.loads(request.body)["messages"][-1]["content"]).rpartition("</document>")[2]


def record(request: Request) -> dict[str, Any]:
    """Read the facts that a request shows, and what else of the record it does."""
    text, wanted = request.document, requested_schema(request)
    title = re.search(r"Register of the \w+ harbours", text)
    signed = re.search(r"Signed on (\d{4}-\d\d-\d\d)", text)
    of_whole: dict[str, Any] = {"title": title and title[0], "signed": signed and signed[1]}
    given = {name: value for name, value in of_whole.items() if value or name in wanted.get("required", ())}
    seals = [{"name": name, "vault": int(vault)} for name, vault in FACT.findall(text)]
    return {**given, "seals": seals}


def said(request: Request) -> str:
    """Say the facts that a request shows."""
    found = FACT.findall(request.document)
    return " ".join(f"The seal of {name} lies in vault {vault}." for name, vault in found) or "nothing"


def honest(request: Request) -> Reply:
    """Answer from what is shown alone: a record, a label, or the facts as a text."""
    if not json.loads(request.body).get("tools"):
        return written(completion(request, said(request)))
    if "category" in requested_schema(request)["properties"]:
        label = "register" if "Register" in request.document else "other"
        return written(completion(request, json.dumps({"category": label})))
    return written(completion(request, json.dumps(record(request))))
