"""What the peers share: the work that each is given, and how one is run."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM = "Summarize the document in one sentence."
MODEL = "bench"


@dataclass(frozen=True)
class Work:
    """Where to send which texts, and how many at a time."""

    url: str
    texts: list[str]
    in_flight: int

    def body(self, text: str) -> dict[str, Any]:
        """Make the request of a text."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        return {"model": MODEL, "messages": messages, "max_tokens": 200}


def main(peers: Mapping[str, Callable[[Work], Awaitable[int]]]) -> None:
    """Run the peer that the command line names."""
    name, url, file, in_flight = sys.argv[1:]
    work = Work(url, json.loads(Path(file).read_text()), int(in_flight))
    done = asyncio.run(_run(peers[name], work))
    assert done == len(work.texts), f"{done} of {len(work.texts)} answered"


async def _run(peer: Callable[[Work], Awaitable[int]], work: Work) -> int:
    return await peer(work)
