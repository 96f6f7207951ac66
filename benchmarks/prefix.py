"""`python -m benchmarks.prefix`: what a provider's prompt cache serves of docmill's requests; prints a table.

The cache is the stand-in's: blocks of 128 tokens of four bytes, tools first, then system, then messages,
nothing below `LEAST_TOKENS`; it forgets nothing. Requests are docmill's own, byte for byte, document by
document, with each of the two that `first` names. The numbers of docs/books.md come from here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.steps import Classify, Extract, Kind, Label, StepOptions, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps.kind import kind
from tests.support.billing import PrefixCache

LEAST_TOKENS = 1024
SHORT, LONG, FEW = 400, 24_000, 3_000  # characters of a document
MANY = 200
WORDS = ("the", "goods", "that", "were", "ordered", "before", "went", "to", "another", "place", "again")
POLICY = "A rule of the house, which says in many words what belongs to which category and why. " * 90
Request = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Documents of a length, taken through steps of these kinds, with the team's own instructions."""

    name: str
    chars: int
    steps: Sequence[Kind]
    instructions: str | None = None


CASES = (
    Case("short documents, long instructions, one step", SHORT, ["classify"], POLICY),
    Case("long documents, three steps", LONG, ["summarize", "classify", "extract"]),
    Case(
        "middling documents, three steps, long instructions",
        FEW,
        ["summarize", "classify", "extract"],
        POLICY,
    ),
)
TOOL = ToolSchema(
    id="note",
    name="note",
    description="Read the delivery note.",
    parameters={
        "type": "object",
        "properties": {
            f"field_{n}": {"type": "string", "description": "What it says there"} for n in range(20)
        },
        "additionalProperties": False,
    },
)


def text(number: int, chars: int) -> str:
    """Make a document that begins like no other."""
    words = (WORDS[(number * 7 + at * (number + 3)) % len(WORDS)] for at in range(chars // 4))
    return f"Note {number}. {' '.join(words)}"[:chars]


def options(step: Kind, **said: Any) -> tuple[StepOptions, ToolSchema | None]:
    """Declare a step."""
    if step == "summarize":
        return Summarize(**said), None
    if step == "extract":
        return Extract(schema="note", **said), TOOL
    labels = {name: Label(description=f"what is {name}") for name in ("invoice", "complaint", "other")}
    return Classify(labels=labels, **said), None


def requests(case: Case, structured_output: Any, first: str, many: int = MANY) -> Iterator[Request]:
    """Build the requests of a case, document by document."""
    endpoint = Endpoint(base_url="https://models.example/v1", structured_output=structured_output)
    target = Target(name="bench", endpoint=endpoint, model="bench", identity="bench")
    for number in range(many):
        for step in case.steps:
            declared, schema = options(step, instructions=case.instructions, first=first)
            acts = kind(step)
            tool = acts.tool(declared, schema)
            yield json.loads(acts.request(text(number, case.chars), declared, tool, target))


def served(found: Iterable[Request]) -> float:
    """Give the share of the prompts' tokens that the cache serves."""
    cache = PrefixCache(LEAST_TOKENS)
    counts = [cache.read(request) for request in found]
    return sum(cached for _, cached, _ in counts) / sum(tokens for tokens, _, _ in counts)


def main() -> None:
    """Print the table."""
    layouts = ("document", "instructions")
    print("| case | asked by |", " | ".join(f"`first: {first}`" for first in layouts), "|")  # noqa: T201
    print("| --- | --- | ---: | ---: |")  # noqa: T201
    for case in CASES:
        for asked_by in ("tools", "json_schema"):
            shares = [f"{100 * served(requests(case, asked_by, first)):.0f} %" for first in layouts]
            print(f"| {case.name} | {asked_by} | {' | '.join(shares)} |")  # noqa: T201


if __name__ == "__main__":
    main()
