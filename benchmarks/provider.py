"""A fast chat-completions server for measurements: `python -m benchmarks.provider DELAY_S`.

It prints its base URL, answers every POST after the delay, and GET /stats with what it has seen
since the last such GET. It parses no more of HTTP than its two clients send.
"""

import asyncio
import json
import sys
import time
from typing import Any

REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "bench",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
}
SUMMARY = "A short summary of the document, in one sentence. " * 3


class Seen:
    """What the server has seen: requests, the most in flight, and the bodies."""

    def __init__(self, *, bodies: bool) -> None:
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._began = self._ended = 0.0
        self._keeps = bodies
        self._bodies: list[str] = []

    def begin(self, body: bytes) -> None:
        """Note a request."""
        if self.requests == 0:
            self._began = time.monotonic()
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self._keeps:
            self._bodies.append(body.decode())

    def end(self) -> None:
        """Note that it is answered."""
        self.in_flight -= 1
        self._ended = time.monotonic()

    def taken(self) -> dict[str, Any]:
        """Give what was seen, and begin anew."""
        told = {
            "requests": self.requests,
            "most_in_flight": self.most_in_flight,
            "seconds": self._ended - self._began,  # from the first request to the last reply
            "bodies": self._bodies,
        }
        self.requests, self.most_in_flight, self._bodies = 0, self.in_flight, []
        return told


class Connection(asyncio.Protocol):
    """One client's connection, kept alive."""

    def __init__(self, seen: Seen, delay_s: float) -> None:
        self._seen = seen
        self._delay_s = delay_s
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take in bytes; answer a request that is complete."""
        self._received += data
        head, complete, rest = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not complete or len(rest) < length:
            return
        body, self._received = rest[:length], rest[length:]
        if head.startswith(b"GET"):
            self._write(self._seen.taken())
            return
        self._seen.begin(body)
        asyncio.get_running_loop().call_later(self._delay_s, self._answer, body)

    def _answer(self, body: bytes) -> None:
        self._seen.end()
        self._write(_reply(json.loads(body)))

    def _write(self, value: Any) -> None:
        assert self._transport is not None
        written = json.dumps(value).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(written)}\r\n\r\n"
        self._transport.write(head.encode() + written)


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    as_json = (request.get("response_format") or {}).get("type", "text") != "text"
    content = json.dumps({"summary": SUMMARY}) if as_json else SUMMARY
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if tools := request.get("tools"):
        function = tools[0]["function"]
        properties = function["parameters"]["properties"]
        record = {name: rule.get("enum", ["Example"])[0] for name, rule in properties.items()}
        call = {"name": function["name"], "arguments": json.dumps(record)}
        called = {"id": "call_1", "type": "function", "function": call}
        message = {"role": "assistant", "content": None, "tool_calls": [called]}
    return {**REPLY, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


async def main(delay_s: float, *, bodies: bool) -> None:
    """Serve until the process is ended."""
    seen = Seen(bodies=bodies)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(seen, delay_s), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), bodies="--bodies" in sys.argv))
