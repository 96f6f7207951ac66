"""docmill's own Prefect server, one a home: joined or started, kept for a while, and ended.

Who uses it holds a shared lock on a file of the home; its watchdog ends it when nobody has held one
for the grace.
"""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from docmill.flows.server.settings import database
from docmill.flows.server.watchdog import ALIVE, END_TIMEOUT_S, HOST, LOG, PORT, STATE, USERS
from docmill.schemas.errors import ConfigError, DocmillError
from docmill.tasks.checks import children

GRACE = "DOCMILL_SERVER_GRACE_S"
GRACE_S = 300.0
LOOK_TIMEOUT_S = 5.0
PATIENCE_S = 1.0  # as the watchdog holds the users' lock for a moment now and then
POLL_S = 0.1
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Noted:
    """What the home's state file says of its server."""

    api_url: str
    watchdog: int
    grace_s: float


def join_or_start(directory: Path, announce: Announce, port: int | None = None) -> tuple[str, int]:
    """Join the home's server, or start it and do not wait; gives its API's URL and its users' lock.

    Raises ConfigError where it cannot listen on the port that is asked for.
    """
    users = _open(directory / USERS)
    fcntl.flock(users, fcntl.LOCK_SH)  # waits for a watchdog that is ending its server
    alive = _open(directory / ALIVE)
    try:
        if _locked(alive):
            return _start(directory, alive, _port(directory, port), announce), users
        api_url = _noted(directory).api_url
        if port is not None and api_url != _url(port):
            raise ConfigError(
                f"--port: docmill's Prefect server listens at {api_url} already: `docmill down` ends it"
            )
        return api_url, users
    except BaseException:
        os.close(users)
        raise
    finally:
        os.close(alive)


def let_go(users: int) -> bool:
    """Give the users' lock back; says whether nobody else holds one."""
    try:
        return _locked(users)
    finally:
        os.close(users)


def stays(directory: Path) -> str:
    """Tell how long the home's server stays when nobody uses it; nothing where it does not stay."""
    if not watched(directory) or not (grace_s := _noted(directory).grace_s):
        return ""
    whole = grace_s / 60 if grace_s >= 60 else grace_s
    unit = "minute" if grace_s >= 60 else "second"
    told = f"{whole:g} {unit}{'s' * (whole != 1)}"
    return f"docmill's Prefect server stays for {told}; `docmill down` ends it"


def end(directory: Path) -> bool:
    """End the home's server at once; says whether there was one.

    Raises ConfigError where a docmill uses it.
    """
    if not watched(directory):
        return False
    users = _open(directory / USERS)
    try:
        if not _within(PATIENCE_S, lambda: _locked(users)):
            raise ConfigError(
                "docmill's Prefect server is in use: end the runs, `docmill up` and `docmill watch` first"
            )
        os.kill(_noted(directory).watchdog, signal.SIGTERM)
        if not _within(2 * END_TIMEOUT_S, lambda: not watched(directory)):
            raise DocmillError(f"docmill's Prefect server does not end: see {directory / LOG}")
    finally:
        os.close(users)
    return True


def watched(directory: Path) -> bool:
    """Say whether the home's watchdog lives."""
    alive = _open(directory / ALIVE)
    try:
        return not _locked(alive)
    finally:
        os.close(alive)


def free_port(wanted: int = 0) -> int:
    """Give a port that is free, any where none is wanted; raises OSError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, wanted))
        port: int = probe.getsockname()[1]
        return port


def _start(directory: Path, alive: int, port: int, announce: Announce) -> str:
    """Start the watchdog, which inherits the lock that says it is alive."""
    grace_s = _grace_s()
    announce(f"starting docmill's Prefect server (log: {directory / LOG})")
    command = [sys.executable, "-m", "docmill.flows.server.watchdog", directory, port, grace_s]
    watchdog = subprocess.Popen(  # noqa: S603
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=children.environment(children.PREFECT_SERVER, **database(directory)),  # the server inherits it
        pass_fds=[alive],
    )
    noted = Noted(_url(port), watchdog.pid, grace_s)
    state = directory / STATE
    part = state.with_suffix(".part")
    part.write_text(json.dumps(asdict(noted)))
    part.rename(state)
    return noted.api_url


def _grace_s() -> float:
    written = os.environ.get(GRACE) or f"{GRACE_S:g}"
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", written):
        raise ConfigError(f"{GRACE}: must be a number of seconds, such as 300, or 0, not {written!r}")
    return float(written)


def _noted(directory: Path) -> Noted:
    """Read what is noted of the living server; who started it writes that in the next moment."""
    give_up = time.monotonic() + LOOK_TIMEOUT_S
    while True:
        try:
            return Noted(**json.loads((directory / STATE).read_bytes()))
        except (OSError, ValueError, TypeError):
            if time.monotonic() > give_up:
                raise ConfigError(f"docmill's Prefect server did not start: see {directory / LOG}") from None
            time.sleep(POLL_S)


def _port(directory: Path, wanted: int | None) -> int:
    """Choose a port: the wanted one, else that of before where it is free: people keep its address."""
    noted = directory / PORT
    if wanted is not None:
        try:
            port = free_port(wanted)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"--port: {wanted} cannot be listened on: {error}") from None
    else:
        try:
            port = free_port(int(noted.read_text()))
        except (OSError, ValueError, OverflowError):
            port = free_port()
    noted.write_text(str(port))
    return port


def _url(port: int) -> str:
    return f"http://{HOST}:{port}/api"


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(descriptor: int) -> bool:
    """Try to lock a file that nobody else holds; a lock held before is lost where somebody does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Say whether a condition becomes true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(POLL_S)
    return True
