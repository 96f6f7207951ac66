"""Documents of which parts cannot be read, and a parser's child that tells what they say of themselves."""

import json
import sys
from collections.abc import Iterator

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


def partly(text: str, *parts: str) -> bytes:
    """Write a file whose text is this, and whose parts of these names cannot be read."""
    told = json.dumps([[part, Why.MORE.name] for part in parts])
    return START + f"{told}\n{text}".encode()


@pytest.fixture
def partial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have children read the files that `partly` writes."""
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", "-c", CHILD))
    yield
    pool.close()
