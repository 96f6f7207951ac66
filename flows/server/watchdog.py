"""Runs docmill's Prefect server as its child, and ends it when nobody uses it.

`python -m docmill.flows.server.watchdog HOME PORT`, started in a session of its own. Every docmill
holds a shared lock on HOME/server.users; the kernel drops it even at kill -9. Imports the standard
library alone.
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
    """Serve until nobody holds the users' lock, or until the server ends by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    users = os.open(home / USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    server = _start(home, port)
    try:
        while server.poll() is None and not _unused(users):
            time.sleep(POLL_S)
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


def _unused(users: int) -> bool:
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
