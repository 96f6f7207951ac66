"""What Prefect has of a run: by its server's API, and as its pages show it in Debian's chromium."""

import asyncio
import logging
import os
import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.logging.handlers import APILogHandler

from tests.support.processes import eventually
from tests.support.project import Project

MISSING = "there is no chromium on PATH, which these tests open pages with: apt-get install chromium"
ALONE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
)
FLAGS = (*ALONE, "--virtual-time-budget=10000", "--window-size=1200,1000")
TIMEOUT_S = 40.0
OPENED_AT_MOST = 3
TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


class Watched:
    """A flow run as the server has it; the newest of the project's results, unless one is named."""

    def __init__(self, api: str, project: Project, flow_run_id: str | None = None) -> None:
        self.api = api
        if flow_run_id is None:
            [(flow_run_id,)] = project.rows(
                "select flow_run_id from docmill_runs order by started_at desc limit 1"
            )
        self.id = flow_run_id

    def flow_run(self) -> dict[str, Any]:
        """Give the flow run itself."""
        return dict(httpx.get(f"{self.api}/flow_runs/{self.id}").raise_for_status().json())

    def artifacts(self, kind: str) -> list[dict[str, Any]]:
        """Give its artifacts of a kind: `markdown` or `progress`."""
        return [each for each in self._of_it("artifacts") if each["type"] == kind]

    def report(self) -> str:
        """Give the report's text, of which there is one."""
        [artifact] = self.artifacts("markdown")
        return str(artifact["data"])

    def percent(self) -> float:
        """Give the progress, of which there is one."""
        [artifact] = self.artifacts("progress")
        return float(artifact["data"])

    def task_runs(self, expected: int) -> list[dict[str, Any]]:
        """Give the task runs, when so many are final on the server."""
        assert eventually(lambda: len(self._final()) == expected), self._final()
        return self._final()

    def _final(self) -> list[dict[str, Any]]:
        return [run for run in self._of_it("task_runs") if run["end_time"] and run["state"]]

    def logs(self) -> list[tuple[int, str]]:
        """Give the log's lines with their levels, when the last one has arrived."""
        query = {"logs": {"flow_run_id": {"any_": [self.id]}}, "sort": "TIMESTAMP_ASC"}
        found: list[tuple[int, str]] = []
        asyncio.run(APILogHandler.aflush())

        def complete() -> bool:
            reply = httpx.post(f"{self.api}/logs/filter", json=query).raise_for_status().json()
            found[:] = [(line["level"], line["message"]) for line in reply]
            return any("Finished in state" in message for _, message in found)

        assert eventually(complete), found
        return found

    def lines(self) -> list[str]:
        """Give the lines that are about documents."""
        return [message for level, message in self.logs() if level == logging.INFO and " calls, " in message]

    def _of_it(self, what: str) -> list[dict[str, Any]]:
        query = {"flow_runs": {"id": {"any_": [self.id]}}, "limit": 200}
        return list(httpx.post(f"{self.api}/{what}/filter", json=query).raise_for_status().json())


@dataclass(frozen=True)
class Page:
    """A page when its scripts have come to rest: the DOM as HTML, and a PNG of what is seen."""

    dom: str
    picture: Path

    @property
    def text(self) -> str:
        """The words in the DOM, each apart from the next by one space."""
        return words(self.dom)

    def elements(self, name: str) -> list[str]:
        """Give each element of this name, with what is in it."""
        return [found[0] for found in re.finditer(rf"<{name}\b.*?</{name}>", self.dom, re.DOTALL)]


@contextmanager
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Give a project, with its cache, that tests of one module share, to run it here and now."""
    directory = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setenv("DOCMILL_CACHE", str(directory / "cache"))
        yield Project(directory)


def words(html: str) -> str:
    """Take HTML's tags away."""
    return " ".join(unescape(TAG.sub(" ", html)).split())


def chromium() -> str:
    """Give the path of the browser; an AssertionError that says what to install where there is none."""
    found = shutil.which("chromium")
    assert found, MISSING
    return found


def opened(url: str, directory: Path, name: str, until: str) -> Page:
    """Open a page, again where chromium took it for loaded before it shows this text.

    Its picture is `name`.png in the directory, and in $SCREENSHOTS where that is set.
    """
    picture = directory / f"{name}.png"
    own = (f"--user-data-dir={directory / 'chromium' / name}", f"--screenshot={picture}", "--dump-dom")
    command = [chromium(), *FLAGS, *own, url]
    for _ in range(OPENED_AT_MOST):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        assert picture.exists(), ran.stderr[-2000:]
        page = Page(ran.stdout, picture)
        if until in page.text:
            break
    if kept := os.environ.get("SCREENSHOTS"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, kept)
    return page


def colours(picture: Path, rows: int) -> "Counter[bytes]":
    """Count the pixels of each colour in the upper rows of a PNG: 8 bits a channel, not interlaced."""
    data = picture.read_bytes()
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += 12 + length
    width, _, depth, kind_of_colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, interlaced) == (8, 0)
    channels = {2: 3, 6: 4}[kind_of_colour]
    found: Counter[bytes] = Counter()
    raw, stride = zlib.decompress(chunks[b"IDAT"]), width * channels
    above = bytearray(stride)
    for row in range(rows):
        start = row * (stride + 1)
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + stride], above, channels)
        line = bytes(above)
        found.update(line[pixel : pixel + 3] for pixel in range(0, stride, channels))
    return found


def _unfiltered(how: int, line: bytes, above: bytearray, channels: int) -> bytearray:
    """Undo what PNG did to one line of pixels."""
    out = bytearray(line)
    for index in range(len(out)):
        left = out[index - channels] if index >= channels else 0
        corner = above[index - channels] if index >= channels else 0
        predicted = (0, left, above[index], (left + above[index]) // 2, _paeth(left, above[index], corner))
        out[index] = (out[index] + predicted[how]) & 0xFF
    return out


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))
