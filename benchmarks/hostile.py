"""`python -m benchmarks.hostile`: what replies that are made to harm cost in memory and time; a table.

Each is asked for by one attempt in a process of its own, over HTTP from a provider in another one. Memory is
the process's peak over what it held before (Linux), the stall the longest that its event loop stood still:
so long no other call goes on. The numbers of docs/performance.md come from here.
"""

import argparse
import asyncio
import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from docmill.schemas.errors import ChatError
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.attempt import attempt
from docmill.tasks.chat.session import session
from tests.support.asking import forced, target
from tests.support.connection import Reply
from tests.support.provider import serving

MEGABYTE = 1_000_000
TICK_S = 0.001
GIVE_UP_S = 240
STREAM = "text/event-stream"
KEY = "sk-" + "0123456789abcdef" * 2  # the tests look for keys in files
SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "pattern": "^(a+)+$"}, "tree": {"type": ["array", "null"]}},
    "required": ["code"],
    "additionalProperties": False,
}


def zipped(times: int, body: bytes) -> Reply:
    """Give a body in gzip, so many times over, as its headers say."""
    for _ in range(times):
        body = gzip.compress(body)
    return Reply(200, (body,), {"content-encoding": ", ".join(["gzip"] * times)})


def streamed(*parts: bytes) -> Reply:
    """Give parts of a stream of events."""
    return Reply(200, parts, {"content-type": STREAM})


def event(delta: object) -> bytes:
    """Write a chunk of a stream."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def choice(message: object) -> Reply:
    """Give a reply of one choice."""
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return Reply(200, (json.dumps(whole).encode(),))


def called(arguments: str) -> Reply:
    """Give a reply that calls the tool."""
    call = {"id": "c", "type": "function", "function": {"name": "record", "arguments": arguments}}
    return choice({"role": "assistant", "content": None, "tool_calls": [call]})


def _many_calls() -> Reply:
    calls = [{"index": n, "id": f"c{n}", "function": {"name": "record"}} for n in range(20_000)]
    return streamed(event({"tool_calls": calls}))


CASES: dict[str, Callable[[], Reply]] = {
    "400 MB in gzip within gzip": lambda: zipped(2, b" " * (400 * MEGABYTE)),
    "400 MB in gzip": lambda: zipped(1, b" " * (400 * MEGABYTE)),
    "100 MB": lambda: Reply(200, (b" " * MEGABYTE,) * 100),
    "100 MB of an error's page": lambda: Reply(500, (b"x" * MEGABYTE,) * 100),
    "a stream without an end: 200 MB": lambda: streamed(*(event({"content": "x" * 1000}) * 1000,) * 200),
    "one event of 100 MB": lambda: streamed(b"data: ", *(b"x" * MEGABYTE,) * 100),
    "a stream of 20,000 tool calls": _many_calls,
    "5,000,000 empty choices": lambda: Reply(200, (b'{"choices": [' + b"{}," * 5_000_000 + b"{}]}",)),
    "1,200,000 empty parts": lambda: Reply(
        200, (b'{"choices": [{"message": {"content": [' + b"{}," * 1_200_000 + b"{}]}}]}",)
    ),
    "100,000 levels": lambda: Reply(200, (b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",)),
    "100,000 levels of a tool's arguments": lambda: called('{"code": "a", "tree": ' + "[" * 100_000),
    "300,000 keys of a tool's arguments": lambda: called(
        "{" + ",".join(f'"{n}": 1' for n in range(300_000)) + "}"
    ),
    "a number of 1,000,000 digits": lambda: called('{"code": ' + "9" * MEGABYTE + "}"),
    "a pattern that backtracks, over 100,000 letters": lambda: called(
        json.dumps({"code": "a" * 100_000 + "!"})
    ),
    "400,000 beginnings of thinking": lambda: choice({"content": "<think>\n" * 400_000}),
    "900,000 beginnings of JSON": lambda: choice({"content": '{"' * 900_000}),
    "15 MB of the key, percent-encoded": lambda: choice(
        {"content": "".join(f"%{ord(each):02x}" for each in KEY) * (15 * MEGABYTE // 3 // len(KEY))}
    ),
}


async def asked(url: str, stream: bool) -> tuple[str, float]:
    """Try once; gives what came of it, and the longest that the loop stood still, in seconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK_S)
            longest = max(longest, time.monotonic() - began - TICK_S)

    whom = target(url, api_key_env="DOCMILL_API_KEY", timeout_s=GIVE_UP_S)
    async with session(whom, Limits(concurrency=8)) as opened:
        ticking = asyncio.create_task(tick())
        try:
            await attempt(opened, forced(schema=SCHEMA, stream=stream), None, ("d", "s"))
            came = "accepted"
        except ChatError as error:
            came = type(error).__name__
        await asyncio.sleep(TICK_S)
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
    return came, longest


def resident_mb(name: str) -> float:
    """Give what this process holds (VmRSS), or the most that it held (VmHWM)."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def measure(url: str, stream: bool) -> None:
    """Ask once and print what it cost, as JSON."""
    before = resident_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most that was held is counted anew
    began = time.monotonic()
    came, stall = asyncio.run(asked(url, stream))
    seconds = time.monotonic() - began
    print(json.dumps([came, resident_mb("VmHWM") - before, stall, seconds]))  # noqa: T201


def row(name: str, reply: Reply) -> str:
    """Have a reply asked for, and give its row."""
    with serving() as provider:
        provider.always(lambda _: reply)
        command = [sys.executable, "-m", "benchmarks.hostile", "--ask", provider.url]
        command += ["--stream"] * (reply.headers.get("content-type") == STREAM)
        environment = {**os.environ, "DOCMILL_API_KEY": KEY}
        try:
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, check=True, timeout=GIVE_UP_S
            )
        except subprocess.TimeoutExpired:
            return f"| {name} | ended after {GIVE_UP_S} s | | | |"
        came, mb, stall, seconds = json.loads(done.stdout)
    return f"| {name} | {came} | {mb:.0f} MB | {stall:.2f} s | {seconds:.1f} s |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ask")
    parser.add_argument("--stream", action="store_true")
    options = parser.parse_args()
    if options.ask:
        measure(options.ask, options.stream)
        return
    print("| reply | what it is | memory | longest stall | time |\n| --- | --- | --- | --- | --- |")  # noqa: T201
    for name, reply in CASES.items():
        print(row(name, reply()), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
