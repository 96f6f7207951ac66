"""One real Prefect server a test session, in a home of its own, started when a test first wants it."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docmill.flows.server.settings import apply

START_TIMEOUT_S = 90.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Prefect reads its settings when it is imported, so they are made here, before any test module is.
HOME = tempfile.TemporaryDirectory(prefix="docmill-tests-", ignore_cleanup_errors=True)
API_URL = f"http://127.0.0.1:{_free_port()}/api"
for name in [name for name in os.environ if name.startswith(("PREFECT_", "DOCMILL_"))]:
    del os.environ[name]
os.environ |= {
    "PREFECT_HOME": HOME.name,
    "PREFECT_API_URL": API_URL,
    "DOCMILL_CACHE": f"{HOME.name}/no-test-uses-this",
    "DOCMILL_RETRY_SCALE": "0.01",
    "DOCMILL_SERVER_GRACE_S": "0",
}
apply()


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Give the URL of the session's server, when it answers."""
    port = API_URL.removesuffix("/api").rpartition(":")[2]
    log = Path(HOME.name, "server.log")
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
            stdout=output,
            stderr=output,
            env={**os.environ, "PREFECT_UI_API_URL": API_URL},
            start_new_session=True,
        )
    try:
        _wait(server, log)
        yield API_URL
        from prefect.logging.handlers import APILogHandler

        asyncio.run(APILogHandler.aflush())
    finally:
        server.terminate()
        server.wait(20)


def _wait(server: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up and server.poll() is None:
        try:
            if httpx.get(f"{API_URL}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the Prefect server did not start: {log.read_text()[-2000:]}")
