"""`python -m benchmarks.lists`: a list of 2,000 rows by columns, in parts, and in one reply; prints a table.

The provider is a stand-in: it copies rows out of the request that it gets, and stops at max_tokens, as models
do; four characters are a token. It makes no mistakes, or it leaves out every tenth row that it is asked for,
whenever it is asked. All that a step of a run does with its replies is done. What it shows is what is sent,
what comes back and what becomes of it, not how well a model reads: the table of docs/pipelines.md.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.counted import CHARS_A_TOKEN, Counted
from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import resolve
from docmill.flows.run.basis import Basis
from docmill.flows.run.failures import doubted
from docmill.flows.run.step import answered
from docmill.schemas.chat import Completion
from docmill.schemas.document import Document
from docmill.schemas.errors import CutShort
from docmill.tasks.checks.completeness.groups import Tables
from docmill.tasks.checks.completeness.missing import completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.lists.evidence import grounded
from docmill.tasks.checks.lists.filling import filling
from docmill.tasks.checks.lists.found import long_lists
from tests.support.connection import Request
from tests.support.longlists import (
    ANSWERS,
    DECLARED,
    MEANS,
    TOOL,
    Sold,
    Write,
    aligned,
    bullets,
    document,
    piped,
    sold,
    sort_of,
)

MANY = 2_000
USD_READ, USD_WRITTEN = 0.8 / 1e6, 4 / 1e6  # a token, as claude-3-5-haiku is listed
LIMIT, NO_LIMIT = 8_192, 100_000
Answer = dict[str, Any]
StandIn = Callable[[Request], Answer]


def honest(request: Request) -> Answer:
    """Copy all that is asked for."""
    return ANSWERS[sort_of(request)](request)


def forgetful(request: Request) -> Answer:
    """Leave out every tenth row."""
    answer = honest(request)
    del answer.get("lines", [])[9::10]
    return answer


def brief(request: Request) -> Answer:
    """Answer in as many rows as there is room for, and call that the whole."""
    answer = honest(request)
    while len(json.dumps(answer)) > CHARS_A_TOKEN * LIMIT - 200:
        del answer["lines"][-10:]
    return answer


@dataclass(kw_only=True)
class Asked(Counted):
    """Requests that a stand-in answers."""

    answer: StandIn

    def replied(self, body: bytes) -> Completion:
        """Answer a body; raises CutShort where there is no room for all of it."""
        request = Request(1, "POST", "/v1/chat/completions", {}, body, 0)
        said = json.dumps(self.answer(request))
        wrote = min(len(said) // CHARS_A_TOKEN, request.parsed["max_tokens"])
        self.tokens[1] += wrote
        if wrote < len(said) // CHARS_A_TOKEN:
            raise CutShort("cut")
        return Completion(
            id="", model="", text=said, finish_reason="stop", prompt_tokens=0, completion_tokens=0
        )


def tell(*cells: Any) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


def asked() -> None:
    """Print what 2,000 rows cost in each way, and what comes out."""
    tell("", "the stand-in", "calls", "tokens read", "tokens written", "USD", "rows", "the document")
    copies, leaves = "copies all", "leaves out every tenth"
    for name, write, options in (
        ("by columns", piped, f"max_tokens: {LIMIT}"),
        ("in parts", bullets, f"max_tokens: {LIMIT}"),
        ("one reply, had it no limit", piped, f"lists: model, max_tokens: {NO_LIMIT}"),
    ):
        told(name, copies, honest, write, options)
        told(name, leaves, forgetful, write, options)
    alone = f"lists: model, max_tokens: {LIMIT}"
    told("one reply, cut at max_tokens", copies, honest, piped, alone)
    told("one reply that ends before", "gives what has room", brief, piped, alone)


def told(name: str, how: str, answer: StandIn, write: Write, options: str) -> None:
    """Print what a document of 2,000 rows comes to."""
    requests = planned(document(sold(MANY), write), options, answer)
    many, ended = asyncio.run(ended_so(requests))
    read, wrote = requests.tokens
    usd = read * USD_READ + wrote * USD_WRITTEN
    tell(name, how, requests.calls, f"{read:,}", f"{wrote:,}", f"{usd:.4f}", f"{many:,}", ended)


def planned(text: str, options: str, answer: StandIn) -> Asked:
    """Give the requests of a step over one document."""
    room = f"context_tokens: 400000, max_output_tokens: {NO_LIMIT}"
    endpoint = f"{{base_url: 'https://models.example/v1', {room}}}"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("note.json").write_text(json.dumps(DECLARED))
        head = f"name: lists\ndocuments: '*.txt'\nendpoint: {endpoint}\nmodel: m\n"
        Path("lists.yaml").write_text(f"{head}steps:\n  - extract: {{schema: ./note.json, {options}}}\n")
        plan = resolve(load(Path("lists.yaml")))
    read = Document(
        document_id="a", uri="a", content_sha256=sha256(text.encode()).hexdigest(), text=text.strip()
    )
    return Asked(plan, Basis(read), plan.steps[0], "m", answer=answer)


async def ended_so(requests: Asked) -> tuple[int, str]:
    """Say how many rows the record has, and how the document ends."""
    [tool] = requests.plan.tools.values()
    try:
        held = await answered(requests, requests.basis.document.text, tool)
    except CutShort:
        return 0, "invalid"
    missing = sum(held.completeness.missing.values()) if held.completeness else 0
    doubt = doubted(requests.step, held)
    ended = f"in review, {missing:,} rows told" if doubt else "done"
    return len(held.record["lines"]), ended


def computed() -> None:
    """Print the seconds of CPU to find and read the rows, and for their evidence and completeness."""
    tell("rows", "form", "found", "read", "evidence", "completeness of a model's record")
    for many in (MANY, 10 * MANY):
        rows = sold(many)
        for name, write in (("pipes", piped), ("aligned", aligned)):
            tell(f"{many:,}", name, *(f"{seconds:.2f} s" for seconds in _timed(rows, document(rows, write))))


def _timed(rows: Sequence[Sold], text: str) -> Iterator[float]:
    at = time.process_time()
    [found] = long_lists(Tables(text), TOOL)
    yield time.process_time() - at
    labels = [each.casefold() for each in found.group.header]
    columns = {name: n for name, words in MEANS.items() for n, label in enumerate(labels) if label in words}
    at = time.process_time()
    read = filling(found, columns)
    yield time.process_time() - at
    at = time.process_time()
    grounded(Grounds(text), "lines", read.items, TOOL.marked)
    yield time.process_time() - at
    lines = [each.item for each in read.items]
    assert lines == [each.record for each in rows]
    at = time.process_time()
    completeness(Grounds(text), {"number": "LW-4711", "lines": lines}, TOOL.marked)
    yield time.process_time() - at


if __name__ == "__main__":
    asked()
    computed()
