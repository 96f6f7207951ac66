"""Runs docmill's Prefect server as its child, and ends it when nobody has used it for a while.

`python -m docmill.flows.server.watchdog HOME PORT GRACE_S`, started in a session of its own. Every
docmill holds a shared lock on HOME/server.users; the kernel drops it even at kill -9. SIGTERM ends
it at once. Imports the standard library alone.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

USERS = "server.users"
ALIVE = "server.alive"  # locked as long as the watchdog lives; inherited from who started it
STATE = "server.json"
LOG = "server.log"
PORT = "server.port"
POLL_S = 0.5
END_TIMEOUT_S = 5.0
HOST = "127.0.0.1"


def main() -> None:
    """Serve until nobody has held the users' lock for the grace, or until the server ends by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    home, port, grace_s = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    users = os.open(home / USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    server = _start(home, port)
    try:
        _wait(server, users, grace_s)
    finally:  # a docmill that begins meanwhile waits for the users' lock until all this is gone
        _end(server)
        (home / STATE).unlink(missing_ok=True)


def _start(home: Path, port: int) -> "subprocess.Popen[bytes]":
    url = f"http://{HOST}:{port}/api"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_UI_API_URL": url,  # without it the page asks port 4200
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    with (home / LOG).open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)  # noqa: S603


def _wait(server: "subprocess.Popen[bytes]", users: int, grace_s: float) -> None:
    """Return with the users' lock held, unless the server has ended."""
    used_at = time.monotonic()
    while server.poll() is None:
        if not _unused(users):
            used_at = time.monotonic()
        elif time.monotonic() - used_at >= grace_s:
            return
        else:
            fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(POLL_S)


def _unused(users: int) -> bool:
    """Take the users' lock where nobody holds it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
