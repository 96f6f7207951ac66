"""Documents of which parts cannot be read, and a parser's child that tells what they say of themselves."""

import json
import sys
from collections.abc import Iterator, Mapping

import pytest

from docmill.tasks.sources.parsing import pool, process
from docmill.tasks.sources.parsing.missed import Why

WHY = str(Why.MORE)
START = b"%PDF-1.7 "
CHILD = f"""
import sys
from docmill.tasks.sources.parsing import wire
while message := wire.receive(sys.stdin.buffer):
    head, _, text = message[1].partition(b"\\n")
    wire.send(sys.stdout.buffer, wire.TEXT, head[{len(START)}:] + wire.MISSED_END.encode() + text)
"""


def partly(text: str, *parts: str, seen: Mapping[str, float] | None = None) -> bytes:
    """Write a file whose text is this, and whose parts of these names cannot be read.

    `seen` are parts that were read by their pictures, each with its confidence: of all the text.
    """
    missed = [[part, Why.MORE.name] for part in parts]
    told = json.dumps([[], missed, [[part, sure, text] for part, sure in (seen or {}).items()]])
    return START + f"{told}\n{text}".encode()


@pytest.fixture
def partial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have children read the files that `partly` writes."""
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", "-c", CHILD))
    yield
    pool.close()
