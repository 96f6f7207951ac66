"""`python -m benchmarks.lists`: a list of 2,000 rows by columns, in parts, and in one reply; prints a table.

The provider is a stand-in: it copies rows out of the request that it gets, makes no mistakes, and stops at
max_tokens, as models do; four characters are a token. What it shows is what is sent and what comes back, not
how well a model reads. The numbers of docs/pipelines.md come from here.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.steps import Extract
from docmill.tasks.checks.completeness.groups import Tables
from docmill.tasks.checks.completeness.missing import completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.lists.declared import without
from docmill.tasks.checks.lists.evidence import grounded
from docmill.tasks.checks.lists.filling import filling
from docmill.tasks.checks.lists.found import long_lists
from docmill.tasks.steps.columns import column_request
from docmill.tasks.steps.extract import KIND
from docmill.tasks.steps.parts import part_request, parts, rest
from tests.support.connection import Reply, Request
from tests.support.longlists import (
    MEANS,
    TOOL,
    Sold,
    aligned,
    bullets,
    document,
    honest,
    piped,
    sold,
    sort_of,
    whole,
)
from tests.support.shapes import completion, written

MANY = 2_000
CHARS_A_TOKEN = 4
TARGET = Target(
    name="bench",
    endpoint=Endpoint(base_url="https://models.example/v1", context_tokens=200_000, max_output_tokens=8192),
    model="bench",
    identity="bench",
)
OPTIONS = Extract(schema="note", max_tokens=8192)


def limited(request: Request) -> Reply:
    """Answer honestly, but for what comes after max_tokens."""
    if sort_of(request) != "whole":
        return honest(request)
    answer = json.dumps(whole(request))
    most = CHARS_A_TOKEN * request.parsed["max_tokens"]
    reply = completion(request, answer[:most])
    if len(answer) > most:
        reply["choices"][0]["finish_reason"] = "length"
    return written(reply)


def brief(request: Request) -> Reply:
    """Answer in as many rows as there is room for, and call that the whole."""
    if sort_of(request) != "whole":
        return honest(request)
    record = whole(request)
    most = CHARS_A_TOKEN * request.parsed["max_tokens"] - 200
    while len(json.dumps(record)) > most:
        del record["lines"][-10:]
    return written(completion(request, json.dumps(record)))


def tell(*cells: Any) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


def asked() -> None:
    """Print what 2,000 rows cost in each way, by the requests that a run sends."""
    rows = sold(MANY)
    tell("", "calls", "tokens read", "tokens written", "rows in the reply")
    for name, write in (("by columns", piped), ("in parts", bullets)):
        text = document(rows, write).strip()
        [found] = long_lists(Tables(text), TOOL)
        bodies = [KIND.request(rest(text, [found]), OPTIONS, without(TOOL, frozenset({"lines"})), TARGET)]
        if write is piped:
            bodies.append(column_request(found, OPTIONS, TOOL, TARGET))
        else:
            divided = parts(found, found.items, OPTIONS, TARGET)
            bodies += [part_request(found, part, OPTIONS, TOOL, TARGET) for part in divided]
        told(name, bodies, limited)
    whole_body = KIND.request(document(rows).strip(), OPTIONS, TOOL, TARGET)
    told("one reply, without a limit", [whole_body], honest)
    told("one reply, cut at max_tokens", [whole_body], limited)
    told("one reply that ends early", [whole_body], brief)


def told(name: str, bodies: Sequence[bytes], answer: Callable[[Request], Reply]) -> None:
    """Answer requests, and print what that comes to."""
    read = wrote = many = 0
    for body in bodies:
        reply = json.loads(b"".join(part for part in answer(_request(body)).parts if isinstance(part, bytes)))
        read += reply["usage"]["prompt_tokens"]
        wrote += reply["usage"]["completion_tokens"]
        [choice] = reply["choices"]
        if choice["finish_reason"] != "length":
            said = json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])
            many += len(said.get("lines", ()))
    tell(name, len(bodies), f"{read:,}", f"{wrote:,}", f"{many:,}")


def _request(body: bytes) -> Request:
    return Request(1, "POST", "/v1/chat/completions", {}, body, 0)


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
