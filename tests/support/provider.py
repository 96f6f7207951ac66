"""A real server on loopback that speaks the chat-completions protocol, and misbehaves when told to.

It runs in a thread with a loop of its own, so that it answers whatever the test does: await, block
or wait for another process. `python -m tests.support.provider` serves in a process of its own.
"""

import argparse
import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.connection import Connection, Reply, Request
from tests.support.shapes import Shape, answered, error, written

LOOPBACK = "127.0.0.1"
HOLD_AT_MOST_S = 30.0
POLL_S = 0.005
Rule = Callable[[Request], Shape | None]


class Provider:
    """The server and what it has seen; `url` is the base URL, ending in /v1.

    An answer is chosen by the first rule that returns one, else by the script, else by `always`.
    `delay_s` is waited before every answer. `models` is what it lists; it lists none where that is None.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.delay_s = 0.0
        self.models: list[str] | None = None
        self.failures: list[Exception] = []
        self._rules: list[Rule] = []
        self._script: deque[Shape] = deque()
        self._default: Shape = "ok"
        self._may_answer: Callable[[], bool] | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def bodies(self) -> list[bytes]:
        """List the bodies in the order they arrived."""
        return [request.body for request in self.requests]

    def script(self, *shapes: Shape) -> None:
        """Answer the next requests so, in this order."""
        self._script.extend(shapes)

    def always(self, shape: Shape) -> None:
        """Answer so whatever no rule and no script answers."""
        self._default = shape

    def rule(self, rule: Rule) -> None:
        """Ask this function before the script; None leaves the request to the next."""
        self._rules.append(rule)

    def hold(self, requests: int) -> None:
        """Answer nothing until so many requests have arrived, counted from the start."""
        self.hold_until(lambda: len(self.requests) >= requests)

    def hold_until(self, condition: Callable[[], bool]) -> None:
        """Answer nothing until the condition, asked every few milliseconds, is true for once."""
        self._may_answer = condition

    async def listen(self, port: int) -> None:
        """Begin to serve in the running loop; port 0 is a free one."""
        self._server = await asyncio.start_server(self._connected, LOOPBACK, port, backlog=1024)
        self.url = f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}/v1"

    async def close(self) -> None:
        """End every connection of the running loop."""
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(Connection(self, reader, writer).serve())
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    def begin(self) -> None:
        """Note that a request is in flight."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def end(self) -> None:
        """Note that it no longer is."""
        self.in_flight -= 1

    async def answer(self, request: Request) -> Reply:
        """Choose the answer, wait as told, and give it; a failing rule is a 500 and a failure."""
        try:
            shape = self._choose(request)
            await self._wait()
            return answered(shape, request)
        except Exception as failure:  # noqa: BLE001 - a test's own function; `serving` raises it again
            self.failures.append(failure)
            return error(500, f"the test's own provider failed: {failure!r}")

    def _choose(self, request: Request) -> Shape:
        if request.path.endswith("/v1/models") and self.models is not None:
            return written({"object": "list", "data": [{"id": name} for name in self.models]})
        chosen = (shape for rule in self._rules if (shape := rule(request)) is not None)
        if not request.path.endswith("/v1/chat/completions"):
            listed = next(chosen, None) if request.path.endswith("/v1/models") else None
            return listed or error(404, f"no such path: {request.path}")
        if (shape := next(chosen, None)) is not None:
            return shape
        return self._script.popleft() if self._script else self._default

    async def _wait(self) -> None:
        give_up = time.monotonic() + HOLD_AT_MOST_S
        while (condition := self._may_answer) and not condition():
            if time.monotonic() > give_up:
                raise TimeoutError(f"held for {HOLD_AT_MOST_S} s, {len(self.requests)} requests arrived")
            await asyncio.sleep(POLL_S)
        self._may_answer = None
        await asyncio.sleep(self.delay_s)


@contextmanager
def serving(port: int = 0) -> Iterator[Provider]:
    """Serve on loopback, on a free port by default; raises what failed inside the provider."""
    provider = Provider()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="provider", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.listen(port), loop).result(10)
        yield provider
        asyncio.run_coroutine_threadsafe(provider.close(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
    if provider.failures:
        raise provider.failures[0]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give a provider of this test's own."""
    with serving() as provider:
        yield provider


def main() -> None:
    """Print the base URL and serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--always", default="ok", help="a name in tests.support.shapes.SHAPES")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    options = parser.parse_args()
    with serving(options.port) as provider:
        provider.always(options.always)
        provider.delay_s = options.delay
        print(provider.url, flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
