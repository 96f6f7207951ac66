"""The Prefect server that runs are recorded by: the one that is configured, else docmill's own.

docmill's own is one a home: the first docmill starts it, others join it, and its watchdog ends it
some time after the last has let go. Prefect's ephemeral server is never used.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from docmill.flows.server.home import home
from docmill.flows.server.own import Announce, join_or_start, let_go, stays, watched
from docmill.flows.server.settings import api_url, apply, configured, left_at_default, spare_loopback
from docmill.flows.server.watchdog import LOG
from docmill.schemas.endpoint import is_loopback
from docmill.schemas.errors import ConfigError

START_TIMEOUT_S = 120.0
LOOK_TIMEOUT_S = 5.0
POLL_S = 0.1
SETTLE_TIMEOUT_S = 10.0


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
                if not watched(self.directory) or time.monotonic() > give_up:
                    raise ConfigError(f"docmill's Prefect server did not start: see {self.directory / LOG}")
                time.sleep(POLL_S)

    async def recorded(self, flow_run_id: str, task_runs: int) -> None:
        """Wait until the server has what a run hands in; one that does not stay, until it has it written."""
        await _handed_in()
        if not stays(self.directory):
            with suppress(httpx.HTTPError):  # it has gone: the run's results do not hang on it
                await _settled(flow_run_id, task_runs)

    def release(self) -> str:
        """Let go of docmill's server; gives what is to be told, nothing where somebody else keeps it."""
        users, self.users = self.users, -1
        return stays(self.directory) if users >= 0 and let_go(users) else ""


def launch(announce: Announce, *, warn: Announce | None = None, port: int | None = None) -> Server:
    """Find the server, or start one and do not wait; sets what Prefect reads from the environment.

    `warn` is told, once, of a server that was started without docmill's settings. Raises ConfigError
    where a configured server cannot be reached, or docmill's own cannot listen on the port.
    """
    apply()
    if url := api_url():
        if port is not None:
            raise ConfigError(f"--port: PREFECT_API_URL names a server, {url}: unset one of them")
        spare_loopback(url)
        _join_configured(url, warn or announce)
        return Server(url, own=False, directory=home())
    directory = home()
    joined, users = join_or_start(directory, announce, port)
    server = Server(joined, own=True, directory=directory, users=users)
    os.environ["PREFECT_HOME"] = str(server.directory)
    os.environ["PREFECT_API_URL"] = server.api_url
    spare_loopback(server.api_url)
    return server


@asynccontextmanager
async def server(announce: Announce = print) -> AsyncIterator[str]:
    """Stand flows of your own on docmill's Prefect server, or the configured one; gives its API's URL.

    PREFECT_API_URL, else the Prefect profile's, is used where one is set; else docmill's own server of
    this home is joined, or started, which takes about ten seconds and which `announce` is told of.
    Raises ConfigError where it cannot be reached or does not start.

    >>> async with docmill.server() as api_url:
    ...     print(api_url)
    http://127.0.0.1:.../api
    """
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
        if staying := launched.release():
            announce(staying)
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


async def _settled(flow_run_id: str, expected: int) -> None:
    """Wait until the server has that many final task runs of a flow run in its database, for a while."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import TERMINAL_STATES

    query = {
        "flow_runs": {"id": {"any_": [flow_run_id]}},
        "task_runs": {"state": {"type": {"any_": [state.value for state in TERMINAL_STATES]}}},
    }
    give_up = time.monotonic() + SETTLE_TIMEOUT_S
    async with get_client() as client:
        while time.monotonic() < give_up:
            reply = await client.request("POST", "/task_runs/count", json=query)
            if reply.json() >= expected:
                return
            await asyncio.sleep(POLL_S)


def run_page(api_url: str, flow_run_id: str) -> str:
    """Give the address of a flow run's page in the Prefect UI."""
    return f"{api_url.removesuffix('/api')}/runs/flow-run/{flow_run_id}"


def _join_configured(url: str, warn: Announce) -> None:
    """Look whether a configured server answers, and with what settings it was started."""
    with _client(url) as client:
        if not _healthy(client, url):
            raise ConfigError(
                f"the Prefect server {url} cannot be reached: start it, or unset PREFECT_API_URL "
                "and docmill starts one of its own"
            )
        if names := left_at_default(_settings(client, url)):
            warn(
                f"the Prefect server {url} was started without {', '.join(names)}: it falls behind after "
                "large runs, or keeps slots of deployments taken; docs/operations.md has what it needs"
            )


def _settings(client: httpx.Client, url: str) -> object:
    """Ask what settings a server runs with; None where it does not say."""
    try:
        return client.get(f"{url}/admin/settings", auth=_credential()).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None


def _credential() -> httpx.BasicAuth | None:
    written = configured("PREFECT_API_AUTH_STRING")
    return httpx.BasicAuth(*written.split(":", 1)) if written and ":" in written else None


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
