"""One real Prefect server a test session, in a home of its own, started when a test first wants it.

Processes that share a session (pytest -n 2) share it: on a slow machine it takes half a minute to start.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from signal import SIGKILL

import httpx
import pytest

from docmill.flows.server.own import free_port
from docmill.flows.server.settings import apply
from tests.support.prefect_database import provide
from tests.support.processes import eventually

START_TIMEOUT_S = 180.0


# Set by the session's first process, whose workers inherit it.
SHARED = "TESTS_HOME", "TESTS_API_URL"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not IS_WORKER:
    os.environ |= dict(
        zip(
            SHARED,
            (tempfile.mkdtemp(prefix="docmill-tests-"), f"http://127.0.0.1:{free_port()}/api"),
            strict=True,
        )
    )
HOME, API_URL = (os.environ[name] for name in SHARED)
PID, LOG = Path(HOME, "server.pid"), Path(HOME, "server.log")
# Prefect reads its settings when it is imported, so they are made here, before any test module is.
for name in [name for name in os.environ if name.startswith(("PREFECT_", "DOCMILL_"))]:
    del os.environ[name]
os.environ |= {
    "PREFECT_HOME": HOME,
    "PREFECT_API_URL": API_URL,
    "DOCMILL_CACHE": f"{HOME}/no-test-uses-this",
    "DOCMILL_RETRY_SCALE": "0.01",
    "DOCMILL_SERVER_GRACE_S": "0",
}
apply()


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Give the URL of the session's server, when it answers."""
    begin_server()
    _wait()
    yield API_URL
    from prefect.logging.handlers import APILogHandler

    asyncio.run(APILogHandler.aflush())


def begin_server() -> None:
    """Start the session's server, unless it was started, and do not wait for it."""
    with Path(HOME, "server.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not PID.exists():
            provide(Path(HOME))
            PID.write_text(str(_started().pid))


def end_server() -> None:
    """End the session's server, if one was started, and remove its home: nobody asks it any more."""
    if IS_WORKER:
        return
    with suppress(FileNotFoundError, ProcessLookupError):
        os.killpg(int(PID.read_text()), SIGKILL)
    shutil.rmtree(HOME, ignore_errors=True)


def _started() -> "subprocess.Popen[bytes]":
    port = API_URL.removesuffix("/api").rpartition(":")[2]
    with LOG.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
            stdout=output,
            stderr=output,
            env={**os.environ, "PREFECT_UI_API_URL": API_URL},
            start_new_session=True,
        )


def _wait() -> None:
    if not eventually(lambda: healthy(API_URL), START_TIMEOUT_S):
        raise RuntimeError(f"the Prefect server did not start: {LOG.read_text()[-2000:]}")


def healthy(api_url: str) -> bool:
    """Say whether a Prefect server answers."""
    try:
        return httpx.get(f"{api_url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
