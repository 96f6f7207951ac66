"""A page in Debian's chromium that a test can ask and use: the DevTools protocol over its pipe."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import ALONE, chromium

TIMEOUT_S = 40.0
FLAGS = (*ALONE, "--no-first-run", "--remote-debugging-pipe")


class Tab:
    """An open page; `events` are what the browser has told so far, in its own names."""

    def __init__(self, reading: int, writing: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._reading = os.fdopen(reading, "rb")
        self._writing = os.fdopen(writing, "wb")
        self._session: str | None = None
        self._buffered = b""
        self._asked = 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command and give its result."""
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        self._writing.write(json.dumps(command).encode() + b"\0")
        self._writing.flush()
        while (told := self._next()).get("id") != self._asked:
            pass
        assert "error" not in told, told
        return told["result"]

    def open(self, url: str) -> float:
        """Open a page from anew; gives the seconds until it had loaded."""
        self._loaded("about:blank")  # else another fragment of the same page would load nothing
        begun = time.monotonic()
        self._loaded(url)
        return time.monotonic() - begun

    def _loaded(self, url: str) -> None:
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not self.told("Page.loadEventFired"):
            self._next()

    def run(self, script: str) -> Any:
        """Run an expression in the page, waiting for a promise, and give its value."""
        said = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def told(self, method: str) -> list[dict[str, Any]]:
        """List the events of a kind."""
        return [event["params"] for event in self.events if event["method"] == method]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffered:
            chunk = self._reading.read1(1 << 20)
            assert chunk, "chromium has ended"
            self._buffered += chunk
        message, _, self._buffered = self._buffered.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        if "method" in told:
            self.events.append(told)
        return told

    def close(self) -> None:
        """Let the pipes go."""
        self._reading.close()
        self._writing.close()


@contextmanager
def browsing(directory: Path, width: int = 1200, height: int = 1000) -> Iterator[Tab]:
    """Run chromium with one page; its profile lies in the directory."""
    browser = chromium()
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = [
        browser,
        *FLAGS,
        f"--user-data-dir={directory / 'profile'}",
        f"--window-size={width},{height}",
    ]
    # The protocol speaks on the descriptors 3 and 4.
    script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *command],
        pass_fds=(theirs_in, theirs_out),
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    tab = Tab(ours_in, ours_out)
    try:
        yield tab
        tab._session = None
        tab.ask("Browser.close")
        process.wait(TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
        tab.close()


def pictured(tab: Tab, name: str, selector: str | None = None) -> None:
    """Keep a picture of the page, or of an element of it, where $SCREENSHOTS says."""
    if not (kept := os.environ.get("SCREENSHOTS")):
        return
    clip: dict[str, Any] = {}
    if selector:
        box = f"JSON.stringify(document.querySelector({selector!r}).getBoundingClientRect())"
        place = json.loads(tab.run(box))
        clip = {"clip": {**{name: place[name] for name in ("x", "y", "width", "height")}, "scale": 1}}
    Path(kept).mkdir(parents=True, exist_ok=True)
    shot = tab.ask("Page.captureScreenshot", format="png", **clip)["data"]
    Path(kept, f"{name}.png").write_bytes(base64.b64decode(shot))
