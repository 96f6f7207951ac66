#!/usr/bin/env python3
"""A Prefect worker that ends its runs before itself; takes the options of `prefect worker start`.

On SIGTERM Prefect's own kills its runs within half a second, which leaves calls paid for and not kept. Here
each run ends by itself, calls in flight get ten seconds, and the worker goes after the last one. It is held
meanwhile: it would take up the next runs, whose calls nobody would wait for. Linux alone.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def runs_of(worker: int) -> list[int]:
    """List the processes of a worker's flow runs that have not ended."""
    threads = Path(f"/proc/{worker}/task").glob("*/children")
    pids = [int(pid) for children in threads for pid in children.read_text().split()]
    return [pid for pid in pids if not has_ended(pid)]


def has_ended(pid: int) -> bool:
    """Say whether a process has ended; a worker that is held does not take note of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def main() -> int:
    """Keep the worker until it ends, or until a signal ends it after its runs."""
    # What a process ignores its child ignores: in the background that is SIGINT, by which Prefect's ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    worker = subprocess.Popen(["prefect", "worker", "start", *sys.argv[1:]])  # noqa: S603, S607  on PATH

    def stop(*_: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        worker.send_signal(signal.SIGSTOP)
        for run in runs_of(worker.pid):
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(run, signal.SIGTERM)
        while runs_of(worker.pid):
            time.sleep(0.5)
        worker.terminate()
        worker.send_signal(signal.SIGCONT)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    return worker.wait()


if __name__ == "__main__":
    sys.exit(main())
