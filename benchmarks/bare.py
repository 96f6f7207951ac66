"""The same calls as a script of one's own makes them: `python -m benchmarks.bare URL BODIES IN_FLIGHT`.

One httpx.AsyncClient, a semaphore and a gather; no retry, no cache, no record. Prints the seconds.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx


async def main(url: str, bodies: list[str], in_flight: int) -> None:
    """Send all bodies, so many at a time."""
    room = asyncio.Semaphore(in_flight)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def send(body: str) -> None:
            async with room:
                headers = {"content-type": "application/json"}
                reply = await client.post(f"{url}/chat/completions", content=body, headers=headers)
                reply.raise_for_status()
                reply.json()

        began = time.perf_counter()
        await asyncio.gather(*(send(body) for body in bodies))
        print(time.perf_counter() - began)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])))
