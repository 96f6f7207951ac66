"""The Prefect server that runs are recorded by: the one that is configured, else docmill's own.

docmill's own is one a home: the first docmill starts it, others join it, and its watchdog ends it
when the last has let go. Prefect's ephemeral server is never used.
"""

import asyncio
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from docmill.flows.server.home import home
from docmill.flows.server.settings import api_url, apply, spare_loopback
from docmill.flows.server.watchdog import ALIVE, HOST, LOG, PORT, STATE, USERS
from docmill.schemas.endpoint import is_loopback
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import children

START_TIMEOUT_S = 120.0
LOOK_TIMEOUT_S = 5.0
POLL_S = 0.1
SETTLE_TIMEOUT_S = 10.0
Announce = Callable[[str], None]


@dataclass
class Server:
    """A server that may still be starting. `own` says whether it is docmill's; `users` is its lock."""

    api_url: str
    own: bool
    directory: Path
    users: int = -1

    def wait(self) -> None:
        """Wait until the server answers; ConfigError where it does not come up."""
        give_up = time.monotonic() + START_TIMEOUT_S
        with _client(self.api_url) as client:
            while not _healthy(client, self.api_url):
                if not self.own:
                    raise ConfigError(f"the Prefect server {self.api_url} cannot be reached")
                if not _watched(self.directory) or time.monotonic() > give_up:
                    raise ConfigError(f"docmill's Prefect server did not start: see {self.directory / LOG}")
                time.sleep(POLL_S)

    def release(self) -> None:
        """Let go of docmill's server: its watchdog ends it when nobody is left."""
        if self.users >= 0:
            os.close(self.users)
            self.users = -1


def launch(announce: Announce) -> Server:
    """Find the server, or start one and do not wait; sets what Prefect reads from the environment.

    Raises ConfigError where a configured server cannot be reached.
    """
    apply()
    if configured := api_url():
        spare_loopback(configured)
        with _client(configured) as client:
            answers = _healthy(client, configured)
        if not answers:
            raise ConfigError(
                f"the Prefect server {configured} cannot be reached: start it, or unset PREFECT_API_URL "
                "and docmill starts one of its own"
            )
        return Server(configured, own=False, directory=home())
    server = _join_or_start(home(), announce)
    os.environ["PREFECT_HOME"] = str(server.directory)
    os.environ["PREFECT_API_URL"] = server.api_url
    spare_loopback(server.api_url)
    return server


@asynccontextmanager
async def server(announce: Announce = print) -> AsyncIterator[str]:
    """Stand flows of your own on docmill's server, or the configured one; gives its API's URL."""
    before = {name: os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL")}
    launched = await asyncio.to_thread(launch, announce)
    try:
        await asyncio.to_thread(launched.wait)
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: launched.api_url}):
            yield launched.api_url
            if launched.own:
                await _handed_in()
    finally:
        launched.release()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


async def _handed_in() -> None:
    """Wait until the server has the events and the log: at exit Prefect would try for minutes, in vain."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    await APILogHandler.aflush()
    if handing_in := EventsWorker.drain_all(timeout=SETTLE_TIMEOUT_S, at_exit=False):
        await handing_in  # type: ignore[misc]  # a coroutine, as a loop runs


async def settled(flow_run_id: str, expected: int, timeout_s: float = SETTLE_TIMEOUT_S) -> bool:
    """Wait until the server has the log and that many final task runs of a flow run; says whether it does."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import TERMINAL_STATES
    from prefect.logging.handlers import APILogHandler

    await APILogHandler.aflush()
    query = {
        "flow_runs": {"id": {"any_": [flow_run_id]}},
        "task_runs": {"state": {"type": {"any_": [state.value for state in TERMINAL_STATES]}}},
    }
    give_up = time.monotonic() + timeout_s
    async with get_client() as client:
        while True:
            reply = await client.request("POST", "/task_runs/count", json=query)
            if reply.json() >= expected:
                return True
            if time.monotonic() > give_up:
                return False
            await asyncio.sleep(POLL_S)


def run_page(api_url: str, flow_run_id: str) -> str:
    """Give the address of a flow run's page in the Prefect UI."""
    return f"{api_url.removesuffix('/api')}/runs/flow-run/{flow_run_id}"


def _join_or_start(directory: Path, announce: Announce) -> Server:
    users = os.open(directory / USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)  # waits for a watchdog that is ending its server
    alive = os.open(directory / ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _locked(alive):
            announce(f"starting docmill's Prefect server (log: {directory / LOG})")
            api_url = _start(directory, alive)
        else:
            api_url = _noted(directory)
    finally:
        os.close(alive)
    return Server(api_url, own=True, directory=directory, users=users)


def _start(directory: Path, alive: int) -> str:
    """Start the watchdog, which inherits the lock that says it is alive."""
    port = _port(directory)
    command = [sys.executable, "-m", "docmill.flows.server.watchdog", str(directory), str(port)]
    subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=children.environment(children.PREFECT_SERVER),  # which the server inherits from it
        pass_fds=[alive],
    )
    state = directory / STATE
    part = state.with_suffix(".part")
    part.write_text(json.dumps({"api_url": f"http://{HOST}:{port}/api"}))
    part.rename(state)
    return f"http://{HOST}:{port}/api"


def _noted(directory: Path) -> str:
    """Read where the living server listens; who started it writes that in the next moment."""
    give_up = time.monotonic() + LOOK_TIMEOUT_S
    while True:
        try:
            return str(json.loads((directory / STATE).read_bytes())["api_url"])
        except (OSError, ValueError, KeyError):
            if time.monotonic() > give_up:
                raise ConfigError(f"docmill's Prefect server did not start: see {directory / LOG}") from None
            time.sleep(POLL_S)


def _watched(directory: Path) -> bool:
    """Say whether a watchdog lives."""
    alive = os.open(directory / ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return not _locked(alive)
    finally:
        os.close(alive)


def _locked(descriptor: int) -> bool:
    """Try to lock a file that nobody else holds."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _port(directory: Path) -> int:
    """Choose the port that this home's server had before where it is free: people keep its address."""
    noted = directory / PORT
    try:
        port = _free_port(int(noted.read_text()))
    except (OSError, ValueError, OverflowError):
        port = _free_port()
    noted.write_text(str(port))
    return port


def _free_port(wanted: int = 0) -> int:
    """Give a port that is free, any where none is wanted; raises OSError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, wanted))
        port: int = probe.getsockname()[1]
        return port


def _client(api_url: str) -> httpx.Client:
    """Make a client for the server; what listens on this machine is not reached through a proxy."""
    url = httpx.URL(api_url)
    own_machine = is_loopback(url.host)
    return httpx.Client(timeout=LOOK_TIMEOUT_S, trust_env=not own_machine, verify=url.scheme == "https")


def _healthy(client: httpx.Client, api_url: str) -> bool:
    try:
        return client.get(f"{api_url}/health").status_code == 200
    except httpx.HTTPError:
        return False
